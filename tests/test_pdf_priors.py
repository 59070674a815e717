"""Priors of the PDF directions from another fit, in the recipe of the m_W fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import wmassfit as wm
from wmassfit.errors import RecipeError
from wmassfit.inference import impacts
from wmassfit.interchange.results.priors import Priors, write_priors
from wmassfit.pipeline import generate
from wmassfit.templateset import Gaussian

FAST = {"generation.kernel.log2_points": 8, "generation.eta.bins": 6}
KEY = "generation.nuisances.pdf.priors"


@pytest.fixture
def recipe():
    return wm.Recipe.load("small").override(FAST)


def file(tmp_path: Path, *, pdf: str = "embedded", first: int = 1, size: float = 0.1) -> Path:
    names = tuple(f"pdf_{k:02d}" for k in range(first, first + 29))
    covariance = size**2 * (0.5 * np.eye(29) + 0.5)
    write_priors(Priors(names, np.linspace(-0.5, 0.5, 29), covariance, pdf, "a test"), tmp_path / "priors.yaml")
    return tmp_path / "priors.yaml"


def test_correlated_priors_take_the_place_of_unit_constraints(recipe, tmp_path: Path) -> None:
    before = generate(recipe)
    after = generate(recipe.override({KEY: str(file(tmp_path))}))
    (block,) = [c for c in after.constraints if isinstance(c, Gaussian) and len(c.parameters) > 1]
    assert block.covariance.shape == (29, 29)
    assert after.parameter("pdf_29").start == 0.5
    assert after.nuisances == before.nuisances
    rest = [name for name in after.groups["pdf"] if name not in block.parameters]
    assert len(rest) == 29 + 2  # differences and α_s keep their unit constraints
    assert len(after.constraints) == len(before.constraints) - 28
    wm.write(after, tmp_path / "templates.root")
    again = wm.read(tmp_path / "templates.root")
    sizes, fits = {}, {}
    for name, templates in (("before", before), ("after", again)):
        model = wm.Model(templates)
        fits[name] = wm.fit(model, model.asimov(), strict=True)
        found = impacts(fits[name], "m_w", kind="global")
        # global impacts of independent constraints add up in quadrature
        sizes[name] = np.sqrt(found.groups["pdf"] ** 2 - sum(found.parameters[other] ** 2 for other in rest))
    # simulated data are of the model at the priors
    assert fits["after"]["pdf_01"].value == pytest.approx(-0.5, abs=1e-6)
    assert fits["after"]["m_w"].value == pytest.approx(80379, abs=1e-3)
    assert sizes["after"] < 0.5 * sizes["before"]


def test_priors_of_another_set(recipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="fitted with CT18NNLO, but the recipe's set is embedded"):
        generate(recipe.override({KEY: str(file(tmp_path, pdf="CT18NNLO"))}))
    with pytest.raises(RecipeError, match=r"priors of pdf_30 \(1 such\)"):
        generate(recipe.override({KEY: str(file(tmp_path, first=2))}))
    with pytest.raises(RecipeError, match="give one of the two"):
        recipe.override({KEY: str(file(tmp_path)), "generation.nuisances.pdf.inflation": 1.5})


def test_beside_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    content = wm.Recipe.load("small").model_dump(mode="json")
    file(tmp_path)
    content["generation"]["nuisances"]["pdf"]["priors"] = "priors.yaml"
    content["generation"]["pdf"]["alphas"] = ["lower", "elsewhere/higher"]
    (tmp_path / "lower").mkdir()
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    recipe = wm.Recipe.load("../mine.yaml")
    assert recipe.generation.nuisances.pdf.priors.exists()
    # only what is there: the other one is named as it is where it cannot be read
    assert recipe.generation.pdf.alphas == (Path("..") / "lower", Path("elsewhere/higher"))
    with pytest.raises(RecipeError, match=r"generation\.pdf = embedded: \.\./lower: holds no \.info file"):
        generate(recipe)
