"""Templates to datacards and back: the same likelihood, or one list of what Combine cannot express."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import hist
import numpy as np
import pytest
import uproot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wmassfit import interchange
from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.interchange.combine.datacard import read_combine
from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    McStat,
    Parameter,
    Poisson,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

from ..combine_cards import put_card, same_likelihood
from .test_datacard import COUNTING, RATES, auto_card, shape_files


def there_and_back(templates: TemplateSet, folder: Path) -> TemplateSet:
    interchange.write(templates, folder / "out.txt")
    assert sorted(p.name for p in folder.glob("out*")) == ["out.root", "out.txt"]
    return interchange.read(folder / "out.txt")


def test_the_long_exercise_survives(reference: Callable[[str], Path], tmp_path: Path) -> None:
    files = ("datacard_part3.txt", "datacard_part3_DY_cr.txt", "datacard_part3_ttbar_cr.txt")
    templates = read_combine(*[reference(f"combine/{name}") for name in files], mass=200, lines=RATES)
    again = there_and_back(templates, tmp_path)
    same_likelihood(templates, again)
    assert again.parameter("rate_Zll").bounds == (0.0, 5.0)
    assert again.groups == templates.groups


@pytest.mark.parametrize("setting", [None, "0", "15 1", "-1 0 2"])
def test_shapes_survive(tmp_path: Path, setting: str | None) -> None:
    card, _ = shape_files(tmp_path)
    if setting is not None:
        card.write_text(card.read_text() + f"sr autoMCStats {setting}\n")
    templates = interchange.read(card)
    same_likelihood(templates, there_and_back(templates, tmp_path))


@pytest.mark.parametrize("effects", ["0.5 1", "2 3"])
@pytest.mark.parametrize("setting", [None, "0", "15 1", "-1 0 2"])
def test_morphed_logarithms_survive(tmp_path: Path, setting: str | None, effects: str) -> None:
    card, _ = shape_files(tmp_path)
    text = card.read_text().replace("alpha shape 0.5 1", f"alpha shapeN {effects}").replace("shape?", "shapeN?")
    card.write_text(text + ("" if setting is None else f"sr autoMCStats {setting}\n"))
    templates = interchange.read(card)
    same_likelihood(templates, there_and_back(templates, tmp_path))
    assert " shapeN" in (tmp_path / "out.txt").read_text()


def test_counting_and_edits_survive(tmp_path: Path) -> None:
    text = COUNTING + "nuisance edit freeze lumi\nnuisance edit changepdf bg_others lnU\n"
    templates = interchange.read(put_card(tmp_path / "card.txt", text))
    again = there_and_back(templates, tmp_path)
    same_likelihood(templates, again)
    assert again.parameter("lumi").fixed
    assert set(again.groups["theory"]) == {"xs_ggH", "lumi"}


def test_poisson_parameters_below_the_threshold_survive(tmp_path: Path) -> None:
    given = {"sig": ([5.0, 1.0], [1.0, 0.5]), "bkg": ([50.0, 8.0], [2.0, 4.0]), "top": ([6.0, 30.0], [1.0, 10.0])}
    templates = interchange.read(auto_card(tmp_path, "20", **given))
    same_likelihood(templates, there_and_back(templates, tmp_path))


finite = st.floats(-3, 3)


@st.composite
def expressible(draw: st.DrawFn) -> TemplateSet:
    """Random templates out of everything a card can say."""
    n = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unit = [Gaussian.unit(name) for name in ("a", "b", "c")]

    def shape(name: str, nominal: np.ndarray, *, conserve: bool) -> Shift:
        def difference() -> np.ndarray:
            values = 0.1 * nominal * rng.normal(size=n)
            return values - nominal * values.sum() / nominal.sum() if conserve else values

        return Shift(name, difference(), difference(), coefficient=draw(st.sampled_from([1.0, -1.0, 2.5])))

    def process(name: str, channel: int) -> Process:
        nominal = rng.uniform(5, 50, n)
        modifiers: list[Scale | Shift | Factor] = []
        if name == "signal":
            modifiers.append(Factor("r"))
        conserve = channel == 0
        kinds = ["none", "log-normal", "asymmetric", "shape", "logarithms", "renormalised"]
        kind = draw(st.sampled_from(kinds if conserve else kinds[:-2]))
        if kind == "log-normal":
            modifiers.append(Scale("a", up=1.2, code="lognormal", coefficient=draw(finite)))
        elif kind == "asymmetric":
            modifiers.append(Scale("a", up=1.2, down=np.array(0.7), coefficient=draw(st.sampled_from([1.0, -1.0]))))
        elif kind == "shape":
            modifiers.append(shape("a", nominal, conserve=conserve))
            if conserve and draw(st.booleans()):
                modifiers.append(Scale("a", up=1.1, down=np.array(0.97)))
        elif kind == "logarithms":
            low, high = np.exp(0.1 * rng.normal(size=(2, n)))
            if draw(st.booleans()):
                modifiers.append(Scale("c", low, high, coefficient=draw(st.sampled_from([0.5, -1.0, 2.0]))))
            else:
                modifiers.append(Scale("c", up=high, coefficient=0.3, code="lognormal"))
            if draw(st.booleans()):
                modifiers.append(Scale("c", np.array(0.9), 1.2))
        elif kind == "renormalised":
            # Changes of the norm between 0.1% of it and nothing are not for cards.
            low, high = (nominal * (1 + 0.1 * rng.normal(size=n)) * rng.uniform(1.05, 1.2) - nominal for _ in range(2))
            modifiers.append(Shift("a", low, high, coefficient=draw(st.sampled_from([1.0, 0.4]))))
        if draw(st.booleans()):
            modifiers.append(Factor("norm", power=draw(st.sampled_from([1, 2, -1])), coefficient=0.5))
        if draw(st.booleans()):
            modifiers.append(Factor("count", coefficient=1 / 12))
        if draw(st.booleans()):
            modifiers.append(Scale("b", up=0.9, code="lognormal"))
        return Process(
            name, nominal, nominal / 10, renormalise=kind in ("renormalised", "logarithms"), modifiers=modifiers
        )

    axis = hist.axis.Variable(np.cumsum(rng.uniform(1, 2, n + 1)), name="x")
    channels = [
        Channel(f"ch{i}", (axis,), [process("signal", i), process("background", i), process("other", i)])
        for i in range(draw(st.integers(1, 2)))
    ]
    return TemplateSet(
        channels,
        (
            Parameter("r", 1.0, bounds=(0.0, 20.0)),
            Parameter("a", groups=("g1", "g2")),
            Parameter("b", groups=("g1",)),
            Parameter("c"),
            Parameter("norm", 2.0, bounds=(0.5, 7.0)),
            Parameter("count", 12.0, bounds=(0.0, np.inf)),
        ),
        (*unit, Gaussian("norm", ("norm",), np.array([2.1]), np.array([0.3])), Poisson("count", "count", 12.0, 1.0)),
        ("r",),
        Dataset({c.name: rng.poisson(60, n).astype(float) for c in channels}),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(templates=expressible())
def test_random_templates_survive(tmp_path: Path, templates: TemplateSet) -> None:
    used = {m.parameter for c in templates.channels for p in c.processes for m in p.modifiers}
    interchange.write(templates, tmp_path / "out.txt")
    again = read_combine(tmp_path / "out.txt")
    if "count" not in used:
        # gmN without a process has no line: the parameter is gone, and so is its constant.
        templates = dataclasses.replace(
            templates,
            parameters=[p for p in templates.parameters if p.name != "count"],
            constraints=[c for c in templates.constraints if c.name != "count"],
        )
    same_likelihood(templates, again)
    assert {g: set(m) for g, m in again.groups.items()} == {"g1": {"a", "b"}, "g2": {"a"}}


def test_what_cannot_be_said_is_listed_and_nothing_written(everything: TemplateSet, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        interchange.write(everything, tmp_path / "card.txt")
    for part in (
        "MC statistics of kind gamma",
        "m_w is morphed",
        "eff: ratios that differ from bin to bin",
        "r: ",
        "control/1",
        "masked",
        "correlated",
        "auxiliary data",
        "signal region",
    ):
        assert part in str(caught.value), part
    assert list(tmp_path.iterdir()) == []


def small(*modifiers: object, **more: object) -> TemplateSet:
    process = Process("p", np.array([1.0, 2.0]), modifiers=modifiers)
    channel = Channel("ch", (hist.axis.Regular(2, 0, 1),), (process,), mc_stat=more.pop("mc_stat", None))
    parameters = more.pop("parameters", (Parameter("x"),))
    constraints = more.pop("constraints", (Gaussian.unit("x"),))
    return TemplateSet((channel,), parameters, constraints, **more)


def renormalised(*modifiers: object) -> TemplateSet:
    process = Process("p", np.array([1.0, 2.0]), renormalise=True, modifiers=modifiers)
    one = Gaussian.unit("x")
    return TemplateSet((Channel("ch", (hist.axis.Regular(2, 0, 1),), (process,)),), (Parameter("x"),), (one,))


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        (small(Scale("x", up=1.1, down=np.array(0.9), code="code4")), "interpolation code4"),
        (small(Shift("x", np.array([0.1, 0.1]), np.array([0.2, 0.2]), coefficient=0.5)), "smooth region"),
        (small(Shift("x", np.array([-0.1, 0.1]), np.array([0.2, -0.2])), Scale("x", up=1.0001)), "below 0.1%"),
        (
            small(Shift("x", np.array([0.1, 0.1]), np.array([0.2, -0.2])), Scale("x", up=1.1)),
            "and a log-normal as well",
        ),
        (small(Shift("x", np.array([0.1, 0.1]), np.array([0.2, -0.2]), code="code0")), "interpolation code0"),
        (small(Factor("x", bins=np.array([1]))), "some bins alone"),
        (small(Scale("x", up=1.1), Scale("x", up=1.2)), "twice"),
        (small(Scale("x", up=1.1), Factor("x")), "at once"),
        (small(Scale("x", up=1.1), constraints=()), "no constraint"),
        (small(Scale("x", up=1.1), parameters=(Parameter("x", bounds=(-1, 1)),)), "bounds"),
        (small(Scale("x", up=1.1), constraints=(Gaussian("x", ("x",), [1.0], [1.0]),)), "not 0 and 1"),
        (small(Factor("x"), parameters=(Parameter("x", 1.0),), constraints=(Poisson("x", "x", 3.0, 2.0),)), "no gmN"),
        (renormalised(Shift("x", np.array([0.1, 0.1]), coefficient=-1.0)), "coefficient -1"),
        (renormalised(Shift("x", np.array([0.1, 0.1]), coefficient=2.0)), "wider smooth region"),
        (renormalised(Shift("x", np.array([0.001, 0.001]))), "below 0.1%"),
        (renormalised(Shift("x", np.array([0.1, 0.1])), Scale("x", up=1.1)), "at once"),
        (renormalised(Scale("x", np.array([0.9, 1]), np.array([1, 1.2]), coefficient=0.4)), "wider than Combine's"),
        (renormalised(Scale("x", np.array([0.9, 1]), np.array([1, 1.2]), code="code4")), "interpolation code4"),
        (renormalised(Scale("x", up=np.array([1, 1.2])), Shift("x", np.array([0.1, 0.1]))), "beside ratios"),
        (small(mc_stat=McStat()), "kind gamma"),
        (small(parameters=(Parameter("x y"),), constraints=()), "'x y'"),
    ],
)
def test_refusals(tmp_path: Path, templates: TemplateSet, message: str) -> None:
    with pytest.raises(UnsupportedFeature, match=message):
        interchange.write(templates, tmp_path / "card.txt")
    assert list(tmp_path.iterdir()) == []


def test_changed_mc_stat_parameters_are_noticed(tmp_path: Path) -> None:
    card = auto_card(tmp_path, "10", sig=([9.0], [2.0]), bkg=([20.0], [1.5]), top=([4.0], [0.7]))
    templates = interchange.read(card)
    changed = dataclasses.replace(
        templates,
        channels=[
            dataclasses.replace(c, processes=[dataclasses.replace(p, variance=p.variance * 2) for p in c.processes])
            for c in templates.channels
        ],
    )
    with pytest.raises(UnsupportedFeature, match="not those of a card"):
        interchange.write(changed, tmp_path / "out.txt")


def test_without_data_the_expectation_is_written(tmp_path: Path) -> None:
    templates = small(Scale("x", up=1.1))
    interchange.write(templates, tmp_path / "card.txt")
    assert "data_obs is the expectation" in (tmp_path / "card.txt").read_text()
    assert interchange.read(tmp_path / "card.txt").observed.counts["ch"].tolist() == [1.0, 2.0]
    with uproot.open(tmp_path / "card.root") as file:
        assert file["ch/p/nominal"].classname == "TH1D"


def test_the_suffix_of_the_histograms_is_taken(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="text file"):
        interchange.write(small(), tmp_path / "card.root", format="combine")


def test_a_root_file_of_the_same_name_is_not_overwritten(tmp_path: Path) -> None:
    """Templates as t.root, converted to t.txt: the card's histograms would take their place."""
    interchange.write(small(), tmp_path / "t.root")
    before = (tmp_path / "t.root").read_bytes()
    with pytest.raises(FormatError, match=r"t\.root beside it, which is there already.*another name"):
        interchange.write(small(), tmp_path / "t.txt")
    assert (tmp_path / "t.root").read_bytes() == before
    assert not (tmp_path / "t.txt").exists()
    interchange.write(small(), tmp_path / "card.txt")
    interchange.write(small(), tmp_path / "card.txt")  # the same card again


def test_a_normsys_that_is_a_log_normal(tmp_path: Path) -> None:
    """hi = 1.25 and lo = 0.8 with HistFactory's code 1 are lnN 1.25; with code 4 they are not."""

    def templates(code: str) -> TemplateSet:
        process = Process("p", [50.0, 60.0], modifiers=(Scale("s", up=1.25, down=np.array(0.8), code=code),))  # type: ignore[arg-type]
        region = Channel("SR", (hist.axis.Regular(2, 0, 1),), (process,))
        return TemplateSet((region,), (Parameter("s"),), (Gaussian.unit("s"),))

    interchange.write(templates("code1"), tmp_path / "card.txt")
    assert "s lnN 1.25" in (tmp_path / "card.txt").read_text()
    with pytest.raises(UnsupportedFeature, match="interpolation code4"):
        interchange.write(templates("code4"), tmp_path / "other.txt")
