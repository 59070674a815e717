"""Templates at ±1 for formats that know nothing else: exact there, said how far off elsewhere, judged by pyhf."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest
from click.testing import CliRunner

from wmassfit import interchange
from wmassfit.cli import main
from wmassfit.errors import TemplateError, UnsupportedFeature
from wmassfit.inference import fit
from wmassfit.interchange import approximate
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
    Factor,
    Gaussian,
    McStat,
    Modifier,
    Morph,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

BINS = 12
# Largest |ln ratio| of the variations below.
SIZE = 0.06


@pytest.fixture
def masses() -> TemplateSet:
    """A mass morphed through four points, and variations of every kind that HistFactory and Combine do not have."""
    rng = np.random.default_rng(5)
    x = np.linspace(-1, 1, BINS)

    def ratio() -> np.ndarray:
        return np.exp(rng.uniform(-SIZE, SIZE, BINS))

    def process(name: str, nominal: np.ndarray, *more: Modifier) -> Process:
        return Process(
            name,
            nominal,
            variance=nominal / 20,
            modifiers=(
                Scale("wiggle", up=ratio(), code="lognormal"),
                Scale("two_sided", up=ratio(), down=ratio()),
                Scale("local", up=[1.05, 0.97], bins=[2, 7]),
                Scale("wide", up=ratio(), code="code1", coefficient=-0.4),
                Scale("lumi", up=1.016, code="lognormal"),
                Shift("tilt", up=0.03 * nominal * x, down=-0.02 * nominal * x, code="asymmetric"),
                *more,
            ),
        )

    points = np.array([-100.0, -10.0, 10.0, 100.0])
    slope = 3e-4 * np.sin(4 * x)
    masses = Morph("m", points=points, ratios=np.exp(np.outer(points, slope) + np.outer(points**2, slope**2)))
    signal, background = 4000 * np.exp(-3 * x**2) + 50, 900 * np.exp(-x)
    channel = Channel(
        "region",
        (hist.axis.Regular(BINS, -1, 1, name="x"),),
        (process("signal", signal, masses), process("background", background, Factor("norm"))),
        mc_stat=McStat("gamma"),
    )
    names = ("wiggle", "two_sided", "local", "lumi", "tilt")
    return TemplateSet(
        (channel,),
        (
            Parameter("m", display=Display(unit="MeV", offset=80000.0)),
            Parameter("norm", 1.0, bounds=(0, 5)),
            Parameter("wide"),
            *(Parameter(name, groups=("shapes",)) for name in names),
        ),
        (Gaussian("wide", ("wide",), [0.0], [2.5**2]), *map(Gaussian.unit, names)),
        ("m",),
    )


@pytest.mark.parametrize(("free", "step"), [("straight", 10.0), ("bounded", 100.0)])
def test_the_same_at_one_standard_deviation(masses: TemplateSet, free: Any, step: float) -> None:
    found = approximate(masses, free=free)
    assert found.steps == {"m": step}
    before, after = Model(masses), Model(found.templates)
    np.testing.assert_allclose(after.expected(), before.expected(), rtol=1e-12)
    for name in ("wiggle", "two_sided", "local", "lumi", "tilt", "wide"):
        for side in (-1, 1):
            there = before.expected({name: side * (2.5 if name == "wide" else 1.0)})
            np.testing.assert_allclose(after.expected({name: side}), there, rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(after.expected({"norm": 1.7}), before.expected({"norm": 1.7}), rtol=1e-12)
    if free == "bounded":
        for side in (-1, 1):
            np.testing.assert_allclose(after.expected({"m": side}), before.expected({"m": side * step}), rtol=1e-12)
        assert found.templates.parameter("m").display == Display(scale=100.0, unit="MeV", offset=80000.0)
    else:
        # A straight line has the difference of both sides, not each of them.
        half = [(m.expected({"m": step}) - m.expected({"m": -step})) / 2 for m in (before, after)]
        np.testing.assert_allclose(half[1], half[0], rtol=1e-10)


@pytest.mark.parametrize("free", ["straight", "bounded"])
def test_starts_off_zero_are_the_new_nominal(masses: TemplateSet, free: Any) -> None:
    """Interpolations see x, not x − start, so variations that start elsewhere have moved the templates already."""
    starts = {"wiggle": 0.7, "two_sided": -0.4, "wide": 1.0, "norm": 1.3}
    moved = tuple(replace(p, start=starts.get(p.name, p.start)) for p in masses.parameters)
    widths = {"wide": 2.5}
    constraints = tuple(
        replace(c, observed=np.array([starts.get(c.parameters[0], 0.0)]))  # type: ignore[arg-type]
        for c in masses.constraints
    )
    given = replace(masses, parameters=moved, constraints=constraints)
    before, after = Model(given), Model(approximate(given, free=free).templates)
    np.testing.assert_allclose(after.expected(), before.expected(), rtol=1e-12)
    old, new = (t.channels[0].process("signal") for t in (given, after.templates))
    assert old.variance is not None
    np.testing.assert_allclose(new.variance, old.variance * (before.expected(process="signal") / old.nominal) ** 2)
    for name in ("wiggle", "two_sided", "local", "wide"):
        for side in (-1, 1):
            there = before.expected({name: starts.get(name, 0.0) + side * widths.get(name, 1.0)})
            np.testing.assert_allclose(after.expected({name: side}), there, rtol=1e-12, err_msg=name)


def test_bounds_in_standard_deviations(masses: TemplateSet) -> None:
    bounds = {"wide": (-1.25, 5.0), "tilt": (-5.0, 7.0), "m": (-20.0, 40.0)}
    given = replace(
        masses, parameters=tuple(replace(p, bounds=bounds.get(p.name, p.bounds)) for p in masses.parameters)
    )
    kept = {free: approximate(given, free=free).templates for free in ("straight", "bounded")}  # type: ignore[arg-type]
    assert kept["straight"].parameter("wide").bounds == (-0.5, 2.0)
    assert kept["straight"].parameter("tilt").bounds == (-5.0, 7.0)
    assert kept["straight"].parameter("m").bounds == (-20.0, 40.0)
    assert kept["bounded"].parameter("wide").bounds == (-0.5, 2.0)
    assert kept["bounded"].parameter("tilt").bounds == (-np.inf, np.inf)
    assert kept["bounded"].parameter("m").bounds == (-0.2, 0.4)


def test_auxiliary_data_go_with_their_parameters(masses: TemplateSet) -> None:
    """Also where one constraint has the name of another's parameter."""
    swapped = {"wiggle": "tilt", "tilt": "wiggle"}
    constraints = tuple(
        replace(c, name=swapped.get(c.name, c.name))  # type: ignore[type-var]
        for c in masses.constraints
    )
    data = Dataset({"region": np.ones(BINS)}, {"tilt": [0.1], "wiggle": [0.2], "wide": [5.0]})
    found = approximate(replace(masses, constraints=constraints, observed=data), free="straight").templates
    assert found.observed is not None
    assert {k: float(v[0]) for k, v in found.observed.auxiliary.items()} == {"wiggle": 0.1, "tilt": 0.2, "wide": 2.0}


