"""wmassfit fit on inputs made by others: the intervals that their own programs give, by command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from wmassfit.cli import main

CARDS = ("datacard_part3.txt", "datacard_part3_DY_cr.txt", "datacard_part3_ttbar_cr.txt")
# The exercise adds these to the combined card; without them the two rates are fixed.
RATES = ("rate_ttbar rateParam * ttbar 1 [0,5]", "rate_Zll rateParam * Z* 1 [0,5]")


def interval(name: str, *arguments: str) -> list[float]:
    result = CliRunner().invoke(main, ["fit", *arguments, "--minos", name, "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["converged"] is True
    lower, upper = found["parameters"][name]["minos"]
    return [lower, upper]


def test_three_combine_cards(reference: Callable[[str], Path]) -> None:
    """Combine: −0.417238/+0.450593. Its crossings are found by interpolation in a scan."""
    cards = [str(reference(f"combine/{file}")) for file in CARDS]
    lines = [word for line in RATES for word in ("--card-line", line)]
    found = interval("r", *cards, "--mass", "200", "--data", "asimov", "--at", "r=1", *lines)
    assert found == pytest.approx([-0.417238, 0.450593], abs=2e-4)


def test_one_combine_card(reference: Callable[[str], Path]) -> None:
    """Combine: −0.465799/+0.502088."""
    card = str(reference("combine/datacard_part3_nocrs.txt"))
    found = interval("r", card, "--mass", "200", "--data", "asimov", "--at", "r=1")
    assert found == pytest.approx([-0.465799, 0.502088], abs=2e-4)


def test_the_example_of_histfactory(reference: Callable[[str], Path]) -> None:
    """ROOT: −0.5968/+0.6116, good to 4e-4 on each side as MINUIT's tolerance there allows; their sum is better."""
    lower, upper = interval("SigXsecOverSM", str(reference("histfactory/config/example.xml")))
    assert lower == pytest.approx(-0.5968, abs=1e-3)
    assert upper == pytest.approx(0.6116, abs=1e-3)
    assert upper - lower == pytest.approx(1.2084, abs=1e-4)
