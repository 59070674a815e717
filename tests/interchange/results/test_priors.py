"""Priors in a file: round trip, and one clear error for a damaged one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wmassfit.errors import FormatError, TemplateError
from wmassfit.interchange.results.priors import Priors, read_priors, write_priors

PRIORS = Priors(
    ("pdf_01", "pdf_02"), np.array([0.25, -1 / 3]), np.array([[0.5, 0.1], [0.1, 2.0]]), "embedded", "a test"
)


def test_round_trip(tmp_path: Path) -> None:
    write_priors(PRIORS, tmp_path / "priors.yaml")
    again = read_priors(tmp_path / "priors.yaml")
    assert (again.parameters, again.pdf, again.origin) == (PRIORS.parameters, "embedded", "a test")
    np.testing.assert_array_equal(again.values, PRIORS.values)
    np.testing.assert_array_equal(again.covariance, PRIORS.covariance)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format: wmassfit priors", "format: other", "does not say"),
        ("format_version: '1.0'", "format_version: '2.0'", "this program reads 1.0"),
        ("values:\n- 0.25", "values:\n- .nan", "finite"),
        ("values:\n- 0.25\n", "values:\n", "observed of shape"),
        ("- pdf_02", "- pdf_01", "different parameters"),
        ("- - 0.5", "- - -0.5", "variance -0.5 at index 0 is not positive"),
        ("pdf: embedded\n", "", "'pdf' is missing"),
        ("- - 0.5", "- - half", "half"),
        ("covariance:", "covariance: [", "not YAML"),
    ],
)
def test_damaged_files(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "priors.yaml"
    write_priors(PRIORS, path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FormatError, match=message) as caught:
        read_priors(path)
    assert "priors.yaml" in str(caught.value)


def test_nothing_half_written(tmp_path: Path) -> None:
    bad = Priors(("a",), np.zeros(1), np.array([[-1.0]]), "embedded", "")
    with pytest.raises(TemplateError):
        write_priors(bad, tmp_path / "priors.yaml")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FormatError, match="cannot be read"):
        read_priors(tmp_path / "nothing.yaml")
