"""A recipe from end to end: templates, data, fit, impacts, verdict, files."""

from wmassfit.pipeline.data import make_data, with_data
from wmassfit.pipeline.running import RunResult, run
from wmassfit.pipeline.summary import summarise
from wmassfit.pipeline.templates import fill, generate, load_pdf

__all__ = ["RunResult", "fill", "generate", "load_pdf", "make_data", "run", "summarise", "with_data"]
