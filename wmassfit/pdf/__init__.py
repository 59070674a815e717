"""Parton densities: an embedded default, LHAPDF grid files, and what their error members mean."""

from wmassfit.pdf.embedded import EmbeddedPdf, load_embedded
from wmassfit.pdf.files import read_lhapdf
from wmassfit.pdf.lhagrid import GridPdf
from wmassfit.pdf.loading import load
from wmassfit.pdf.sets import GLUON, QUARKS, ErrorType, PdfSet
from wmassfit.pdf.uncertainties import (
    alphas_direction,
    asymmetry_directions,
    confidence_scale,
    direction_matrix,
    symmetrised_directions,
)

__all__ = [
    "GLUON",
    "QUARKS",
    "EmbeddedPdf",
    "ErrorType",
    "GridPdf",
    "PdfSet",
    "alphas_direction",
    "asymmetry_directions",
    "confidence_scale",
    "direction_matrix",
    "load",
    "load_embedded",
    "read_lhapdf",
    "symmetrised_directions",
]
