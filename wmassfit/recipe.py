"""A recipe: the YAML file that says what to generate, what to fit, and where every size comes from."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from wmassfit.errors import RecipeError
from wmassfit.generation.complaints import explain, read_mapping
from wmassfit.generation.config import Strict
from wmassfit.generation.settings import GenerationConfig

__all__ = ["FitConfig", "Recipe", "Throw", "json_schema"]


Throw = Literal["none", "auxiliary", "prior"]


class FitConfig(Strict):
    """What is fitted and how."""

    data: Literal["asimov", "pseudo"] = Field(default="pseudo", description="data set of `run`, unless told otherwise")
    at: dict[str, float] = Field(default_factory=dict, description="parameter values of Asimov and pseudo-data")
    throw: Throw = Field(default="auxiliary", description="what pseudo-data throw besides the counts")
    minimizer: Literal["newton", "minuit"] = "newton"


class Recipe(Strict):
    """A whole recipe. `Recipe.load("wmass")` takes a shipped one by name, a path any other.

    >>> Recipe.load("small").override({"generation.luminosity_fb": 1.0}).generation.luminosity_fb
    1.0
    """

    name: str = Field(min_length=1)
    description: str = ""
    seed: int = Field(default=1, ge=0)
    generation: GenerationConfig
    fit: FitConfig = FitConfig()
    blind: list[str] = Field(
        default_factory=list,
        description="parameters that fits of real data show shifted by an unknown amount, with all their "
        "parametrisations (m_w: m_w_plus, …); the key is in WMASSFIT_BLIND_KEY",
    )
    blind_simulated: bool = Field(default=False, description="blind fits of Asimov and pseudo-data as well")

    @classmethod
    def load(cls, source: str | Path) -> Recipe:
        """Read and check a recipe. Raises RecipeError that names file, field, value and remedy."""
        path = _find(source)
        content = read_mapping(path, "a recipe is a mapping with `name` and `generation`")
        recipe = cls.check(content, place=str(path))
        pdf, scale = (getattr(recipe.generation.nuisances, name, None) for name in ("pdf", "momentum_scale"))
        files: dict[str, list[Path | None]] = {
            "generation.pdf.path": [recipe.generation.pdf.path],
            "generation.pdf.alphas": list(recipe.generation.pdf.alphas or ()),
            "generation.nuisances.pdf.priors": [None if pdf is None else pdf.priors],
            "generation.nuisances.momentum_scale.calibration": [None if scale is None else scale.calibration],
        }
        for key, named in files.items():
            found = [None if file is None else _beside(path, file) for file in named]
            if found != named:
                places = [None if file is None else str(file) for file in found]
                recipe = recipe.override({key: places if len(places) > 1 else places[0]})
        return recipe

    @classmethod
    def check(cls, content: Mapping[str, Any], *, place: str) -> Recipe:
        """Validate plain data; `place` is what errors call it."""
        try:
            return cls.model_validate(dict(content))
        except ValidationError as error:
            raise RecipeError(f"{place}: {explain(error, Recipe, whole='recipe')}") from None

    def override(self, changes: Mapping[str, Any]) -> Recipe:
        """A copy with fields replaced by dotted key, e.g. {"generation.pdf.path": "CT18NNLO"}; checked again.

        Values given as text are read as YAML, so "3", "true", "null" and "[1, 2]" mean what they do in a recipe.
        """
        content = self.model_dump(mode="json")
        for key, value in changes.items():
            steps = key.split(".")
            part = content
            for step in steps[:-1]:
                if part.get(step) is None:
                    part[step] = {}
                part = part[step]
                if not isinstance(part, dict):
                    raise RecipeError(f"--set {key}: {step} is a value, it has no fields below it")
            try:
                part[steps[-1]] = yaml.safe_load(value) if isinstance(value, str) else value
            except yaml.YAMLError as error:
                raise RecipeError(f"--set {key}={value}: not a YAML value") from error
        return self.check(
            content, place=f"recipe {self.name} with " + ", ".join(f"{k}={v}" for k, v in changes.items())
        )


def _beside(recipe: Path, file: Path) -> Path:
    """The file beside the recipe, where it is not where it says."""
    there = recipe.parent / file
    return there if not file.is_absolute() and not file.exists() and there.exists() else file


def json_schema() -> dict[str, Any]:
    """JSON schema of a recipe, for editors."""
    return Recipe.model_json_schema()


def _find(source: str | Path) -> Path:
    """A file by path, or a shipped recipe by name (with or without `templates/` and `.yaml`)."""
    path = Path(source)
    if path.is_file():
        return path
    stem = path.stem if path.suffix in ("", ".yaml", ".yml") else ""
    shipped = importlib.resources.files("wmassfit") / "templates"
    checkout = Path(__file__).parents[1] / "templates"
    folders = [Path(str(shipped)), checkout]
    if str(path.parent) in (".", "templates"):
        for folder in folders:
            if (candidate := folder / f"{stem}.yaml").is_file():
                return candidate
    names = sorted({p.stem for folder in folders if folder.is_dir() for p in folder.glob("*.yaml")})
    raise RecipeError(
        f"{source}: there is no such file, nor a recipe of that name among those that come along ({', '.join(names)})"
    )
