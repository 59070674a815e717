"""What HistFactory JSON has no place for comes back from its entry, and other readers do not mind the entry."""

from __future__ import annotations

import json
from pathlib import Path

import hist
import numpy as np
import pytest

from wmassfit import interchange
from wmassfit.errors import UnsupportedFeature
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
    Factor,
    Gaussian,
    Parameter,
    Process,
    Scale,
    Shift,
    TemplateSet,
    identical,
)


def measurement() -> TemplateSet:
    rng = np.random.default_rng(1)
    axes = (
        hist.axis.Variable([-2.4, -1.0, 0.3, 2.4], name="eta", label=r"muon $\eta$"),
        hist.axis.StrCategory(["minus", "plus"], name="charge"),
    )
    nominal = rng.uniform(100, 200, 6)
    up = rng.normal(0, 4, 6)
    signal = Process(
        "W",
        nominal,
        variance=rng.uniform(1, 2, 6),
        signal=True,
        modifiers=(
            Scale("lumi_13tev", up=1.012, code="code1"),
            Shift("m_w", up=up, code="linear"),
            Shift("scale", up=up[:2], bins=[1, 4], down=-0.8 * up[:2]),
            Shift("scale", up=rng.normal(0, 4, 6), down=rng.normal(0, 4, 6), coefficient=-1.0),
            Factor("r"),
        ),
    )
    fakes = Process("fakes", rng.uniform(-1, 10, 6), negative="keep", modifiers=(Scale("lumi_13tev", up=1.02),))
    return TemplateSet(
        (Channel("signal region", axes, (signal, fakes)),),
        (
            Parameter("m_w", bounds=(-np.inf, 500.0), groups=("mass",), display=Display(offset=80360.0, unit="MeV")),
            Parameter("lumi_13tev", groups=("luminosity", "normalisation"), bounds=(-7.0, 7.0)),
            Parameter("scale", fixed=True),
            Parameter("r", start=1.0, bounds=(-np.inf, np.inf)),
        ),
        (
            Gaussian("masses", ("m_w", "scale"), [0.2, 0.1], np.eye(2)),
            Gaussian("lumi_13tev", ("lumi_13tev",), [0.0], [1.0]),
        ),
        pois=("r", "m_w"),
        observed=Dataset({"signal region": rng.poisson(180, 6).astype(float)}, {"masses": [0.3, -0.4]}, simulated=True),
        metadata={"recipe": {"name": "small"}, "seed": 7},
    )


def test_axes_groups_displays_and_metadata_come_back(tmp_path: Path) -> None:
    ours, path = measurement(), tmp_path / "out.json"
    interchange.write(ours, path, normsys="code1")
    again = interchange.read(path)
    for one, other in zip(again.channels, ours.channels, strict=True):
        assert one.axes == other.axes
        assert [a.label for a in one.axes] == [a.label for a in other.axes]
        assert [p.signal for p in one.processes] == [p.signal for p in other.processes]
        assert all(identical(p.variance, q.variance) for p, q in zip(one.processes, other.processes, strict=True))
    for parameter in ours.parameters:
        assert again.parameter(parameter.name) == parameter
    assert (again.pois, again.metadata) == (ours.pois, ours.metadata)
    assert again.observed is not None
    assert again.observed.simulated


def test_the_likelihood_is_the_same(tmp_path: Path) -> None:
    ours, path = measurement(), tmp_path / "out.json"
    interchange.write(ours, path, normsys="code1")
    again = interchange.read(path)
    first, second = Model(ours), Model(again)
    assert ours.observed is not None
    assert again.observed is not None
    rng = np.random.default_rng(2)
    for _ in range(5):
        x = dict(zip(first.names, [*rng.normal(0, 1.5, 3), 1.1], strict=True))
        assert second.expected(x) == pytest.approx(first.expected(x), rel=1e-13)
        assert second.value(second.vector(x), again.observed) == pytest.approx(
            first.value(first.vector(x), ours.observed), rel=1e-10
        )


@pytest.mark.parametrize("extra", [True, False])
def test_pyhf_takes_the_file_with_and_without_it(extra: bool, tmp_path: Path) -> None:
    import pyhf

    path = tmp_path / "out.json"
    interchange.write(measurement(), path, normsys="code1", extra=extra)
    workspace = pyhf.Workspace(json.loads(path.read_text()))
    assert sorted(workspace.model().config.par_names) == ["lumi_13tev", "m_w", "r", "scale"]
    assert ("wmassfit" in path.read_text()) == extra
    assert interchange.read(path, normsys="code1").pois == (("r", "m_w") if extra else ("r",))


def test_templates_without_data_get_their_expectation_and_lose_it_again(tmp_path: Path) -> None:
    ours, path = measurement(), tmp_path / "out.json"
    bare = TemplateSet(ours.channels, ours.parameters, ours.constraints, ours.pois)
    interchange.write(bare, path, normsys="code1")
    data = json.loads(path.read_text())["observations"][0]["data"]
    assert data == pytest.approx(Model(bare).expected(), rel=1e-14)
    assert interchange.read(path).observed is None


def test_an_axis_of_another_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    interchange.write(measurement(), path, normsys="code1")
    path.write_text(path.read_text().replace("[-2.4,-1.0,0.3,2.4]", "[-2.4,-1.0,2.4]"))
    with pytest.raises(interchange.FormatError, match="noted axes of 4 bins, but there are 6"):
        interchange.read(path)


def test_codes_are_named_in_the_refusal(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFeature, match="normsys=code1 can hold it"):
        interchange.write(measurement(), tmp_path / "out.json")
