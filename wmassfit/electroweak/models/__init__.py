"""Models beyond the Standard Model, found by looking through this folder.

A module here that has a `MODEL` is a model; nothing else has to be told about it.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from wmassfit.electroweak.models.base import Constraint, CustodialModel, Model, Parameter
from wmassfit.errors import PhysicsError

__all__ = ["Constraint", "CustodialModel", "Model", "Parameter", "all_models", "get_model"]


@cache
def all_models() -> dict[str, Model]:
    """Every model by name, in alphabetical order."""
    found: dict[str, Model] = {}
    for entry in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        model = getattr(importlib.import_module(f"{__name__}.{entry.name}"), "MODEL", None)
        if isinstance(model, Model):
            found[model.name] = model
    return found


def get_model(name: str) -> Model:
    """One model.

    >>> get_model("real_triplet").title
    'Real Higgs triplet'

    Raises `PhysicsError` for an unknown name.
    """
    models = all_models()
    if name not in models:
        raise PhysicsError(f"unknown model {name!r}: choose among {', '.join(models)}")
    return models[name]
