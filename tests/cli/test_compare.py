"""wmassfit compare: shifts from the first fit, differences within one, and what a difference's uncertainty is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from wmassfit.cli import main
from wmassfit.interchange import read


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(scope="module")
def fits(with_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("compare")
    for name, options in (("whole", ()), ("charges", ("--split", "m_w:charge"))):
        assert run("fit", str(with_data), *options, "-o", str(folder / f"{name}.h5")).exit_code == 0
    return str(folder / "whole.h5"), str(folder / "charges.h5")


def test_rows(fits: tuple[str, str]):
    answer = run("compare", f"nominal={fits[0]}", f"charges={fits[1]}", "--json")
    assert answer.exit_code == 0, answer.output
    rows = json.loads(answer.stdout)["rows"]
    assert [(row["fit"], row["parameter"]) for row in rows] == [
        ("nominal", "m_w"),
        ("charges", "m_w_plus"),
        ("charges", "m_w_minus"),
        ("charges", "m_w_plus − m_w_minus"),
    ]
    whole, plus, minus, difference = rows
    assert whole["shift"] == 0
    assert plus["shift"] == pytest.approx(plus["value"] - whole["value"])
    assert difference["value"] == pytest.approx(plus["value"] - minus["value"])


def test_a_difference_is_that_of_the_joint_covariance(fits: tuple[str, str]):
    rows = json.loads(run("compare", f"charges={fits[1]}", "--json").stdout)["rows"]
    covariance = read(fits[1]).covariance(["m_w_plus", "m_w_minus"])
    difference, average = np.array([1.0, -1.0]), np.array([0.5, 0.5])
    sigma = np.sqrt(difference @ covariance @ difference)
    assert rows[-1]["uncertainty"] == pytest.approx(sigma)
    correlation = difference @ covariance @ average / sigma / np.sqrt(average @ covariance @ average)
    assert rows[-1]["correlation_with_average"] == pytest.approx(correlation)


def test_files(fits: tuple[str, str], tmp_path: Path):
    assert run("compare", f"a={fits[0]}", f"b={fits[1]}", "-o", str(tmp_path / "out")).exit_code == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        f"comparison.{suffix}" for suffix in ("csv", "json", "pdf", "png", "txt")
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("fit.h5",), "write it as"), (("a=nothing.h5",), "nothing.h5"), ((), "Missing argument")],
)
def test_refusals(arguments: tuple[str, ...], says: str):
    answer = run("compare", *arguments)
    assert answer.exit_code == 2
    assert says in answer.output


def test_labels_are_not_shared(fits: tuple[str, str]):
    answer = run("compare", f"a={fits[0]}", f"a={fits[1]}")
    assert answer.exit_code == 2
    assert "same label" in answer.output
