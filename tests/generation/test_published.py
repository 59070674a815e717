"""The generator on real parton densities against the W cross sections CMS measured, arXiv:2008.04174."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import chi2

from wmassfit.errors import FormatError, PhysicsError
from wmassfit.generation.bosons import W_MINUS, W_PLUS, Z
from wmassfit.generation.predictions import (
    Prediction,
    boson_rapidity_cross_section,
    charge_asymmetry,
    lepton_eta_cross_section,
)
from wmassfit.generation.production import rapidity_spectrum
from wmassfit.pdf import load, load_embedded

FOLDER = Path(__file__).parents[2] / "workflows" / "published"


@pytest.fixture(scope="module")
def workflow() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module("w_cross_sections")
    for script in FOLDER.glob("*.py"):
        sys.modules.pop(script.stem, None)


@pytest.fixture(scope="module")
def tables(reference: Callable[[str], Path]) -> Path:
    return reference("cms_w_13tev").parent


@pytest.fixture(scope="module")
def measured(workflow: ModuleType, tables: Path) -> dict:
    return workflow.read_measurements(tables)


@pytest.fixture(scope="module")
def predicted(workflow: ModuleType, measured: dict, reference: Callable[[str], Path]) -> dict[str, Prediction]:
    pdf = load(path=reference("CT18NNLO.tar.gz"))
    return workflow.predict(pdf, measured["asymmetry"].edges, log2_points=13)


def test_bins_agree(measured: dict) -> None:
    for quantity in measured.values():
        assert quantity.edges.size == 19
        np.testing.assert_allclose(quantity.edges, measured["asymmetry"].edges)


# The luminosity alone is 2.2% of the measurement, the K-factor's order about 1%, the parton densities 2–3%.
@pytest.mark.parametrize("charge", ["plus", "minus"])
def test_cross_sections(measured: dict, predicted: dict[str, Prediction], charge: str) -> None:
    ratio = predicted[charge].central / measured[charge].value
    assert np.all(np.abs(ratio - 1) < 0.04), ratio


def test_charge_asymmetry(workflow: ModuleType, tables: Path, predicted: dict[str, Prediction]) -> None:
    """χ² of 18 bins with the covariances of experiment and parton densities: a true theory has p < 0.001 once in 1000.

    The experiment's correlations are those of the published modes of both charges, and one assumption on what these
    have in common (`measurements.between_charges`).
    """
    data, theory = workflow.measurements.correlated_asymmetry(tables), predicted["asymmetry"]
    residual = theory.central - data.value
    statistic = residual @ np.linalg.solve(data.covariance + theory.covariance(), residual)
    assert chi2.sf(statistic, residual.size) > 0.001, statistic
    # on average no uncertainty is exceeded either: a shift that all bins share is small in terms of correlated ones
    pull = residual / np.hypot(data.uncertainty, theory.uncertainty)
    assert np.mean(pull**2) < 1, pull
    assert np.all(np.abs(pull) < 3), pull
    # nor does it pass by a large uncertainty: 0.002–0.004 by the set's own 90% members over 1.645
    assert np.all(theory.uncertainty < 0.006)
    assert np.all(theory.uncertainty > 0.001)


def test_what_the_charges_share(
    workflow: ModuleType, tables: Path, predicted: dict[str, Prediction], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The assumption of the correlated asymmetry: three modes in common, and four give the same answer."""
    theory, published = predicted["asymmetry"], workflow.measurements.w_asymmetry(tables).uncertainty
    found = []
    for modes in (3, 4):
        monkeypatch.setattr(workflow.measurements, "COMMON_MODES", modes)
        data = workflow.measurements.correlated_asymmetry(tables)
        propagated = workflow.measurements.asymmetry_covariance(*workflow.measurements.w_eta(tables))
        assert np.max(np.abs(np.sqrt(np.diag(propagated)) / published - 1)) < 0.16
        residual = theory.central - data.value
        found.append(residual @ np.linalg.solve(data.covariance + theory.covariance(), residual))
        if modes == 3:
            correlation = data.covariance / np.outer(data.uncertainty, data.uncertainty)
            others = correlation[~np.eye(residual.size, dtype=bool)]
            assert (round(float(others.min()), 2), round(float(others.max()), 2)) == (-0.25, 0.45)
    # as alike as the noise of χ², √(2 · 18)
    assert abs(found[1] - found[0]) < 6
    monkeypatch.setattr(workflow.measurements, "COMMON_MODES", 2)
    with pytest.raises(FormatError, match="need a correlation of"):
        workflow.measurements.correlated_asymmetry(tables)


def test_picture(workflow: ModuleType, measured: dict, predicted: dict[str, Prediction], tmp_path: Path) -> None:
    workflow.draw(measured, predicted, "CT18NNLO").savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000
    assert len(workflow.table(measured, predicted).splitlines()) == 19


def test_sum_of_bins_is_one_wide_bin() -> None:
    pdf, edges = load_embedded(), np.array([0.0, 0.5, 1.1, 2.4])
    arguments = {"pt_range_gev": (26.0, 56.0), "log2_points": 10}
    fine = lepton_eta_cross_section(pdf, W_PLUS, abs_eta_edges=edges, **arguments)
    wide = lepton_eta_cross_section(pdf, W_PLUS, abs_eta_edges=edges[[0, -1]], **arguments)
    # same points and an exact integral over η: what is left is float32
    np.testing.assert_allclose(fine.members @ np.diff(edges), wide.members[:, 0] * 2.4, rtol=1e-5)
    np.testing.assert_allclose(np.diag(fine.covariance()), fine.uncertainty**2, rtol=1e-12)
    minus = lepton_eta_cross_section(pdf, W_MINUS, abs_eta_edges=edges, **arguments)
    asymmetry = charge_asymmetry(pdf, fine, minus)
    # correlated members: the relative uncertainties of the charges, 2–4%, must not simply add up
    assert np.all(asymmetry.uncertainty < 0.3 * fine.uncertainty / fine.central)


@pytest.mark.parametrize(
    ("boson", "edges", "message"),
    [(Z, [0.0, 1.0], "no unique charge"), (W_PLUS, [0.0, 1.0, 0.5], "must rise"), (W_PLUS, [-1.0, 1.0], "must rise")],
)
def test_refusals(boson, edges: list[float], message: str) -> None:
    with pytest.raises(PhysicsError, match=message):
        lepton_eta_cross_section(load_embedded(), boson, abs_eta_edges=np.array(edges), pt_range_gev=(26, 56))


@pytest.mark.parametrize("boson", [W_PLUS, W_MINUS, Z])
def test_boson_rapidity_adds_up(boson) -> None:
    pdf, edges = load_embedded(), np.array([0.0, 0.3, 1.0, 2.5, 4.0])
    bins = boson_rapidity_cross_section(pdf, boson, abs_y_edges=edges)
    total = rapidity_spectrum(pdf, boson, np.linspace(-4.0, 4.0, 1601)).total_pb()
    np.testing.assert_allclose(bins.members @ np.diff(edges), total, rtol=2e-5)
    assert np.all(bins.uncertainty[:3] < 0.06 * bins.central[:3])
    with pytest.raises(PhysicsError, match="must rise"):
        boson_rapidity_cross_section(pdf, boson, abs_y_edges=np.array([0.0, np.nan]))
