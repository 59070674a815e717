"""Datacards against Combine's own numbers and against its formulas written out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import norm, poisson

from wmassfit import inference, interchange
from wmassfit.errors import FormatError
from wmassfit.interchange.combine.datacard import read_combine
from wmassfit.likelihood import Model
from wmassfit.templateset import Dataset, Factor, Gaussian, Poisson, Scale, Shift

from ..combine_cards import put_card, put_histograms

COUNTING = """
# a card as Combine's documentation prints it
imax 1  number of channels
jmax 3  number of backgrounds
kmax 4
bin bin1
observation 0
------------
bin          bin1     bin1     bin1     bin1
process         ggH  qqWW  ggWW  others
process          0     1     2     3
rate           1.47  0.64  0.06  0.22
------------
lumi    lnN    1.11    -   1.11    -    luminosity, on signal and ggWW
xs_ggH  lnN    0.9/1.16    -     -     -
WW_norm gmN 4    -   0.16    -     -
bg_others lnN    -     -     -   1.30
theory group = xs_ggH
theory group += lumi
"""

# Both rate parameters belong to the exercise, which has the reader add them to the combined card.
RATES = ["rate_ttbar rateParam * ttbar 1.0 [0,5]", "rate_Zll rateParam * Z* 1.0 [0,5]"]


def test_long_exercise_signal_and_control_regions(reference: Callable[[str], Path]) -> None:
    """CMS Combine's long exercise, part 3: expected uncertainty with control regions, −0.417238/+0.450593."""
    cards = {
        "signal_region": "datacard_part3.txt",
        "DY_cr": "datacard_part3_DY_cr.txt",
        "ttbar_cr": "datacard_part3_ttbar_cr.txt",
    }
    paths = [f"{name}={reference(f'combine/{file}')}" for name, file in cards.items()]
    templates = read_combine(*paths, mass=200, lines=RATES)
    assert [c.name for c in templates.channels] == list(cards)
    assert templates.pois == ("r",)
    assert templates.groups.keys() == {"autoMCStats"}
    model = Model(templates)
    interval = inference.minos(inference.fit(model, model.asimov({"r": 1.0})), "r")
    # Combine's MINOS stops within some 1e-4 of the crossing.
    np.testing.assert_allclose([interval.lower, interval.upper], [-0.417238, 0.450593], atol=1.2e-4)


def test_long_exercise_signal_region_alone(reference: Callable[[str], Path]) -> None:
    """The same exercise without control regions: −0.465799/+0.502088."""
    model = Model(interchange.read(reference("combine/datacard_part3_nocrs.txt"), mass="200"))
    interval = inference.minos(inference.fit(model, model.asimov({"r": 1.0})), "r")
    np.testing.assert_allclose([interval.lower, interval.upper], [-0.465799, 0.502088], atol=1.2e-4)


def test_counting(tmp_path: Path) -> None:
    templates = interchange.read(put_card(tmp_path / "card.txt", COUNTING))
    channel = templates.channels[0]
    assert channel.n_bins == 1
    assert [p.signal for p in channel.processes] == [True, False, False, False]
    assert templates.groups == {"theory": ("xs_ggH", "lumi")} or set(templates.groups["theory"]) == {"xs_ggH", "lumi"}
    assert templates.observed.counts["bin1"].tolist() == [0.0]
    model = Model(templates)
    at = {"r": 2.0, "lumi": 0.7, "xs_ggH": 1.3, "WW_norm": 5.0, "bg_others": -0.4}
    expected = [
        2 * 1.47 * 1.11**0.7 * 1.16**1.3,
        0.16 * 5.0,
        0.06 * 1.11**0.7,
        0.22 * 1.3**-0.4,
    ]
    found = [model.expected(at, channel="bin1", process=p.name)[0] for p in channel.processes]
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert model.expected({"r": 1.0, "xs_ggH": -1.0}, channel="bin1", process="ggH")[0] == pytest.approx(1.47 * 0.9)
    density = poisson.logpmf(0, sum(expected)) + poisson.logpmf(4, 5.0) + norm.logpdf([0.7, 1.3, -0.4]).sum()
    nll = model.value(model.vector(at), templates.observed) + model.nll_constants(templates.observed)
    assert nll == pytest.approx(-density, rel=1e-12)