@pytest.mark.parametrize("free", ["straight", "bounded"])
@pytest.mark.parametrize(("without", "accuracy"), [((), SIZE), (("two_sided",), SIZE**2 / 2)])
def test_fits_have_the_uncertainty_of_the_original(
    masses: TemplateSet, free: Any, without: tuple[str, ...], accuracy: float
) -> None:
    """Derivatives at 0 are central differences, where a yield was an exponential: off by SIZE²/6 of themselves where
    up and down mirror each other, and by the mean of their logarithms, up to SIZE, where they do not."""
    fixed = tuple(replace(p, fixed=p.name in without) for p in masses.parameters)
    found = approximate(replace(masses, parameters=fixed), free=free)
    before, after = Model(replace(masses, parameters=fixed)), Model(found.templates)
    # Both in MeV.
    sigma = [fit(model, model.asimov()).uncertainties()["m"] for model in (before, after)]
    assert sigma[1] == pytest.approx(sigma[0], rel=accuracy)


def test_what_is_said_about_the_distance(masses: TemplateSet) -> None:
    """The mean over 64 points, within four of its errors of that over others, by the yields of either model."""
    found = approximate(masses, free="bounded")
    before, after = Model(masses), Model(found.templates)
    rng = np.random.default_rng(8)
    squares, largest = [], 0.0
    for _ in range(2000):
        x, y = before.start.copy(), after.start.copy()
        for name in ("wiggle", "two_sided", "local", "wide", "lumi", "tilt"):
            y[after.index(name)] = rng.normal()
            x[before.index(name)] = y[after.index(name)] * (2.5 if name == "wide" else 1.0)
        y[after.index("m")] = rng.uniform(-1, 1)
        x[before.index("m")] = 100 * y[after.index("m")]
        off = after.expected(y) / before.expected(x) - 1
        squares.append(np.mean(off**2))
        largest = max(largest, float(np.abs(off).max()))
    assert found.rms**2 == pytest.approx(np.mean(squares), abs=4 * np.std(squares) / 8)
    assert found.rms < found.largest < 2 * largest
    assert "m at ±100" in str(found)
    # What has no more to lose loses nothing.
    again = approximate(replace(found.templates, pois=()), free="bounded")
    assert again.largest < 1e-12
    assert again.steps == {"m": 1.0}


def test_pyhf_reads_the_same_likelihood(masses: TemplateSet, tmp_path: Path) -> None:
    import pyhf

    found = approximate(masses, free="straight", steps={"m": 20.0})
    assert found.steps == {"m": 20.0}
    interchange.write(found.templates, tmp_path / "out.json", mc_stat="staterror")
    pyhf.set_backend("numpy")
    workspace = pyhf.Workspace(json.loads((tmp_path / "out.json").read_text()))
    there = workspace.model(
        modifier_settings={"normsys": {"interpcode": "code4"}, "histosys": {"interpcode": "code4p"}}
    )
    assert there.config.poi_name == "m"
    # Without MC statistics, at values of 1.
    model = Model(replace(found.templates, channels=tuple(replace(c, mc_stat=None) for c in found.templates.channels)))
    rng = np.random.default_rng(3)
    for _ in range(5):
        at = {name: rng.normal() for name in model.names} | {"norm": rng.uniform(0.5, 1.5), "m": rng.uniform(-50, 50)}
        theirs = [at.get(name, 1.0) for name in there.config.par_names]
        np.testing.assert_allclose(there.expected_actualdata(theirs), model.expected(at), rtol=1e-9)


