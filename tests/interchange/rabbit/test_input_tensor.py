"""rabbit's input tensors: read whatever wrote them, written so that rabbit gives the same minimum, never unpickled."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import hist
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wmassfit import interchange
from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.interchange.rabbit.input_tensor import read_rabbit, write_rabbit
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
    Factor,
    Gaussian,
    McStat,
    Morph,
    Parameter,
    Poisson,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

from ..combine_cards import same_likelihood


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def put_flat(group: Any, name: str, values: Any) -> None:
    values = np.asarray(values)
    stored = group.create_dataset(name, data=values.ravel())
    stored.attrs["original_shape"] = values.shape


def theirs(path: Path, *, bomb: Path | None = None, symmetric: bool = False, **changes: Any) -> dict[str, Any]:
    """A file in rabbit's layout, written with h5py alone: 3 bins and a masked one, 2 processes, 3 systematics."""
    rng = np.random.default_rng(5)
    logk = 0.1 * rng.normal(size=(4, 2, 2, 3))
    logk[:, 0, :, 1] = 0.0
    logk[0, 1, :, 2] = 0.0
    if symmetric:
        logk = logk[:, :, 0, :]
    arrays = {
        "hconstraintweights": [0.0, 1.0, 4.0],
        "hdata_obs": [15.0, 22.0, 38.0],
        "hnorm": [[5.0, 10.0], [6.0, 20.0], [7.0, 30.0], [8.0, 40.0]],
        "hlogk": logk,
        "hsumw": [[5.0, 10.0], [6.0, 20.0], [7.0, 30.0], [8.0, 40.0]],
        "hsumw2": [[1.0, 2.0], [0.0, 0.0], [1.0, 3.0], [1.0, 1.0]],
        "hpseudodata": [[1.0], [2.0], [3.0]],
    } | changes
    names = {
        "hprocs": ["sig", "bkg"],
        "hsignals": ["sig"],
        "hsysts": ["free", "one", "tight"],
        "hsystsnoconstraint": ["free"],
        "hsystgroups": ["g", "h"],
        "hpseudodatanames": ["toy"],
    }
    with h5py.File(path, "w") as file:
        for name, values in names.items():
            file.create_dataset(name, data=values, dtype=h5py.string_dtype())
        members = file.create_dataset("hsystgroupidxs", (2,), dtype=h5py.vlen_dtype(np.int32))
        members[0], members[1] = np.array([1, 2], dtype=np.int32), np.array([2], dtype=np.int32)
        file.create_dataset("hnoiidxs", data=np.array([0], dtype=np.int32))
        for name, values in arrays.items():
            if values is not None:
                put_flat(file, name, values)
        if bomb is not None:
            meta = file.create_group("meta")
            meta.attrs["narf_h5py_pickle_protocol_version"] = 1
            meta.create_dataset("pickle_data", data=np.frombuffer(pickle.dumps(Bomb(bomb)), dtype=np.uint8))
    return {name: np.asarray(values) for name, values in arrays.items() if values is not None}


def smooth(theta: float) -> float:
    t = 2 * theta
    return float(np.clip(t * (3 * t**4 - 10 * t**2 + 15) / 8, -1, 1)) if abs(t) < 1 else float(np.sign(t))


@pytest.mark.parametrize("kind", ["log_normal", "normal"])
@pytest.mark.parametrize("symmetric", [False, True])
def test_their_formula(tmp_path: Path, kind: Any, symmetric: bool) -> None:
    a = theirs(tmp_path / "t.hdf5", symmetric=symmetric)
    templates = interchange.read(tmp_path / "t.hdf5", systematic_type=kind)
    assert [(c.name, c.n_bins, c.masked) for c in templates.channels] == [("ch0", 3, False), ("ch1_masked", 1, True)]
    assert templates.pois == ("sig", "free")
    assert templates.groups == {"g": ("one", "tight"), "h": ("tight",)}
    assert {c.name: float(c.covariance[0]) for c in templates.constraints} == {"one": 1.0, "tight": 0.25}
    assert templates.parameter("sig").bounds == (0.0, np.inf)
    model = Model(templates)
    theta = np.array([0.7, -0.3, 1.6])
    logk = a["hlogk"][:, :, None, :] if symmetric else a["hlogk"]
    total = logk[:, :, 0] @ theta
    if not symmetric:
        total = total + logk[:, :, 1] @ (theta * np.array([smooth(t) for t in theta]))
    r = np.array([1.4, 1.0])
    expected = a["hnorm"] * np.exp(total) * r if kind == "log_normal" else a["hnorm"] * r + total
    at = {"sig": 1.4, "free": 0.7, "one": -0.3, "tight": 1.6}
    np.testing.assert_allclose(model.expected(at), expected.sum(axis=1)[:3], rtol=1e-13)
    np.testing.assert_allclose(model.expected(at, "ch1_masked"), expected.sum(axis=1)[3:], rtol=1e-13)
    # k = (Σw)²/Σw² where there are weights; d = expectation but for the second bin, which has no uncertainty.
    [group] = model.likelihood.mc_stat
    assert group.bins.tolist() == [0, 2]
    np.testing.assert_allclose(group.k[:, 0], [15**2 / 3, 37**2 / 4], rtol=1e-14)


