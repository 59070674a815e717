"""Parton densities: an embedded default, LHAPDF grid files, and what their error members mean."""

from wmassfit.pdf.embedded import EmbeddedPdf, load_embedded
from wmassfit.pdf.sets import GLUON, QUARKS, ErrorType, PdfSet

__all__ = ["GLUON", "QUARKS", "EmbeddedPdf", "ErrorType", "PdfSet", "load_embedded"]
