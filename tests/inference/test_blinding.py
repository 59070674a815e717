"""Blinding: what it shifts, what it leaves, and that no output holds the true value."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import h5py
import hist
import numpy as np
import pytest
from click.testing import CliRunner

import wmassfit as wm
from wmassfit.cli import main
from wmassfit.errors import FormatError, RecipeError
from wmassfit.inference import (
    FitResult,
    NewtonOptions,
    combine,
    difference,
    exact_impacts,
    external_term,
    unblind,
    upper_limit,
)
from wmassfit.inference.blinding import KEY, KEY_FILE
from wmassfit.recipe import Recipe, json_schema
from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
    Gaussian,
    McStat,
    Morph,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

SECRET = "correct horse battery"
REFERENCE = 80379.0


def templates(masses: tuple[str, ...] = ("m_w",), *, unit: str = "MeV", **metadata: object) -> TemplateSet:
    """A channel for each mass, with MC statistics, local nuisances, and real data from a mass 61.37 MeV up."""
    rng = np.random.default_rng(4)
    channels = []
    for i, name in enumerate(masses):
        x = np.linspace(-1, 1, 12)
        nominal = 1e6 * np.exp(-(x**2))
        points = np.array([-100.0, -50.0, 50.0, 100.0])
        ratios = np.exp(2e-5 * points[:, None] * x + 1e-8 * points[:, None] ** 2 * (x**2 - 0.5))
        modifiers = (
            Morph(name, points=points, ratios=ratios),
            Scale("scale", up=1 + 0.002 * x**2),
            Scale("local", bins=[1, 2], up=[1.01, 0.99]),
            Shift("fakes", up=1e3 * np.cos(3 * x), code="linear"),
        )
        process = Process("W", nominal, variance=nominal / 5, signal=True, modifiers=modifiers)
        axes = (hist.axis.Regular(12, 26, 56, name="pt"),)
        channels.append(Channel(f"c{i}", axes, (process,), mc_stat=McStat()))
    nuisances = ("scale", "local", "fakes")
    display = Display(offset=REFERENCE, unit=unit, label="m_W")
    parameters = *(Parameter(m, display=display) for m in masses), *(Parameter(n, groups=("g",)) for n in nuisances)
    constraints = tuple(Gaussian(n, (n,), 0.0, 1.0) for n in nuisances)
    metadata = {"blind": ["m_w"]} | metadata
    plain = TemplateSet(tuple(channels), parameters, constraints, masses, metadata=metadata)
    shifts = {m: 61.37 + 10 * i for i, m in enumerate(masses)}
    drawn = wm.Model(plain).pseudodata(int(rng.integers(99)), at=shifts, throw="none")
    return replace(plain, observed=Dataset(drawn.counts))


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key, in the environment."""
    monkeypatch.setenv(KEY, SECRET)


# Fits that begin elsewhere end √(2 EDM) σ apart: with the default of 1e-9 that would be 2 keV here.
TIGHT = NewtonOptions(edm=1e-15)


def true_fit(given: TemplateSet) -> FitResult:
    """The fit that nobody blinds."""
    return wm.fit(wm.Model(replace(given, metadata={})), given.observed, options=TIGHT)


def blind_fit(given: TemplateSet) -> FitResult:
    """The fit with the key of the environment."""
    return wm.fit(wm.Model(given), options=TIGHT)


def test_only_the_value_is_shifted() -> None:
    given = templates()
    blinded, true = blind_fit(given), true_fit(given)
    shift = blinded["m_w"].value - true["m_w"].value
    assert 1 < abs(shift) < 100
    assert blinded["m_w"].blinded
    assert "(blinded)" in str(blinded["m_w"])
    assert blinded["scale"].value == pytest.approx(true["scale"].value, abs=1e-7)
    assert blinded.uncertainties() == pytest.approx(true.uncertainties(), rel=1e-7)
    assert blinded.nll == pytest.approx(true.nll, abs=1e-8)
    assert wm.goodness_of_fit(blinded).statistic == pytest.approx(wm.goodness_of_fit(true).statistic, abs=1e-7)
    for kind in ("nominal", "global"):
        ours, theirs = (wm.impacts(f, "m_w", kind=kind) for f in (blinded, true))
        assert ours.by_group() == pytest.approx(theirs.by_group(), rel=1e-5, abs=1e-5)
    for one, other in zip(wm.pulls(blinded), wm.pulls(true), strict=True):
        assert one.pull == pytest.approx(other.pull, abs=1e-5)
    for prefit in (True, False):
        ours, theirs = (wm.spectrum(f, "c0", prefit=prefit) for f in (blinded, true))
        np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-9)
        np.testing.assert_allclose(ours.uncertainty, theirs.uncertainty, rtol=1e-5)
    interval = wm.minos(blinded, "m_w")
    assert interval.value == pytest.approx(blinded["m_w"].value)
    assert interval.upper == pytest.approx(wm.minos(true, "m_w").upper, rel=1e-5)
    assert unblind(blinded, SECRET)["m_w"].value == pytest.approx(true["m_w"].value, abs=1e-6)
    assert wm.fit(wm.Model(given), unblind=SECRET, options=TIGHT)["m_w"].value == pytest.approx(
        true["m_w"].value, abs=1e-6
    )


