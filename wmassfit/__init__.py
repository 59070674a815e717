"""wmassfit: from templates to the W mass, and to what it means.

>>> import wmassfit as wm
>>> recipe = wm.Recipe.load("small")
>>> recipe.generation.pt.bins
15

The names below load the rooms they come from when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from wmassfit._version import __version__

if TYPE_CHECKING:
    from wmassfit.electroweak import confront
    from wmassfit.inference import (
        combine,
        fit,
        goodness_of_fit,
        impacts,
        limit,
        minos,
        pulls,
        scan,
        spectrum,
        toys,
        upper_limit,
    )
    from wmassfit.interchange import read, write
    from wmassfit.likelihood import Model
    from wmassfit.pipeline import fill, generate, run
    from wmassfit.recipe import Recipe
    from wmassfit.report import report
    from wmassfit.templateset import Dataset, TemplateSet

__all__ = [
    "Dataset",
    "Model",
    "Recipe",
    "TemplateSet",
    "__version__",
    "combine",
    "confront",
    "fill",
    "fit",
    "generate",
    "goodness_of_fit",
    "impacts",
    "limit",
    "minos",
    "pulls",
    "read",
    "report",
    "run",
    "scan",
    "spectrum",
    "toys",
    "upper_limit",
    "write",
]

_ROOMS = {
    "combine": "inference",
    "Dataset": "templateset",
    "upper_limit": "inference",
    "spectrum": "inference",
    "scan": "inference",
    "minos": "inference",
    "limit": "inference",
    "goodness_of_fit": "inference",
    "Model": "likelihood",
    "Recipe": "recipe",
    "TemplateSet": "templateset",
    "confront": "electroweak",
    "fill": "pipeline",
    "fit": "inference",
    "generate": "pipeline",
    "impacts": "inference",
    "pulls": "inference",
    "read": "interchange",
    "report": "report",
    "run": "pipeline",
    "toys": "inference",
    "write": "interchange",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module 'wmassfit' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"wmassfit.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
