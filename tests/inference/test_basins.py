"""Several minima of −ln L: which parameters can make them, and that the lowest of those next to each other is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
from click.testing import CliRunner

from wmassfit import interchange
from wmassfit.cli import main
from wmassfit.inference import NewtonOptions, fit, limit
from wmassfit.inference.basins import lower_basin
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Dataset, Gaussian, Parameter, Process, Scale, TemplateSet

LOWEST = NewtonOptions(lowest=True)


def two_sided(up: float, down: float) -> Model:
    """100 events, and a nuisance parameter that raises them on both sides."""
    background = Process("background", [100.0], modifiers=(Scale("bend", up=up, down=np.array(down), code="code4"),))
    region = Channel("SR", (hist.axis.Regular(1, 0, 1),), (background,))
    return Model(TemplateSet((region,), (Parameter("bend"),), (Gaussian.unit("bend"),)))


@pytest.mark.parametrize(
    ("up", "down", "bent"),
    # √(ν″²/ν) with 100 events is 10 (up + down − 2), to be above 1/3.
    [(1.1, 0.91, False), (1.1, 0.9, False), (1.02, 1.02, True), (1.02, 1.01, False), (0.9, 0.95, True)],
)
def test_which_bend(up: float, down: float, bent: bool) -> None:
    assert two_sided(up, down).bent.tolist() == [bent]


def test_none_of_a_w_mass_bends(small_w: Model) -> None:
    assert not np.any(small_w.bent)


def test_the_better_side_is_found_from_either() -> None:
    model, data = two_sided(1.2, 1.35), Dataset({"SR": [140.0]})
    # −ln L + constants by hand, on a grid.
    theta = np.linspace(-3, 3, 6001)
    values = np.array([model.value([t], data) for t in theta])
    dips = np.flatnonzero((values[1:-1] < values[:-2]) & (values[1:-1] < values[2:])) + 1
    assert dips.size == 2
    best = theta[np.argmin(values)]
    for start in (-1.0, 1.0):
        found = fit(model, data, start={"bend": start}, options=LOWEST)
        assert found.converged
        assert found["bend"].value == pytest.approx(best, abs=1e-3)
    other = theta[dips[np.argmax(values[dips])]]
    told = fit(model, data, start={"bend": other})
    assert told["bend"].value == pytest.approx(other, abs=1e-3)
    assert f"a lower minimum, by {values[dips].max() - values.min():.2g} in" in told.diagnosis[0]
    assert fit(model, data, start={"bend": best}).diagnosis == ()
    x = lower_basin(model, data, np.array([other]), float(values[dips].max()), np.zeros(1, dtype=bool))
    assert x is not None
    assert x[0] == pytest.approx(best, abs=0.2)
    assert lower_basin(model, data, np.array([best]), float(values.min()), np.zeros(1, dtype=bool)) is None
    assert lower_basin(model, data, np.array([other]), float(values[dips].max()), np.ones(1, dtype=bool)) is None


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A shape and a normalisation that one parameter changes, where a search from 0 ends on the wrong side."""

    def sample(name: str, data: list[float], *modifiers: tuple[str, str, Any]) -> dict[str, Any]:
        return {"name": name, "data": data, "modifiers": [{"name": n, "type": t, "data": d} for n, t, d in modifiers]}

    shape = {"hi_data": [29.6, 59.1, 64.6, 87.5], "lo_data": [30.9, 51.9, 47.8, 75.2]}
    samples = [
        sample("s", [2.06, 4.16, 3.16, 1.68], ("mu", "normfactor", None)),
        sample(
            "b",
            [32.7, 61.5, 53.0, 71.7],
            ("a", "normsys", {"hi": 1.118, "lo": 0.834}),
            ("a", "histosys", shape),
            ("stat", "staterror", [4.3, 7.2, 7.4, 4.9]),
            ("k", "normfactor", None),
        ),
        sample("c", [74.6, 37.0, 12.3, 66.8], ("a", "normsys", {"hi": 1.124, "lo": 0.777})),
    ]
    document = {
        "version": "1.0.0",
        "channels": [{"name": "SR", "samples": samples}],
        "observations": [{"name": "SR", "data": [96.0, 80.0, 60.0, 150.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
    }
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("strength", [None, 0.0, 1.0])
def test_no_start_ends_lower(workspace: Path, strength: float | None) -> None:
    model = Model(interchange.read(workspace))
    fixed = None if strength is None else {"mu": strength}
    found = fit(model, fixed=fixed, options=LOWEST)
    rng = np.random.default_rng(1)
    others = [fit(model, fixed=fixed, start={"a": rng.normal(0, 1.5), "k": rng.uniform(0.5, 1.5)}) for _ in range(12)]
    assert found.nll < min(o.nll for o in others) + 1e-7


def test_cls_are_those_of_the_lowest_minima(workspace: Path) -> None:
    """As pyhf has them with MINUIT, started on either side."""
    import pyhf

    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-4))
    try:
        there = pyhf.Workspace(json.loads(workspace.read_text()))
        model = there.model(
            modifier_settings={"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
        )
        data, place = there.data(model), model.config.par_names.index("a")

        def lowest(counts: Any, mu: float | None) -> tuple[float, np.ndarray]:
            found = []
            for side in (-1.0, 1.0):
                start = list(model.config.suggested_init())
                start[place] = side
                options = {"init_pars": start, "return_fitted_val": True}
                if mu is None:
                    x, value = pyhf.infer.mle.fit(counts, model, **options)
                else:
                    x, value = pyhf.infer.mle.fixed_poi_fit(mu, counts, model, **options)
                found.append((float(value), x))
            return min(found, key=lambda one: one[0])

        best, nothing, tested = lowest(data, None), lowest(data, 0.0), lowest(data, 1.0)
        asimov = model.expected_data(nothing[1])
        q, q_asimov = tested[0] - best[0], lowest(asimov, 1.0)[0] - lowest(asimov, 0.0)[0]
    finally:
        pyhf.set_backend("numpy")
    ours = limit(Model(interchange.read(workspace)), lowest=True)
    assert best[1][model.config.poi_index] < 1
    assert ours.q_observed == pytest.approx(q, abs=2e-4)
    assert ours.q_asimov == pytest.approx(q_asimov, abs=2e-4)


def test_parameters_that_only_one_at_its_bound_shares(tmp_path: Path) -> None:
    """A free parameter of a process whose strength is 0: nothing determines it once the strength may move."""
    card = tmp_path / "card.txt"
    card.write_text(
        "imax 1\njmax 1\nkmax *\nbin sr\nobservation 25\nbin sr sr\nprocess s b\nprocess 0 1\nrate 10 100\n"
        "u lnU - 2.0\nb lnN - 0.8/0.7\n"
    )
    result = fit(Model(interchange.read(card)))
    assert result.converged
    assert result["r"].value == 0
    second = tmp_path / "second.txt"
    second.write_text(card.read_text() + "v lnU - 1.5\n")
    shown = CliRunner().invoke(main, ["limit", str(second), "--json"])
    assert shown.exit_code == 0, shown.stderr


def test_what_does_not_look_for_others_says_so(workspace: Path) -> None:
    for arguments in (["fit", "--minimizer", "minuit"], ["limit", "--toys", "10"]):
        refused = CliRunner().invoke(main, [arguments[0], str(workspace), "--lowest", *arguments[1:]])
        assert refused.exit_code == 2
        assert "look for other minima" in refused.stderr


def test_told_and_taken_on_the_command_line(workspace: Path) -> None:
    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(main, [arguments[0], str(workspace), *arguments[1:]])
        assert result.exit_code == 0, result.stderr
        return result

    plain, lowest = run("limit", "--json"), run("limit", "--lowest", "--json")
    values = [json.loads(result.stdout)["cls_observed"] for result in (plain, lowest)]
    assert abs(values[1] - values[0]) > 1e-3
    assert f"CLs is {values[1]:.4g} with --lowest" in plain.stderr
    assert "--lowest" not in lowest.stderr
    assert "the upper limit is" in run("limit", "--what", "upper").stderr
    assert "a lower minimum, by" in run("fit").stdout
    assert "a lower minimum" not in run("fit", "--lowest").stdout