def test_every_parametrisation_has_the_same_shift_and_differences_another() -> None:
    single, double = templates(), templates(("m_w_plus", "m_w_minus"))
    one, true_one = blind_fit(single), true_fit(single)
    two, true_two = blind_fit(double), true_fit(double)
    shift = one["m_w"].value - true_one["m_w"].value
    for name in ("m_w_plus", "m_w_minus"):
        assert two[name].value - true_two[name].value == pytest.approx(shift, abs=1e-5)
    average = "0.5*m_w_plus + 0.5*m_w_minus"
    assert two.linear(average).value - true_two.linear(average).value == pytest.approx(shift, abs=1e-5)
    gap = two.linear("m_w_plus - m_w_minus").value - true_two.linear("m_w_plus - m_w_minus").value
    assert 1 < abs(gap) < 100
    assert abs(gap - shift) > 1
    assert two.linear("m_w_plus - m_w_minus").blinded
    # The same one whichever way round, and as a parameter of its own.
    back = two.linear("m_w_minus - m_w_plus").value - true_two.linear("m_w_minus - m_w_plus").value
    assert back == pytest.approx(gap, abs=1e-4)
    named = templates(("m_w_diff",))
    assert blind_fit(named)["m_w_diff"].value - true_fit(named)["m_w_diff"].value == pytest.approx(gap, abs=1e-5)


def test_functions_are_scanned_and_refitted_in_shifted_numbers() -> None:
    given = templates(("m_w_plus", "m_w_minus"))
    blinded, true = blind_fit(given), true_fit(given)
    ours, theirs = (wm.scan(f, "m_w_plus - m_w_minus", points=5) for f in (blinded, true))
    np.testing.assert_allclose(ours.statistic, theirs.statistic, atol=1e-6)
    shift = ours.best[0] - theirs.best[0]
    assert abs(shift) > 1
    np.testing.assert_allclose(ours.axes[0] - theirs.axes[0], shift, atol=1e-4)
    ours, theirs = (exact_impacts(f, difference("m_w_plus", "m_w_minus"), leading=2) for f in (blinded, true))
    assert ours.up == pytest.approx(theirs.up, rel=1e-4, abs=1e-3)


def test_gev_is_shifted_like_mev() -> None:
    gev, mev = templates(unit="GeV"), templates()
    shift = blind_fit(mev)["m_w"].value - true_fit(mev)["m_w"].value
    assert blind_fit(gev)["m_w"].value - true_fit(gev)["m_w"].value == pytest.approx(1e-3 * shift, abs=1e-6)


def test_simulated_data_are_blinded_on_request_alone_and_by_another_shift() -> None:
    given = templates()
    data = wm.Model(given).asimov({"m_w": 20.0})
    assert wm.fit(wm.Model(given), data)["m_w"].value == pytest.approx(REFERENCE + 20, abs=1e-3)
    asked = replace(given, metadata={"blind": ["m_w"], "blind_simulated": True})
    simulated = wm.fit(wm.Model(asked), data)["m_w"].value - REFERENCE - 20
    real = wm.fit(wm.Model(asked))["m_w"].value - true_fit(given)["m_w"].value
    assert abs(simulated) > 1
    assert abs(simulated - real) > 1


def test_toys_and_scans_stay_in_shifted_numbers() -> None:
    blinded = blind_fit(templates())
    toys = wm.toys(blinded, 64, seed=2)
    assert abs(toys.pull("m_w").mean) < 4 * toys.pull("m_w").mean_error
    assert abs(toys.values[:, 0].mean() + REFERENCE - blinded["m_w"].value) < blinded["m_w"].uncertainty
    found = wm.scan(blinded, "m_w")
    assert abs(found.axes[0][np.argmin(found.statistic)] - blinded["m_w"].value) < blinded["m_w"].uncertainty


