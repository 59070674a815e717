"""Values of NAME=VALUE options become what functions want, or are refused with what can be given."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from wmassfit.cli.typed import typed
from wmassfit.errors import RecipeError
from wmassfit.interchange import FORMATS
from wmassfit.interchange.combine.datacard import read_combine
from wmassfit.interchange.rabbit.input_tensor import read_rabbit
from wmassfit.interchange.root.plain import read_plain_root

GOOD: tuple[tuple[Any, str, Any, Any], ...] = (
    (read_plain_root, "signals", "sig", ["sig"]),
    (read_plain_root, "signals", ["W", 1], ["W", "1"]),
    (read_plain_root, "processes", "W, Z", ["W", "Z"]),
    (read_plain_root, "directions", "None,Up", [None, "Up"]),
    (read_plain_root, "mc_stat", "None", None),
    (read_plain_root, "mc_stat", None, None),
    (read_plain_root, "mc_stat", "gamma", "gamma"),
    (read_plain_root, "data", None, None),
    (read_plain_root, "poi", 1, "1"),
    (read_combine, "poi_bounds", "0,20", [0.0, 20.0]),
    (read_combine, "lines", "a rateParam * * 1 [0,5]", ["a rateParam * * 1 [0,5]"]),
    (read_combine, "keywords", "{A: b}", {"A": "b"}),
    (read_combine, "mass", 125, 125),
    (read_combine, "outside", True, True),
    (read_rabbit, "channels", "{a: 3}", {"a": 3}),
)


@pytest.mark.parametrize(("function", "name", "value", "wanted"), GOOD)
def test_values(function: Any, name: str, value: Any, wanted: Any) -> None:
    assert typed({name: value}, function, option="--read") == {name: wanted}


BAD: tuple[tuple[Any, str, Any, str], ...] = (
    (read_plain_root, "mc_stat", "nosuch", "one of gamma, normal_multiplicative, normal_additive, null"),
    (read_plain_root, "directions", "Up", "2 values"),
    (read_combine, "poi_bounds", "0,x", "numbers"),
    (read_combine, "keywords", "a", "a mapping"),
    (read_combine, "outside", "maybe", "true or false"),
)


@pytest.mark.parametrize(("function", "name", "value", "wanted"), BAD)
def test_refusals(function: Any, name: str, value: Any, wanted: str) -> None:
    with pytest.raises(RecipeError, match=f"--read {name}={value}: give {wanted}"):
        typed({name: value}, function, option="--read")


def test_defaults_of_all_formats_are_values() -> None:
    """What an option has if it is left out is also what can be given, for every reader and writer."""
    for one in FORMATS:
        for function in filter(None, (one.read, one.write)):
            for name, parameter in inspect.signature(function).parameters.items():
                if "Impacts" in str(parameter.annotation):
                    with pytest.raises(RecipeError, match="no text can be"):
                        typed({name: "a"}, function, option="--write")
                elif parameter.kind is inspect.Parameter.KEYWORD_ONLY and not isinstance(parameter.default, tuple):
                    found = typed({name: parameter.default}, function, option="--read")
                    assert found == {name: parameter.default}, (one.name, name)