def test_channels_and_pseudodata_by_option(tmp_path: Path) -> None:
    theirs(tmp_path / "t.hdf5")
    templates = read_rabbit(tmp_path / "t.hdf5", channels={"x": 2, "y": 1, "z": 1}, pseudodata="toy", mc_stat=None)
    assert [(c.name, c.masked) for c in templates.channels] == [("x", False), ("y", False), ("z", True)]
    assert templates.observed.counts["x"].tolist() == [1.0, 2.0]
    assert templates.observed.simulated
    assert templates.channels[0].mc_stat is None
    with pytest.raises(FormatError, match=r"channels of \[4\] bins"):
        read_rabbit(tmp_path / "t.hdf5", channels={"x": 4})
    with pytest.raises(FormatError, match="no pseudo-data 'other'"):
        read_rabbit(tmp_path / "t.hdf5", pseudodata="other")


def test_older_statistics(tmp_path: Path) -> None:
    theirs(tmp_path / "t.hdf5", hsumw=None, hsumw2=None, hkstat=[10.0, 0.0, 40.0, 50.0])
    [group] = Model(read_rabbit(tmp_path / "t.hdf5")).likelihood.mc_stat
    np.testing.assert_allclose(group.k[:, 0], [10.0, 26.0, 40.0], rtol=1e-13)