def test_files_need_the_key_and_know_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = templates()
    blinded = blind_fit(given)
    wm.write(blinded, tmp_path / "fit.h5")
    back = wm.read(tmp_path / "fit.h5")
    assert back["m_w"] == blinded["m_w"]
    assert wm.impacts(back, "m_w").by_group() == pytest.approx(wm.impacts(blinded, "m_w").by_group())
    refit = wm.fit(back.model, back.data, options=TIGHT)
    assert refit["m_w"].value == pytest.approx(blinded["m_w"].value, abs=1e-4)
    assert refit["m_w"].blinded
    open_ = unblind(back, SECRET)
    wm.write(open_, tmp_path / "open.h5")
    again = wm.read(tmp_path / "open.h5")
    assert again["m_w"] == open_["m_w"]
    assert wm.fit(again.model, again.data, options=TIGHT)["m_w"].value == pytest.approx(open_["m_w"].value, abs=1e-4)
    with pytest.raises(RecipeError, match="another key"):
        unblind(back, "some other secret")
    monkeypatch.setenv(KEY, "some other secret")
    with pytest.raises(RecipeError, match=r"fit\.h5 was blinded with another key"):
        wm.read(tmp_path / "fit.h5")
    with pytest.raises(RecipeError, match="not the key that the environment holds"):
        wm.fit(wm.Model(given), unblind=SECRET)
    monkeypatch.delenv(KEY)
    with pytest.raises(RecipeError, match=f"needs a key: set {KEY}"):
        blind_fit(given)
    (tmp_path / "key").write_text(SECRET + "\n")
    monkeypatch.setenv(KEY_FILE, str(tmp_path / "key"))
    assert blind_fit(given)["m_w"].value == pytest.approx(blinded["m_w"].value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fixed": True}, "m_w cannot be blinded: it is fixed"),
        ({"bounds": (-500.0, 500.0)}, "its bounds would show the shift"),
        ({"display": Display(unit="%")}, "it is shown in %"),
    ],
)
def test_what_cannot_be_blinded_is_refused(change: dict[str, object], message: str) -> None:
    given = templates()
    mass, *rest = given.parameters
    with pytest.raises(RecipeError, match=message):
        wm.fit(wm.Model(replace(given, parameters=(replace(mass, **change), *rest))))  # type: ignore[arg-type]


def test_other_ways_to_a_value_are_closed() -> None:
    given = templates()
    constrained = replace(given, constraints=(*given.constraints, Gaussian("m_w", ("m_w",), 0.0, 1e6)))
    with pytest.raises(RecipeError, match="it has a constraint"):
        wm.fit(wm.Model(constrained))
    with pytest.raises(RecipeError, match="no parameter gamma_w"):
        wm.fit(wm.Model(replace(given, metadata={"blind": ["gamma_w"]})))
    blinded = blind_fit(given)
    with pytest.raises(RecipeError, match="the fit is blinded"):
        external_term(blinded)
    with pytest.raises(RecipeError, match="unblind all or none"):
        combine([blinded, true_fit(given)])
    with pytest.raises(RecipeError, match="a limit would show it"):
        upper_limit(wm.Model(given), given.observed, "m_w")


def test_a_fit_that_fails_does_not_show_the_shift() -> None:
    """It may end where it began, which is not where the templates are nominal."""
    given = templates()
    (channel,) = given.channels
    still = tuple(m for m in channel.processes[0].modifiers if m.parameter != "m_w")
    process = replace(channel.processes[0], modifiers=still)
    result = wm.fit(wm.Model(replace(given, channels=(replace(channel, processes=(process,)),))))
    assert not result.converged
    assert result.values[0] == 0.0


def test_recipes_know_the_fields() -> None:
    recipe = Recipe.load("small").override({"blind": ["m_w"], "blind_simulated": "true"})
    assert recipe.blind == ["m_w"]
    assert {"blind", "blind_simulated"} <= set(json_schema()["properties"])


def test_a_recipe_puts_its_request_into_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = replace(templates(), metadata={}, observed=None)
    monkeypatch.setattr("wmassfit.generation.generate.generate", lambda *_, **__: bare)
    recipe = Recipe.load("small")
    assert "blind" not in wm.generate(recipe).metadata
    asked = wm.generate(recipe.override({"blind": ["m_w"], "blind_simulated": True})).metadata
    assert (asked["blind"], asked["blind_simulated"]) == (["m_w"], True)


