"""Parton densities: an embedded default, LHAPDF grid files, and what their error members mean."""

from wmassfit.pdf.alphas import ALPHAS_SIGMA, with_alphas
from wmassfit.pdf.embedded import EmbeddedPdf, load_embedded
from wmassfit.pdf.files import read_lhapdf
from wmassfit.pdf.lhagrid import GridPdf
from wmassfit.pdf.loading import load
from wmassfit.pdf.running import ALPHAS_MZ
from wmassfit.pdf.sets import GLUON, QUARKS, ErrorType, PdfSet
from wmassfit.pdf.uncertainties import (
    alphas_matrix,
    confidence_scale,
    difference_matrix,
    direction_matrix,
    symmetrised_directions,
)

__all__ = [
    "ALPHAS_MZ",
    "ALPHAS_SIGMA",
    "GLUON",
    "QUARKS",
    "EmbeddedPdf",
    "ErrorType",
    "GridPdf",
    "PdfSet",
    "alphas_matrix",
    "confidence_scale",
    "difference_matrix",
    "direction_matrix",
    "load",
    "load_embedded",
    "read_lhapdf",
    "symmetrised_directions",
    "with_alphas",
]