def test_sums_of_weights_that_are_not_the_yields(tmp_path: Path) -> None:
    theirs(tmp_path / "t.hdf5", hsumw=[30.0, 26.0, 37.0, 48.0], hsumw2=[9.0, 0.0, 4.0, 1.0])
    [group] = Model(read_rabbit(tmp_path / "t.hdf5")).likelihood.mc_stat
    np.testing.assert_allclose(group.k[:, 0], [100.0, 37**2 / 4], rtol=1e-13)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    theirs(tmp_path / "t.hdf5", bomb=tmp_path / "exploded")
    assert interchange.read(tmp_path / "t.hdf5").n_bins == 3
    assert not (tmp_path / "exploded").exists()
    with h5py.File(tmp_path / "t.hdf5") as file:
        pickle.loads(file["meta/pickle_data"][()].tobytes())
    assert (tmp_path / "exploded").exists()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "NaN": ({"hnorm": [[1.0, 2.0], [np.nan, 1.0], [1.0, 1.0], [1.0, 1.0]]}, r"hnorm holds nan at \[1, 0\]"),
    "processes": ({"hnorm": np.ones((4, 3))}, r"hnorm has shape \(4, 3\) for 2 processes"),
    "logk": ({"hlogk": np.ones((4, 2, 2, 2))}, "hlogk has shape"),
    "data": ({"hdata_obs": np.ones(5)}, r"hdata_obs has shape \(5,\) for 4 bins"),
    "weights": ({"hconstraintweights": [1.0]}, "should be"),
    "negative weight": ({"hconstraintweights": [1.0, -1.0, 1.0]}, "negative entry -1"),
    "missing": ({"hlogk": None}, "lacks hlogk"),
    "no norm": ({"hnorm": None}, "lacks hnorm"),
    "negative data": ({"hdata_obs": [1.0, -1.0, 1.0]}, "≥ 0"),
    "sumw2": ({"hsumw2": -np.ones((4, 2))}, "negative in bin 0"),
    "later": ({"hbetavariations": np.ones(3)}, "hbetavariations"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(tmp_path: Path, case: str) -> None:
    changes, message = BAD[case]
    theirs(tmp_path / "t.hdf5", **changes)
    with pytest.raises(FormatError, match=message) as caught:
        read_rabbit(tmp_path / "t.hdf5")
    assert "t.hdf5" in str(caught.value)


def test_truncated(tmp_path: Path) -> None:
    theirs(tmp_path / "t.hdf5")
    whole = (tmp_path / "t.hdf5").read_bytes()
    (tmp_path / "t.hdf5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="truncated or damaged"):
        read_rabbit(tmp_path / "t.hdf5")
    (tmp_path / "empty.hdf5").write_bytes(b"")
    with pytest.raises(FormatError, match="not an HDF5 file"):
        interchange.read(tmp_path / "empty.hdf5")


@st.composite
def expressible(draw: st.DrawFn) -> TemplateSet:
    """Random templates that rabbit can express: signals, log-normals of all forms, masked channels, MC statistics."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    signals = draw(st.sampled_from([(), ("W",), ("W", "Z")]))

    def modifiers(name: str, n: int) -> list[Scale | Factor]:
        found: list[Scale | Factor] = [Factor(f"mu_{name}")] if name in signals else []
        for parameter in ("a", "b", "m"):
            kind = draw(st.sampled_from(["none", "scalar", "bins", "local", "asymmetric"]))
            if kind == "scalar":
                found.append(Scale(parameter, up=1.1, code="lognormal", coefficient=draw(st.floats(-2, 2))))
            elif kind == "bins":
                found.append(Scale(parameter, up=rng.uniform(0.8, 1.2, n), coefficient=0.5))
            elif kind == "local":
                found.append(Scale(parameter, up=rng.uniform(0.8, 1.2, 1), bins=np.array([n - 1])))
            elif kind == "asymmetric":
                sign = draw(st.sampled_from([1.0, -1.0]))
                up, down = rng.uniform(0.8, 1.2, n), rng.uniform(0.8, 1.2, n)
                found.append(Scale(parameter, down, up, coefficient=sign))
        return found

    channels = []
    for i in range(draw(st.integers(1, 3))):
        n = draw(st.integers(1, 5))
        processes = []
        for name in ("W", "Z", "fakes"):
            nominal = rng.uniform(5, 50, n)
            processes.append(Process(name, nominal, variance=nominal / 4, modifiers=modifiers(name, n)))
        mc_stat = draw(st.sampled_from([None, McStat(), McStat(threshold=200.0)]))
        axis = hist.axis.Variable(np.cumsum(rng.uniform(1, 2, n + 1)), name="x", label="x [GeV]")
        channels.append(Channel(f"c{i}", (axis,), processes, mc_stat=mc_stat, masked=i > 0 and draw(st.booleans())))
    data = Dataset({c.name: rng.poisson(100, c.n_bins).astype(float) for c in channels if not c.masked})
    return TemplateSet(
        channels,
        (
            *(Parameter(f"mu_{name}", 1.0, bounds=(0.0, 5.0)) for name in signals),
            Parameter("a", groups=("g", "h")),
            Parameter("m"),
            Parameter("b", groups=("g",)),
        ),
        (Gaussian("ab", ("a", "b"), np.zeros(2), np.array([1.0, 0.25])),),
        (*(f"mu_{name}" for name in signals), "m"),
        data if draw(st.booleans()) else None,
        {"seed": 3},
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(templates=expressible(), sparse=st.booleans())
def test_there_and_back(tmp_path: Path, templates: TemplateSet, sparse: bool) -> None:
    write_rabbit(templates, tmp_path / "out.hdf5", sparse=sparse)
    again = read_rabbit(tmp_path / "out.hdf5")
    same_likelihood(templates, again)
    assert again.parameters == templates.parameters
    assert again.pois == templates.pois
    assert again.metadata == templates.metadata
    assert (again.observed is None) == (templates.observed is None)
    assert [c.axes for c in again.channels] == [c.axes for c in templates.channels]
    assert [c.mc_stat for c in again.channels] == [c.mc_stat for c in templates.channels]
    # And as rabbit sees it: flat, with signal strengths named after processes.
    flat = Model(read_rabbit(tmp_path / "out.hdf5", described=False))
    ours = Model(templates)
    at = {"a": 0.3, "b": -0.2, "m": 0.4}
    strengths = {name: 1.3 for name in ours.names if name.startswith("mu_")}
    theirs_at = at | {name.removeprefix("mu_"): value for name, value in strengths.items()}
    np.testing.assert_allclose(flat.expected(theirs_at), ours.expected(at | strengths), rtol=1e-12)
    if templates.observed is not None:
        values = [m.value(m.vector(x), m.templates.observed) for m, x in ((flat, theirs_at), (ours, at | strengths))]
        assert values[0] == pytest.approx(values[1], rel=1e-10)


def test_what_cannot_be_said_is_listed(everything: TemplateSet, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFeature) as caught:
        interchange.write(everything, tmp_path / "t.hdf5", format="rabbit")
    for part in (
        "m_w: it is morphed",
        "pdf: a Shift",
        "factors other",
        "correlated",
        "gamma: Poisson",
        "eff: it is fixed",
    ):
        assert part in str(caught.value), part
    assert list(tmp_path.iterdir()) == []


def small(*modifiers: Any, **more: Any) -> TemplateSet:
    process = Process("p", np.array([1.0, 2.0]), modifiers=modifiers)
    channel = Channel("c", (hist.axis.Regular(2, 0, 1),), (process,))
    parameters = more.pop("parameters", (Parameter("x"),))
    return TemplateSet((channel,), parameters, more.pop("constraints", (Gaussian("x", ("x",), [0.0], [1.0]),)), **more)


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        (small(Shift("x", up=np.array([0.1, 0.1]))), "a Shift"),
        (small(Scale("x", up=1.1, down=np.array(0.9), code="code4")), "interpolation code4"),
        (small(Scale("x", up=1.1, down=np.array(0.95), coefficient=2.0)), "coefficient 2"),
        (small(Factor("x", power=2)), "factors other"),
        (small(Factor("x")), "signal strength with a constraint"),
        (small(Scale("x", up=1.1), constraints=(Gaussian("x", ("x",), [0.5], [1.0]),)), "not 0"),
        (small(constraints=(Poisson("x", "x", 1.0, 1.0),)), "Poisson"),
        (small(Scale("x", up=1.1), parameters=(Parameter("x", bounds=(-1, 1)),)), "bounds"),
    ],
)
def test_refusals(tmp_path: Path, templates: TemplateSet, message: str) -> None:
    with pytest.raises(UnsupportedFeature, match=message):
        write_rabbit(templates, tmp_path / "t.hdf5")
    assert list(tmp_path.iterdir()) == []


def test_morphs_through_two_points(tmp_path: Path) -> None:
    slope = np.array([-0.002, 0.001, 0.003])
    points = np.array([-100.0, -10.0, 10.0, 100.0])
    process = Process(
        "W",
        np.array([50.0, 60.0, 70.0]),
        modifiers=(
            Morph("m_w", points=points, ratios=np.exp(np.outer(points, slope) / 10 + points[:, None] ** 2 * 1e-7)),
            Scale("m_w", up=1.0001, code="lognormal"),
        ),
    )
    other = Process("other", np.ones(3), modifiers=(Scale("m_w", up=1.0002),))
    templates = TemplateSet(
        (Channel("c", (hist.axis.Regular(3, 0, 1),), (process, other)),),
        (Parameter("m_w", display=Display(offset=80360.0, unit="MeV")),),
        (Gaussian("m_w", ("m_w",), np.zeros(1), np.array([50.0**2])),),
        ("m_w",),
        Dataset({"c": np.array([52.0, 61.0, 70.0])}),
    )
    with pytest.raises(UnsupportedFeature, match="morphed through -100, -10, 10, 100; give --write morph_point"):
        write_rabbit(templates, tmp_path / "t.hdf5")
    with pytest.raises(UnsupportedFeature, match="morphed"):
        write_rabbit(templates, tmp_path / "t.hdf5", morph_point=20.0)
    write_rabbit(templates, tmp_path / "t.hdf5", morph_point=100.0)
    again = read_rabbit(tmp_path / "t.hdf5")
    assert again.parameters == templates.parameters
    flat = Model(read_rabbit(tmp_path / "t.hdf5", described=False))
    models = Model(templates), Model(again)
    for mass in (-100.0, 0.0, 100.0):
        yields = [m.expected({"m_w": mass}) for m in models]
        np.testing.assert_allclose(yields[1], yields[0], rtol=1e-12)
        np.testing.assert_allclose(flat.expected({"m_w": mass / 100}), yields[0], rtol=1e-12)
        values = [m.value(m.vector({"m_w": mass}), templates.observed) for m in models]
        assert values[1] == pytest.approx(values[0], rel=1e-10)
    [constraint] = flat.templates.constraints
    assert constraint.covariance[0] == pytest.approx(0.25)


def test_a_damaged_description(tmp_path: Path) -> None:
    write_rabbit(small(Scale("x", up=1.1)), tmp_path / "t.hdf5")
    with h5py.File(tmp_path / "t.hdf5", "r+") as file:
        text = file["wmassfit_description"][()].decode().replace('"masked"', '"mashed"')
        del file["wmassfit_description"]
        file["wmassfit_description"] = text
    with pytest.raises(FormatError, match=r"description is damaged.*described=False"):
        read_rabbit(tmp_path / "t.hdf5")
    assert read_rabbit(tmp_path / "t.hdf5", described=False).channels[0].name == "ch0"


def test_choice_among_hdf5_files(tmp_path: Path) -> None:
    templates = small(Scale("x", up=1.1))
    interchange.write(templates, tmp_path / "ours.h5")
    interchange.write(templates, tmp_path / "rabbit.h5", format="rabbit")
    assert interchange.read(tmp_path / "ours.h5").parameter_names == ("x",)
    assert interchange.read(tmp_path / "rabbit.h5").parameter_names == ("x",)