def test_a_card_with_a_free_shape(masses: TemplateSet, tmp_path: Path) -> None:
    found = approximate(masses, free="bounded")
    counts = Dataset({"region": np.round(Model(masses).expected({"m": 40.0}))})
    given = replace(found.templates, observed=counts)
    interchange.write(given, tmp_path / "card.txt", mc_stat="autoMCStats")
    card = (tmp_path / "card.txt").read_text()
    assert "--redefineSignalPOIs m in fits" in card
    assert [line.split()[1:] for line in card.splitlines() if line.startswith("m ")] == [["shapeU", "1.0", "-"]]
    again = interchange.read(tmp_path / "card.txt")
    assert again.parameter("m").bounds == (-1.0, 1.0)
    assert "m" not in again.nuisances
    ours, theirs = (fit(Model(t)) for t in (given, again))
    # MC statistics of 5% of the data are normal there, and scales here.
    shown = 80000 + 100 * theirs["m"].value
    assert shown == pytest.approx(ours["m"].value, abs=0.05 * ours["m"].uncertainty)
    assert 100 * theirs["m"].uncertainty == pytest.approx(ours["m"].uncertainty, rel=0.01)


def test_without_mc_statistics_a_card_is_exact(masses: TemplateSet, tmp_path: Path) -> None:
    bare = replace(masses, channels=tuple(replace(c, mc_stat=None) for c in masses.channels))
    found = approximate(bare, free="bounded")
    interchange.write(found.templates, tmp_path / "card.txt")
    ours, theirs = Model(found.templates), Model(interchange.read(tmp_path / "card.txt"))
    rng = np.random.default_rng(4)
    for _ in range(5):
        at = {name: rng.uniform(-1, 1) for name in ours.names} | {"norm": rng.uniform(0.5, 1.5)}
        np.testing.assert_allclose(theirs.expected(at), ours.expected(at), rtol=1e-10)


def test_refusals(masses: TemplateSet) -> None:
    for step in ({"wiggle": 1.0}, {"none": 1.0}, {"m": -3.0}):
        with pytest.raises(TemplateError, match=r"steps are positive numbers, for parameters without .*\(m\)"):
            approximate(masses, free="bounded", steps=step)
    with pytest.raises(TemplateError, match="step m=1e-300: no template changes by it"):
        approximate(masses, free="bounded", steps={"m": 1e-300})
    pair = Gaussian("pair", ("wiggle", "tilt"), [0.0, 0.0], [[1.0, 0.3], [0.3, 1.0]])
    others = tuple(c for c in masses.constraints if c.name not in pair.parameters)
    with pytest.raises(UnsupportedFeature, match="wiggle: the constraint pair is no normal one of a single parameter"):
        approximate(replace(masses, constraints=(*others, pair)), free="bounded")
    moved = tuple(replace(p, start=1.0) if p.name == "m" else p for p in masses.parameters)
    with pytest.raises(UnsupportedFeature, match="m: a free parameter that starts at 1, not at 0"):
        approximate(replace(masses, parameters=moved), free="straight")
    region = masses.channels[0]
    with pytest.raises(UnsupportedFeature, match="channel region is masked"):
        approximate(replace(masses, channels=(replace(region, masked=True),)), free="bounded")
    both = replace(region.processes[0], modifiers=(*region.processes[0].modifiers, Factor("wiggle")))
    channel = replace(region, processes=(both, region.processes[1]))
    with pytest.raises(UnsupportedFeature, match="wiggle: a factor, and a variation as well"):
        approximate(replace(masses, channels=(channel,)), free="bounded")


def test_on_the_command_line(masses: TemplateSet, tmp_path: Path) -> None:
    source = tmp_path / "t.root"
    interchange.write(masses, source)

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["convert", str(source), *arguments])

    refused = run(str(tmp_path / "out.json"))
    assert refused.exit_code == 2
    assert "--approximate" in refused.stderr
    done = run(str(tmp_path / "out.json"), "--approximate", "--step", "m=50")
    assert done.exit_code == 0, done.stderr
    assert "m at ±50; elsewhere" in done.stderr
    for name in ("out.hs3", "card.txt"):
        assert run(str(tmp_path / name), "--approximate").exit_code == 0
    for arguments, message in (
        (("out.h5", "--approximate"), "--approximate: templates for histfactory, hs3, combine"),
        (("x.json", "--step", "m=50"), "--step belongs to --approximate"),
        (("x.json", "--approximate", "--step", "q=50"), "step q=50"),
    ):
        wrong = run(str(tmp_path / arguments[0]), *arguments[1:])
        assert wrong.exit_code == 2
        assert message in wrong.stderr
        assert not (tmp_path / arguments[0]).exists()
