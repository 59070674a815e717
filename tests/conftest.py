"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from wmassfit.recipe import Recipe
from wmassfit.templateset import TemplateSet


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Path]:
    """Path of an outside input: a skip where WMASSFIT_REFERENCE is unset, a failure where the file is missing."""

    def find(name: str) -> Path:
        folder = os.environ.get("WMASSFIT_REFERENCE")
        if not folder:
            pytest.skip(f"needs the outside input {name}: set WMASSFIT_REFERENCE to the folder that holds it")
        path = Path(folder).resolve() / name
        assert path.exists(), f"WMASSFIT_REFERENCE is set, but {path} is missing"
        return path

    return find


@pytest.fixture(scope="session")
def small_templates() -> TemplateSet:
    """Templates of the small recipe with few points, made once for all tests that look at what they hold."""
    from wmassfit.pipeline import generate

    return generate(Recipe.load("small").override({"generation.kernel.log2_points": 10}))


@pytest.fixture(scope="session")
def only() -> Callable[..., Recipe]:
    """A recipe with some of its groups of nuisance parameters alone, then with other values."""

    def chosen(name: str, groups: Sequence[str], changes: Mapping[str, object]) -> Recipe:
        recipe = Recipe.load(name)
        every = recipe.model_dump(mode="json")["generation"]["nuisances"]
        return recipe.override({"generation.nuisances": {group: every[group] for group in groups}}).override(changes)

    return chosen