SHAPES = """
imax *
jmax *
kmax *
shapes * * shapes.root $CHANNEL/$PROCESS $CHANNEL/$PROCESS_$SYSTEMATIC
bin sr
observation -1
bin sr sr
process sig bkg
process 0 1
rate -1 36
alpha shape 0.5 1
beta shape? - 0.25
beta_only shape? 1.1 -
"""


def shape_files(folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    contents = {
        "sr/data_obs": [12.0, 15.0, 20.0],
        "sr/sig": [1.0, 4.0, 2.0],
        "sr/sig_alphaUp": [1.4, 4.4, 1.9],
        "sr/sig_alphaDown": [0.8, 3.3, 2.2],
        "sr/bkg": [10.0, 12.0, 14.0],
        "sr/bkg_alphaUp": [12.0, 13.0, 16.0],
        "sr/bkg_alphaDown": [9.0, 11.0, 12.5],
        "sr/bkg_betaUp": [11.0, 12.0, 13.0],
        "sr/bkg_betaDown": [8.0, 12.0, 16.001],
    }
    put_histograms(folder / "shapes.root", contents)
    return put_card(folder / "card.txt", SHAPES), {k: np.array(v) for k, v in contents.items()}


def combine_shape(
    nominal: np.ndarray, systematics: list[tuple[np.ndarray, np.ndarray, float]], theta: list[float]
) -> np.ndarray:
    """Combine's vertical interpolation: fractions, smooth step in the smallest region, cropped; log-normal yield."""
    fraction = nominal / nominal.sum()
    morphed = fraction.copy()
    region = min(1.0, *(scale for *_, scale in systematics))
    norm_ratio = 1.0
    for (down, up, scale), value in zip(systematics, theta, strict=True):
        x = scale * value
        t = np.clip(x / region, -1, 1)
        step = t * (3 * t**4 - 10 * t**2 + 15) / 8
        high, low = up / up.sum() - fraction, down / down.sum() - fraction
        morphed = morphed + 0.5 * x * ((high - low) + (high + low) * step)
        kappa = [(h.sum() / nominal.sum()) ** scale for h in (down, up)]
        if all(abs(h.sum() / nominal.sum() - 1) < 1e-3 for h in (down, up)):
            continue
        u = np.clip(2 * value, -1, 1)
        average, half = 0.5 * np.log(kappa[1] / kappa[0]), 0.5 * np.log(kappa[1] * kappa[0])
        norm_ratio *= np.exp(value * (average + half * u * (3 * u**4 - 10 * u**2 + 15) / 8))
    morphed = np.maximum(morphed, 1e-9)
    return nominal.sum() * norm_ratio * morphed / morphed.sum()


@pytest.mark.parametrize(
    "theta", [(0.0, 0.0), (0.3, -0.2), (1.0, 1.0), (-1.0, -1.0), (2.6, -0.9), (-0.45, 4.2), (-9, 8)]
)
def test_shape_interpolation(tmp_path: Path, theta: tuple[float, float]) -> None:
    card, h = shape_files(tmp_path)
    model = Model(interchange.read(card))
    at = {"r": 1.0, "alpha": theta[0], "beta": theta[1]}
    signal = combine_shape(h["sr/sig"], [(h["sr/sig_alphaDown"], h["sr/sig_alphaUp"], 0.5)], [theta[0]])
    np.testing.assert_allclose(model.expected(at, "sr", "sig"), signal, rtol=1e-12)
    background = combine_shape(
        h["sr/bkg"],
        [
            (h["sr/bkg_alphaDown"], h["sr/bkg_alphaUp"], 1.0),
            (h["sr/bkg_betaDown"], h["sr/bkg_betaUp"], 0.25),
        ],
        list(theta),
    )
    np.testing.assert_allclose(model.expected(at, "sr", "bkg"), background, rtol=1e-12)
    # A shape? without histograms is log-normal.
    at["beta_only"] = 0.5
    np.testing.assert_allclose(model.expected(at, "sr", "sig"), signal * 1.1**0.5, rtol=1e-12)


@pytest.mark.parametrize("theta", [(0.3, -0.2), (1.0, 2.0), (-2.0, -0.9)])
def test_shape_interpolation_with_mc_stats(tmp_path: Path, theta: tuple[float, float]) -> None:
    card, h = shape_files(tmp_path)
    card.write_text(card.read_text().replace("alpha shape 0.5 1", "alpha shape 2 3") + "sr autoMCStats -1\n")
    model = Model(interchange.read(card))
    at = {"r": 1.0, "alpha": theta[0], "beta": theta[1]}
    pairs = [(h["sr/bkg_alphaDown"], h["sr/bkg_alphaUp"], 3.0), (h["sr/bkg_betaDown"], h["sr/bkg_betaUp"], 0.25)]
    np.testing.assert_allclose(model.expected(at, "sr", "bkg"), combine_shape(h["sr/bkg"], pairs, list(theta)))
    signal = combine_shape(h["sr/sig"], [(h["sr/sig_alphaDown"], h["sr/sig_alphaUp"], 2.0)], [theta[0]])
    np.testing.assert_allclose(model.expected(at, "sr", "sig"), signal)


def combine_shape_n(
    nominal: np.ndarray, systematics: list[tuple[np.ndarray, np.ndarray, float]], theta: list[float], *, norm: bool
) -> np.ndarray:
    """Combine's shapeN: logarithms of the fractions with a smooth step, exponentiated and normalised."""
    total = nominal.sum()
    logarithm = np.log(np.where(nominal > 0, nominal / total, 1.0))
    region = min(1.0, *(scale for *_, scale in systematics))
    norm_ratio = 1.0

    def ratio(side: np.ndarray) -> np.ndarray:
        inside = (side > 0) & (nominal > 0)
        return np.where(
            inside, np.log(np.where(inside, side / side.sum(), 1) / np.where(inside, nominal / total, 1)), 0
        )

    for (down, up, scale), value in zip(systematics, theta, strict=True):
        t, u = np.clip(scale * value / region, -1, 1), np.clip(2 * value, -1, 1)
        step, joint = (s * (3 * s**4 - 10 * s**2 + 15) / 8 for s in (t, u))
        high, low = ratio(up), ratio(down)
        logarithm = logarithm + 0.5 * scale * value * ((high - low) + (high + low) * step)
        kappa = [(h.sum() / total) ** scale for h in (down, up)]
        if norm and any(abs(h.sum() / total - 1) >= 1e-3 for h in (down, up)):
            norm_ratio *= np.exp(
                value * (0.5 * np.log(kappa[1] / kappa[0]) + 0.5 * np.log(kappa[1] * kappa[0]) * joint)
            )
    fraction = np.where(nominal > 0, np.exp(logarithm), 0.0)
    return total * norm_ratio * fraction / fraction.sum()


@pytest.mark.parametrize("kind", ["shapeN", "shapeN2"])
@pytest.mark.parametrize("setting", [None, "-1", "-1 0 2"])
@pytest.mark.parametrize("effects", ["0.5 1", "2 3"])
@pytest.mark.parametrize("theta", [(0.3, -0.2), (1.0, 2.0), (-2.0, -0.9), (-0.1, 0.05)])
def test_shape_n_interpolation(
    tmp_path: Path, kind: str, setting: str | None, effects: str, theta: tuple[float, float]
) -> None:
    card, h = shape_files(tmp_path)
    h |= {"sr/sig_alphaUp": np.array([1.4, 0.0, 1.9]), "sr/sig": np.array([1.0, 4.0, 0.0])}
    put_histograms(tmp_path / "shapes.root", h)
    text = card.read_text().replace("shape?", f"{kind}?").replace("alpha shape 0.5 1", f"alpha {kind} {effects}")
    card.write_text(text + (f"sr autoMCStats {setting}\n" if setting else ""))
    model = Model(interchange.read(card))
    at = {"r": 1.0, "alpha": theta[0], "beta": theta[1]}
    norm = setting != "-1 0 2"
    first, second = map(float, effects.split())
    pairs = [(h["sr/bkg_alphaDown"], h["sr/bkg_alphaUp"], second), (h["sr/bkg_betaDown"], h["sr/bkg_betaUp"], 0.25)]
    background = combine_shape_n(h["sr/bkg"], pairs, list(theta), norm=norm)
    np.testing.assert_allclose(model.expected(at, "sr", "bkg"), background, rtol=1e-12)
    pairs = [(h["sr/sig_alphaDown"], h["sr/sig_alphaUp"], first)]
    signal = combine_shape_n(h["sr/sig"], pairs, [theta[0]], norm=norm)
    np.testing.assert_allclose(model.expected(at, "sr", "sig"), signal, rtol=1e-12, atol=1e-15)


def test_mc_statistics_are_no_part_of_a_shape_n(tmp_path: Path) -> None:
    card, _ = shape_files(tmp_path)
    card.write_text(card.read_text().replace("shape?", "shapeN?").replace("alpha shape", "alpha shapeN"))
    without = Model(interchange.read(card))
    card.write_text(card.read_text() + "sr autoMCStats 0\n")
    model = Model(interchange.read(card))
    at = {"alpha": 0.4, "beta": -1.5}
    moved = model.expected(at | {"prop_binsr_bin1_bkg": 2.0}, "sr", "bkg") - model.expected(at, "sr", "bkg")
    norm = without.expected(at, "sr", "bkg").sum() / 36
    np.testing.assert_allclose(moved, [0.0, 2 * np.sqrt(12.0) * norm, 0.0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(model.expected(at, "sr"), without.expected(at, "sr"), rtol=1e-12)


def test_two_dimensions(tmp_path: Path) -> None:
    put_histograms(
        tmp_path / "shapes.root", {"sr/data_obs": np.ones((2, 3)), "sr/sig": np.arange(1.0, 7).reshape(2, 3)}
    )
    text = SHAPES.replace("rate -1 36", "rate -1 0").partition("alpha")[0]
    put_histograms(
        tmp_path / "shapes.root",
        {"sr/data_obs": np.ones((2, 3)), "sr/sig": np.arange(1.0, 7).reshape(2, 3), "sr/bkg": np.ones((2, 3))},
    )
    templates = interchange.read(put_card(tmp_path / "card.txt", text))
    assert templates.channels[0].shape == (2, 3)
    assert [p.name for p in templates.channels[0].processes] == ["sig"]  # a rate of 0 takes a process away
    np.testing.assert_array_equal(templates.channels[0].processes[0].nominal, np.arange(1.0, 7))


AUTO = """
imax 1
jmax 2
kmax 1
shapes * * shapes.root $PROCESS $PROCESS_$SYSTEMATIC
bin sr
observation -1
bin sr sr sr
process sig bkg top
process 0 1 2
rate -1 -1 -1
lumi lnN 1.1 - 1.1
sr autoMCStats {settings}
"""


def auto_card(folder: Path, settings: str, **given: tuple[list[float], list[float]]) -> Path:
    n = len(given["bkg"][0])
    contents = {"data_obs": np.full(n, 30.0)} | {name: values for name, (values, _) in given.items()}
    put_histograms(folder / "shapes.root", contents, errors={name: e for name, (_, e) in given.items()})
    return put_card(folder / "card.txt", AUTO.format(settings=settings))


def test_total_uncertainty_follows_the_signal_strength(tmp_path: Path) -> None:
    """autoMCStats above the threshold: one Gaussian z with n + z √(Σ (cᵢ eᵢ)²), profiled by hand."""
    card = auto_card(tmp_path, "10", sig=([9.0], [2.0]), bkg=([20.0], [1.5]), top=([4.0], [0.7]))
    templates = interchange.read(card)
    assert templates.groups["autoMCStats"] == ("prop_binsr_bin0_sig", "prop_binsr_bin0_bkg", "prop_binsr_bin0_top")
    model, data = Model(templates), templates.observed

    def by_hand(r: float, lumi: float) -> float:
        scale = 1.1**lumi
        n = r * 9 * scale + 20 + 4 * scale
        e = np.sqrt((r * 2 * scale) ** 2 + 1.5**2 + (0.7 * scale) ** 2)
        found = minimize_scalar(lambda z: -poisson.logpmf(30, n + z * e) + z**2 / 2, bounds=(-5, 5), method="bounded")
        return found.fun + lumi**2 / 2

    values = []
    for r, lumi in ((1.0, 0.0), (0.5, 0.0), (0.5, 1.2), (3.0, -1.0)):
        fit = inference.fit(model, data, fixed={"r": r, "lumi": lumi}, strict=True)
        values.append((fit.nll, by_hand(r, lumi)))
    ours, hand = np.array(values).T
    # The bounded search by hand stops at 1e-5 in z: some 1e-10 in −ln L.
    np.testing.assert_allclose(ours - ours[0], hand - hand[0], atol=1e-8)


def test_what_each_bin_gets_below_the_threshold(tmp_path: Path) -> None:
    card = auto_card(
        tmp_path,
        "20",
        #     lite      poisson + gauss   no error  gauss: e > n
        sig=([5.0, 1.0, 2.0, 0.0], [1.0, 0.5, 0.0, 0.3]),
        bkg=([50.0, 8.0, 9.0, 1.0], [2.0, 4.0, 0.0, 2.0]),
        top=([6.0, 30.0, 1.0, 0.0], [1.0, 10.0, 0.0, 0.0]),
    )
    templates = interchange.read(card)
    kinds = {c.name: type(c) for c in templates.constraints if c.name.startswith("prop")}
    assert kinds == {
        "prop_binsr_bin0_sig": Gaussian,
        "prop_binsr_bin0_bkg": Gaussian,
        "prop_binsr_bin0_top": Gaussian,
        "prop_binsr_bin1_sig": Poisson,
        "prop_binsr_bin1_bkg": Poisson,
        "prop_binsr_bin1_top": Poisson,
        "prop_binsr_bin3_sig": Gaussian,
        "prop_binsr_bin3_bkg": Gaussian,
    }
    counts = {c.name: c.observed for c in templates.constraints if isinstance(c, Poisson)}
    assert list(counts.values()) == [4.0, 4.0, 9.0]
    top = templates.channels[0].process("top")
    assert isinstance(next(m for m in top.modifiers if m.parameter == "prop_binsr_bin1_top"), Factor)
    model = Model(templates)
    at = {"prop_binsr_bin1_top": 0.8, "prop_binsr_bin3_bkg": 0.5, "r": 2.0, "prop_binsr_bin3_sig": 2.0}
    np.testing.assert_allclose(model.expected(at), [66, 2 + 8 + 24, 14, 1 + 0.5 * 2 + 2 * 2 * 0.3], rtol=1e-13)


def test_signals_count_for_the_threshold_when_asked(tmp_path: Path) -> None:
    given = {"sig": ([100.0], [1.0]), "bkg": ([4.0], [2.0]), "top": ([0.0], [0.0])}
    alone = interchange.read(auto_card(tmp_path, "10", **given))
    assert any(isinstance(c, Poisson) for c in alone.constraints)
    both = interchange.read(auto_card(tmp_path, "10 1", **given))
    assert not any(isinstance(c, Poisson) for c in both.constraints)


def test_histogram_mode_two_is_not_normalised(tmp_path: Path) -> None:
    card, h = shape_files(tmp_path)
    card.write_text(card.read_text() + "sr autoMCStats -1 0 2\n")
    model = Model(interchange.read(card))
    np.testing.assert_allclose(model.expected({"alpha": 2.0, "r": 0.0}, "sr"), 2 * h["sr/bkg_alphaUp"] - h["sr/bkg"])
    assert not any(isinstance(m, Scale) for m in model.templates.channels[0].processes[1].modifiers)


def test_rate_parameters(tmp_path: Path) -> None:
    """The ABCD example of Combine's documentation, and a constrained one."""
    card = put_card(
        tmp_path / "abcd.txt",
        """
        imax 4
        jmax 0
        kmax *
        bin B C D A
        observation 50 100 500 10
        bin B C D A
        process bkg bkg bkg bkg
        process 1 1 1 1
        rate 1 1 1 1
        alpha rateParam A bkg (@0*@1/@2) beta,gamma,delta
        beta  rateParam B bkg 50
        gamma rateParam C bkg 100
        delta rateParam D bkg 500 [0,1000]
        twice rateParam B bkg 2*@0^2 eps
        eps extArg 1.5 [1,2]
        gamma param 100 10
        """,
    )
    templates = interchange.read(card)
    assert templates.parameter("delta").bounds == (0.0, 1000.0)
    assert templates.pois == ()
    model = Model(templates)
    np.testing.assert_allclose(model.expected({"beta": 60.0}), [60 * 2 * 1.5**2, 100, 500, 60 * 100 / 500])
    assert [c.name for c in templates.constraints] == ["gamma"]


def test_cards_side_by_side(tmp_path: Path) -> None:
    one, two = put_card(tmp_path / "one.txt", COUNTING), put_card(tmp_path / "two-b.txt", COUNTING)
    templates = interchange.read(one, two)
    assert [c.name for c in templates.channels] == ["one", "two_b"]
    assert len(templates.constraints) == 4
    named = read_combine(one, two, names=("a", "b"))
    assert [c.name for c in named.channels] == ["a", "b"]
    with pytest.raises(FormatError, match="channel called a"):
        read_combine(one, two, names=("a", "a"))
    with pytest.raises(FormatError, match="cannot name a channel"):
        read_combine(f"1x={one}", two)


def test_edits(tmp_path: Path) -> None:
    edits = """
    nuisance edit rename ggWW * lumi lumi_ggWW
    nuisance edit add others bin1 extra lnN 1.2
    nuisance edit drop * * bg_others
    nuisance edit freeze xs_.*
    nuisance edit changepdf extra lnU
    """
    templates = interchange.read(put_card(tmp_path / "card.txt", COUNTING + edits))
    assert set(templates.parameter_names) == {"r", "lumi", "xs_ggH", "WW_norm", "lumi_ggWW", "extra"}
    assert templates.parameter("xs_ggH").fixed
    assert templates.parameter("extra").bounds == (-1.0, 1.0)
    assert "extra" not in templates.nuisances
    model = Model(templates)
    assert model.expected({"lumi_ggWW": 1.0}, "bin1", "ggWW")[0] == pytest.approx(0.06 * 1.11)
    assert model.expected({"lumi": 1.0}, "bin1", "ggWW")[0] == pytest.approx(0.06)


def test_a_renamed_shape_keeps_its_histograms(tmp_path: Path) -> None:
    card, _ = shape_files(tmp_path)
    card.write_text(card.read_text() + "nuisance edit rename bkg sr alpha alpha_bkg\n")
    process = interchange.read(card).channels[0].processes[1]
    assert "alpha_bkg" in {m.parameter for m in process.modifiers if isinstance(m, Shift)}


def test_keywords(tmp_path: Path) -> None:
    card, _ = shape_files(tmp_path)
    card.write_text(card.read_text().replace("shapes.root", "sh$END.root"))
    with pytest.raises(FormatError, match=r"value for \$END"):
        interchange.read(card)
    interchange.read(card, keywords={"END": "apes"})


def test_empty_bins_with_data_have_combines_floor(tmp_path: Path) -> None:
    card = auto_card(tmp_path, "-1", sig=([0.0, 1.0], [0, 0]), bkg=([0.0, 9.0], [0, 0]), top=([0.0, -0.5], [0, 0]))
    templates = interchange.read(card)
    assert templates.channels[0].process("bkg").nominal[0] == 1e-9
    assert templates.channels[0].process("top").nominal.tolist() == [1e-9, 0.0]
    assert templates.metadata["cropped"] == ["top in sr: 1 bins"]
    model = Model(templates)
    assert np.isfinite(model.value(model.start, templates.observed))


def test_an_empty_bin_of_templates_with_large_errors(tmp_path: Path) -> None:
    """A bin without data whose statistical error is as large as its content: its expectation ends at zero, and
    z = −n/e there, as Combine's analytic minimisation has it, whatever the signal strength is."""
    contents = {"sig": ([5.0, 0.0], [0.1, 0.0]), "bkg": ([20.0, 1.1], [0.5, 1.5]), "top": ([4.0, 0.0], [0.2, 0.0])}
    card = auto_card(tmp_path, "0", **contents)
    templates = interchange.read(card)
    data = Dataset({"sr": np.array([30.0, 0.0])})
    found = inference.fit(Model(templates), data)
    assert found.converged, found.summary()
    assert found.diagnosis == ("sr, bin 1: no data, and an expectation held at zero",)
    assert found["prop_binsr_bin1"].value == pytest.approx(-1.1 / 1.5, abs=1e-7)
    away = inference.fit(Model(templates), data, fixed={"r": 2.0})
    assert away.converged, away.summary()
    assert away["prop_binsr_bin1"].value == pytest.approx(-1.1 / 1.5, abs=1e-7)
