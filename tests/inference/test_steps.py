"""Steps of searches: lengths, and ends at bounds; searches whose minimum is on a bound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from wmassfit import interchange
from wmassfit.cli import main
from wmassfit.errors import RecipeError
from wmassfit.inference import fit, scan, toys
from wmassfit.inference.steps import falls, first_met, moved, outwards, shorter
from wmassfit.likelihood import Model

LOW, HIGH = np.array([0.0, -np.inf, -1.0, 0.0]), np.array([10.0, np.inf, 1.0, 5.0])


def test_the_first_bound_ahead() -> None:
    x = np.array([2.0, 0.0, 0.5, 0.0])
    assert first_met(x, np.array([-4.0, 100.0, 0.1, 0.0]), LOW, HIGH) == 0.5
    assert first_met(x, np.array([1.0, 0.0, 1.0, 1.0]), LOW, HIGH) == 0.5
    # One that is met already does not count, and unbounded ones meet none.
    assert first_met(x, np.array([0.0, -3.0, 0.0, -1.0]), LOW, HIGH) == np.inf


def test_lengths_of_columns_are_their_own() -> None:
    x = np.array([[2.0, 1.0], [0.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    p = np.array([[-4.0, 0.0], [1.0, 1.0], [0.0, 0.0], [0.0, -4.0]])
    np.testing.assert_array_equal(first_met(x, p, LOW[:, None], HIGH[:, None]), [0.5, 0.25])


def test_a_step_to_the_first_bound_ends_on_it() -> None:
    """In floating-point numbers too: a parameter that stops an ulp short would never be held."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        x, p = rng.uniform(0.1, 0.9, 4), rng.normal(0, 10, 4)
        length = first_met(x, p, LOW, HIGH)
        new = moved(x, length * p, LOW, HIGH)
        assert np.any((new == LOW) | (new == HIGH))
        assert np.all((new >= LOW) & (new <= HIGH))
        assert np.any(outwards(new, p, LOW, HIGH))


def test_the_next_length_is_the_minimum_of_the_parabola() -> None:
    """−ln L = −s + a s² along a step: a tenth to a half of it, the minimum 1/(2a) where that lies between."""
    for a in (1.2, 1.7, 4.0, 40.0):
        slope, change = -1.0, a - 1
        assert not falls(slope, change, 5.0)
        assert float(shorter(1.0, slope, change)) == pytest.approx(np.clip(1 / (2 * a), 0.1, 0.5))
    np.testing.assert_allclose(
        shorter(np.array([1.0, 0.5]), np.array([-1.0, -1.0]), np.array([np.inf, 1.0])), [0.25, 0.125]
    )


def test_what_falls() -> None:
    slope = np.array([-1.0, -1.0, 1e-3, -1e-15, -1.0])
    change = np.array([-0.5, -1e-5, -1.0, 1e-14, np.nan])
    np.testing.assert_array_equal(falls(slope, change, 10.0), [True, False, False, True, False])


@pytest.fixture
def region_b(reference: Callable[[str], Path]) -> Model:
    """A signal that one event in 30 of its bin's error could be: its strength runs from bound to bound."""
    path, patch = reference("sbottom/RegionB_BkgOnly.json"), reference("sbottom/RegionB_patch_1400_550_60.json")
    return Model(interchange.read(path, patch=patch))


def test_no_toy_fails_where_the_minimum_is_on_a_bound(region_b: Model) -> None:
    """With the step cut at its bounds one by one, one toy in 40 ended where the remainder leads up."""
    result = fit(region_b, region_b.templates.observed)
    found = toys(result, 256, seed=1)
    assert found.failures == 0
    strength = found.values[:, region_b.index("mu_SIG")]
    assert np.mean((strength == 0) | (strength == 10)) > 0.8


def test_the_batch_ends_on_the_same_bounds_as_single_fits(region_b: Model) -> None:
    result = fit(region_b, region_b.templates.observed)
    found = toys(result, 24, seed=2, edm=1e-9)
    index = region_b.index("mu_SIG")
    for i in range(24):
        single = fit(region_b, region_b.pseudodata(2, at=result.values, index=i))
        assert found.nll[i] == pytest.approx(single.nll, abs=1e-7)
        if single.at_bound[index]:
            assert found.values[i, index] == single.values[index]


def test_a_scan_and_toys_of_a_parameter_at_its_bound(region_b: Model, tmp_path: Path) -> None:
    result = fit(region_b, region_b.templates.observed)
    index = region_b.index("mu_SIG")
    assert result.at_bound is not None
    assert result.at_bound[index]
    path = tmp_path / "fit.h5"
    interchange.write(result, path)
    again = interchange.read(path)
    np.testing.assert_array_equal(again.at_bound, result.at_bound)
    assert not again.fixed[index]
    found = scan(again, "mu_SIG", points=5)
    assert found.axes[0][0] == result.values[index]
    assert found.statistic[0] == pytest.approx(0.0, abs=1e-6)
    assert np.all(np.diff(found.statistic) > 0)
    assert np.all(np.isfinite(toys(again, 16, seed=1).pulls("mu_SIG")))
    with pytest.raises(RecipeError, match="mu_SIG was at a bound in the fit and has no uncertainty; follow it"):
        toys(again, 4, seed=1, of=("lumi",)).pulls("mu_SIG")
    shown = CliRunner().invoke(main, ["scan", str(path), "--points", "5"])
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.split()[:2] == ["mu_SIG", "-2"]
    assert "inf" not in shown.stdout


def test_a_fixed_parameter_is_not_scanned(region_b: Model) -> None:
    held = fit(region_b, region_b.templates.observed, fixed={"mu_SIG": 0.0})
    with pytest.raises(RecipeError, match="mu_SIG was fixed in this fit"):
        scan(held, "mu_SIG")


def test_at_a_bound_on_the_command_line(reference: Callable[[str], Path]) -> None:
    files = [str(reference("sbottom/RegionB_BkgOnly.json"))]
    files += ["--patch", str(reference("sbottom/RegionB_patch_1400_550_60.json"))]
    shown = CliRunner().invoke(main, ["fit", *files])
    assert "mu_SIG = 0 (at its bound; --minos mu_SIG for an interval)" in shown.stdout
    assert '"at_bound": true' in CliRunner().invoke(main, ["fit", *files, "--json"]).stdout
    refused = CliRunner().invoke(main, ["fit", *files, "--fix", "mu_SIG=-5"])
    assert refused.exit_code == 2
    assert "--fix mu_SIG=-5: outside its bounds, 0 to 10" in refused.stderr
