"""Recipes: what comes along loads, and every mistake gives one message with file, field, value and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from wmassfit.errors import RecipeError
from wmassfit.recipe import Recipe, json_schema


@pytest.mark.parametrize("name", ["wmass", "wlike", "small"])
def test_shipped_recipes_load_by_name_and_path(name: str) -> None:
    by_name = Recipe.load(name)
    assert by_name.name == name
    assert Recipe.load(f"templates/{name}.yaml") == by_name


def test_dump_and_check_is_the_identity() -> None:
    recipe = Recipe.load("wmass")
    assert Recipe.check(recipe.model_dump(mode="json"), place="again") == recipe


def test_override_reads_values_as_yaml_and_leaves_the_original() -> None:
    recipe = Recipe.load("small")
    changed = recipe.override(
        {"generation.kernel.radiation": "false", "generation.eta.bins": "12", "fit.at": "{m_w: 5}"}
    )
    assert changed.generation.kernel.radiation is False
    assert changed.generation.eta.bins == 12
    assert changed.fit.at == {"m_w": 5.0}
    assert recipe.generation.eta.bins == 24


def test_override_drops_a_group_with_null() -> None:
    assert Recipe.load("small").override({"generation.nuisances.pdf": "null"}).generation.nuisances.pdf is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("generation.luminosity_fb", "-1", "greater than 0"),
        ("generation.luminosity_pb", "1", "did you mean luminosity_fb"),
        ("generation.mass_gev", "80379", "less than 82"),
        ("generation.eta.low", "3", "must be below high"),
        ("generation.pt.high", "120", "20 to 80 GeV"),
        ("generation.mass_points_mev", "[10, -10]", "must grow"),
        ("generation.nuisances.pfd", "{}", "did you mean pdf"),
        ("generation.nuisances.luminosity.origin", "''", "at least 1 character"),
        ("generation.kernel.log2_points", "many", "valid integer"),
        ("generation.luminosity_fb", ".nan", "finite"),
        ("generation.boson.name", "W", "has no fields below it"),
    ],
)
def test_a_mistake_names_field_value_and_remedy(key: str, value: str, expected: str) -> None:
    with pytest.raises(RecipeError) as error:
        Recipe.load("small").override({key: value})
    assert expected in str(error.value)
    assert key.split(".")[-1] in str(error.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("name: [", "not valid YAML"),
        ("- 1", "is a mapping"),
        ("name: x", "generation: missing"),
        ("\x00", "not valid YAML"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RecipeError, match=expected) as error:
        Recipe.load(path)
    assert str(path) in str(error.value)


def test_an_unknown_recipe_lists_those_that_come_along() -> None:
    with pytest.raises(RecipeError, match="small, wlike, wmass"):
        Recipe.load("wmas")


def test_pdf_path_may_be_relative_to_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "SET").mkdir()
    content = Recipe.load("small").model_dump(mode="json")
    content["generation"]["pdf"]["path"] = "SET"
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert Recipe.load(tmp_path / "mine.yaml").generation.pdf.path == tmp_path / "SET"


def test_schema_knows_every_group() -> None:
    groups = json_schema()["$defs"]["Nuisances"]["properties"]
    assert {"pdf", "pt_v", "momentum_scale"} <= groups.keys()


def test_every_size_of_the_shipped_recipes_has_an_origin() -> None:
    for group in Recipe.load("wmass").generation.nuisances.chosen():
        assert len(group.origin) > 5, group.name