def numbers_in(path: Path) -> np.ndarray:
    """Every number a file shows: decimal texts, float64 at any byte, and the contents of HDF5 and numpy files."""
    content = path.read_bytes()
    found = [np.array([float(t) for t in re.findall(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", content)])]
    for order in "<>":
        for first in range(min(8, len(content))):
            found.append(np.frombuffer(content, f"{order}f8", count=(len(content) - first) // 8, offset=first))
    if path.suffix == ".h5":

        def visit(_: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
                found.append(np.ravel(item[()]))

        with h5py.File(path) as file:
            file.visititems(visit)
    if path.suffix == ".npz":
        with np.load(path) as file:
            found.extend(np.ravel(file[name]) for name in file if file[name].dtype.kind == "f")
    return np.concatenate([part.astype(np.float64) for part in found])


def test_the_true_value_is_in_no_output(tmp_path: Path) -> None:
    """Everything the command line writes, and what it prints, against the value and the shift to 0.004 MeV."""
    given, run = templates(), CliRunner()
    true = true_fit(given)
    x, blinded = float(true.values[0]), blind_fit(given)
    shift = float(blinded.values[0]) - x
    wm.write(given, tmp_path / "templates.h5")
    out = tmp_path / "out"
    out.mkdir()
    fit = str(out / "fit.h5")
    commands = (
        ["fit", str(tmp_path / "templates.h5"), "-o", fit, "--json", "--minos", "m_w"],
        ["fit", str(tmp_path / "templates.h5")],
        ["impacts", fit, "--json", "--exact", "2", "--workers", "1"],
        ["spectrum", fit, "-o", str(out / "spectrum")],
        ["convert", fit, str(out / "fit.json")],
        ["convert", fit, str(out / "fit.csv")],
        ["pulls", fit, "-o", str(out / "pulls")],
        ["scan", fit, "--json", "--points", "5", "--workers", "1"],
        ["toys", fit, "-n", "32", "--workers", "1", "-o", str(out / "toys"), "--json"],
        ["gof", fit, "--json"],
        ["compare", f"a={fit}", f"b={fit}", "-o", str(out / "compare")],
        ["confront", fit, "--json"],
        ["report", fit, "-o", str(out / "report")],
    )
    for i, command in enumerate(commands):
        done = run.invoke(main, command)
        assert done.exit_code == 0, (command, done.output, done.exception)
        (out / f"printed_{i}.txt").write_text(done.output)
    with pytest.raises(FormatError, match="unblind it before it is published"):
        wm.write(blinded, out / "submission.yaml", format="hepdata")
    assert "m_W (blinded)" in (out / "fit.json").read_text()
    assert "blinded, values shifted by an unknown amount: m_w" in (out / "report" / "parameters.txt").read_text()
    files = [path for path in out.rglob("*") if path.is_file() and path.suffix not in (".png", ".pdf")]
    assert len(files) > 20
    assert any("the verdict is not one on nature" in path.read_text() for path in out.glob("printed_*.txt"))
    hidden = {x: 0.004, x + REFERENCE: 0.004, shift: 0.004, 1e-3 * (x + REFERENCE): 4e-6}
    for path in files:
        values = numbers_in(path)
        for value, near in hidden.items():
            same = values[np.abs(np.abs(values) - abs(value)) < near]
            assert not same.size, (path, value, same)
    # The search would have found it.
    wm.write(true, tmp_path / "true.h5")
    found = numbers_in(tmp_path / "true.h5")
    assert np.any(np.abs(found - x) < 0.004)
    assert np.any(np.abs(found - x - REFERENCE) < 0.004)


def test_unblind_on_the_command_line(tmp_path: Path) -> None:
    given, run = templates(), CliRunner()
    true = true_fit(given)["m_w"].value
    wm.write(given, tmp_path / "templates.h5")
    wm.write(blind_fit(given), tmp_path / "fit.h5")
    done = run.invoke(main, ["fit", str(tmp_path / "templates.h5"), "--unblind", SECRET])
    assert f"m_w = {true:.0f} ±" in done.output
    done = run.invoke(main, ["unblind", str(tmp_path / "fit.h5"), "-o", str(tmp_path / "open.h5")])
    assert f"m_w = {true:.0f} ±" in done.output
    assert wm.read(tmp_path / "open.h5")["m_w"].value == pytest.approx(true, abs=1e-4)
    done = run.invoke(main, ["unblind", str(tmp_path / "open.h5")])
    assert done.exit_code == 2
    assert "is not blinded" in done.output
