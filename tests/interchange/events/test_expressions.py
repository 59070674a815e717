"""Expressions of branches: what numpy says, and nothing that is not on the list."""

from __future__ import annotations

import awkward
import numpy as np
import pytest

from wmassfit.errors import RecipeError
from wmassfit.interchange.events.expressions import Expression

VALUES = {"a": np.array([1.0, -2.0, 3.0]), "b": np.array([2, 5, 7]), "c.d": np.array([True, False, True])}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", VALUES["a"]),
        ("-b / 13", -VALUES["b"] / 13),
        ("a**2 + 2*b - 1", VALUES["a"] ** 2 + 2 * VALUES["b"] - 1),
        ("sqrt(abs(a)) * hypot(a, b)", np.sqrt(np.abs(VALUES["a"])) * np.hypot(VALUES["a"], VALUES["b"])),
        ("(a > 0) & ~(b == 7) | c.d", (VALUES["a"] > 0) & ~(VALUES["b"] == 7) | VALUES["c.d"]),
        ("0 < a <= 3 and not b > 6", (VALUES["a"] > 0) & (VALUES["a"] <= 3) & ~(VALUES["b"] > 6)),
        ('get("c.d") | (b & 1)', VALUES["c.d"] | (VALUES["b"] & 1)),
    ],
)
def test_values(text: str, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(Expression(text, "x")(VALUES), expected)


def test_branches_in_order_of_appearance() -> None:
    assert Expression('b * a + get("x y") * c.d + b', "x").branches == ("b", "a", "x y", "c.d")


def test_lists_mix_with_numbers_of_events() -> None:
    values = {"pt": awkward.Array([[1.0, 2.0], [], [3.0]]), "w": np.array([10.0, 20.0, 30.0])}
    assert Expression("pt * w > 15", "x")(values).to_list() == [[False, True], [], [True]]


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "().__class__",
        "open('x')",
        "[p for p in a]",
        "lambda: a",
        "a if b else a",
        "'text'",
        "a[0]",
        "sqrt(a, b)",
        "sqrt(a, out=b)",
        "a +",
        "",
        "a; b",
        "(" * 500 + "a" + ")" * 500,
    ],
)
def test_anything_else_is_refused_when_it_is_made(text: str) -> None:
    with pytest.raises(RecipeError, match="branches, pt"):
        Expression(text, "branches, pt")


def test_powers_of_numbers_end() -> None:
    with pytest.raises(OverflowError):
        Expression("10**10**10 * a", "x")(VALUES)
