"""CLs of the ATLAS sbottom likelihoods (HEPData ins1748602) and of pyhf's own examples, from file to number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wmassfit import interchange
from wmassfit.inference import limit
from wmassfit.likelihood import Model

SBOTTOM = {
    "A": (
        "1300_205_60",
        0.24443627759,
        (0.0902250905, 0.1937839195, 0.3843234493, 0.6557757334, 0.8910420972),
    ),
    "B": (
        "1400_550_60",
        0.97446752667,
        (0.9338879895, 0.9569045303, 0.9771296335, 0.9916370124, 0.9983701134),
    ),
}


def files(region: str, reference: Callable[[str], Path]) -> tuple[Path, Path]:
    patch = f"sbottom/Region{region}_patch_{SBOTTOM[region][0]}.json"
    return reference(f"sbottom/Region{region}_BkgOnly.json"), reference(patch)


@pytest.mark.parametrize("region", SBOTTOM)
def test_published_numbers(region: str, reference: Callable[[str], Path]) -> None:
    """The numbers that pyhf and ROOT agree on to 1e-5, from fits that stop at tolerances of their own.

    Fully converged, pyhf gives ours (next test); that is 1.2e-5 above the printed one at −2σ of region A, and less
    for the other eleven. With its default tolerance pyhf 0.7.6 lies 1.1e-5 on the other side of the printed one.
    """
    path, patch = files(region, reference)
    result = limit(Model(interchange.read(path, patch=patch)), poi="mu_SIG")
    _, observed, expected = SBOTTOM[region]
    assert result.converged
    assert result.cls_observed == pytest.approx(observed, rel=1e-5)
    assert result.cls_expected == pytest.approx(expected, rel=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("region", SBOTTOM)
def test_pyhf_gives_the_same_where_it_converges(region: str, reference: Callable[[str], Path]) -> None:
    import pyhf

    path, patch = files(region, reference)
    workspace = pyhf.Workspace(json.loads(path.read_text()))
    model = workspace.model(
        patches=[json.loads(patch.read_text())],
        modifier_settings={"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}},
    )
    try:
        pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-14, maxiter=1_000_000))
        observed, expected = pyhf.infer.hypotest(
            1.0, workspace.data(model), model, test_stat="qtilde", return_expected_set=True
        )
    finally:
        pyhf.set_backend("numpy")
    result = limit(Model(interchange.read(path, patch=patch)), poi="mu_SIG")
    # From a tolerance of 1e-12 to one of 1e-14 pyhf's numbers move by up to 7e-7, towards ours; SLSQP has gradients by
    # finite differences and stops 4e-7 away.
    assert result.cls_observed == pytest.approx(float(observed), rel=1e-6)
    assert result.cls_expected == pytest.approx([float(e) for e in expected], rel=1e-6)


MU = {"name": "mu", "type": "normfactor", "data": None}


def workspace_of(data: dict[str, list[float]], **channels: dict[str, tuple[list[float], list[Any]]]) -> dict[str, Any]:
    return {
        "channels": [
            {
                "name": channel,
                "samples": [{"name": n, "data": d, "modifiers": m} for n, (d, m) in samples.items()],
            }
            for channel, samples in channels.items()
        ],
        "observations": [{"name": channel, "data": counts} for channel, counts in data.items()],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }


def normsys(low: float, high: float) -> dict[str, Any]:
    return {"name": "syst", "type": "normsys", "data": {"lo": low, "hi": high}}


def histosys(low: list[float], high: list[float]) -> dict[str, Any]:
    return {"name": "syst", "type": "histosys", "data": {"lo_data": low, "hi_data": high}}


# pyhf's tests/test_validation.py with the inputs of its validation/data; test statistic q, normsys code 1,
# histosys code 0. The observed CLs at μ = 1.
VALIDATED = {
    "1bin_shapesys": (
        workspace_of(
            {"c": [55.0]},
            c={
                "signal": ([10.0], [MU]),
                "background": ([50.0], [{"name": "syst", "type": "shapesys", "data": [7.0]}]),
            },
        ),
        0.45418892944576333,
    ),
    "1bin_normsys": (
        workspace_of(
            {"c": [120.0, 180.0]},
            c={"signal": ([30.0, 95.0], [MU]), "background": ([100.0, 150.0], [normsys(0.9, 1.1)])},
        ),
        6.735335e-4,
    ),
    "2bin_histosys": (
        workspace_of(
            {"c": [120.0, 180.0]},
            c={
                "signal": ([30.0, 95.0], [MU]),
                "background": ([100.0, 150.0], [histosys([98.0, 100.0], [102.0, 190.0])]),
            },
        ),
        0.1001463,
    ),
    "couplednorm": (
        workspace_of(
            {"signal": [105.0, 220.0], "control": [110.0, 105.0]},
            signal={
                "signal": ([10.0, 35.0], [MU]),
                "bkg1": ([100.0, 100.0], [normsys(0.9, 1.1)]),
                "bkg2": ([50.0, 100.0], [normsys(0.5, 1.5)]),
            },
            control={"background": ([100.0, 100.0], [normsys(0.9, 1.1)])},
        ),
        0.5906216824,
    ),
    "coupledhistosys": (
        workspace_of(
            {"signal": [170.0, 220.0], "control": [110.0, 105.0]},
            signal={
                "signal": ([30.0, 35.0], [MU]),
                "bkg1": ([100.0, 100.0], [histosys([90.0, 90.0], [110.0, 110.0])]),
                "bkg2": ([50.0, 120.0], [histosys([45.0, 45.0], [55.0, 55.0])]),
            },
            control={"background": ([105.0, 100.0], [histosys([95.0, 90.0], [110.0, 115.0])])},
        ),
        0.0796740013,
    ),
}


@pytest.mark.parametrize("name", VALIDATED)
def test_validated_examples(name: str, tmp_path: Path) -> None:
    workspace, observed = VALIDATED[name]
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(workspace))
    result = limit(Model(interchange.read(path, normsys="code1", histosys="code0")), poi="mu", statistic="q")
    # The printed numbers stop where the minimiser of their day did: pyhf 0.7.6 gives 0.59062173 for couplednorm with
    # its default tolerance, and with 1e-12 gives 0.59062763, which is ours to 3e-8 and 1.0e-5 from the printed one.
    assert result.cls_observed == pytest.approx(observed, rel=2e-5)
    assert result.cls_observed == pytest.approx(converged(workspace), rel=1e-6)


def converged(workspace: dict[str, Any]) -> float:
    """What pyhf gives with a tolerance of 1e-12 and without a bound of the signal strength at 0, as q wants."""
    import pyhf

    model = pyhf.Workspace(workspace).model(
        modifier_settings={"normsys": {"interpcode": "code1"}, "histosys": {"interpcode": "code0"}}
    )
    bounds = model.config.suggested_bounds()
    bounds[model.config.poi_index] = (-10.0, 10.0)
    try:
        pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-14, maxiter=1_000_000))
        data = pyhf.Workspace(workspace).data(model)
        return float(pyhf.infer.hypotest(1.0, data, model, par_bounds=bounds, test_stat="q"))
    finally:
        pyhf.set_backend("numpy")
