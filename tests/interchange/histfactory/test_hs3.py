"""HS3 as pyhs3 reads it: a valid workspace with the same −ln L. Skipped where pyhs3 is not installed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest

from wmassfit import interchange
from wmassfit.errors import UnsupportedFeature
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    McStat,
    Modifier,
    Morph,
    Parameter,
    Poisson,
    Process,
    Scale,
    Shift,
    TemplateSet,
)

CODES = [("code4", "code4p"), ("code1", "code0")]


def build(normsys: Any, histosys: Any, *, tau: float = 400.0) -> TemplateSet:
    """Two channels with every modifier; few bins with moderate counts, because pyhs3 multiplies probabilities."""
    rng = np.random.default_rng(5)
    channels = []
    for c, n in enumerate((3, 2)):
        signal, background = rng.uniform(5, 15, n), rng.uniform(40, 60, n)
        common: list[Modifier] = [
            Factor("lumi"),
            Scale("norm", up=1.1, down=0.85, code=normsys),
            Shift("shape", up=rng.normal(0, 2, n), down=rng.normal(0, 2, n), code=histosys),
        ]
        local: list[Modifier] = [Factor(f"stat_{c}[{i}]", bins=[i]) for i in range(n)]
        processes = [
            Process("signal", signal, variance=rng.uniform(0.1, 0.5, n), modifiers=[Factor("mu"), *common, *local]),
            Process("background", background, variance=rng.uniform(1, 3, n), modifiers=[*common, *local]),
        ]
        if c == 0:
            bins: list[Modifier] = [Factor(f"free[{i}]", bins=[i]) for i in range(n)]
            poisson: list[Modifier] = [Factor(f"sys[{i}]", bins=[i]) for i in range(n)]
            processes.append(Process("fakes", [20.0] * n, modifiers=[*bins, *poisson]))
        axis = hist.axis.Variable(np.cumsum(rng.uniform(1, 2, n + 1)), name="pt")
        channels.append(Channel(f"channel_{c}", (axis,), processes))
    stats = [f"stat_{c}[{i}]" for c, n in ((0, 3), (1, 2)) for i in range(n)]
    sigma = [
        np.sqrt(sum(p.variance for p in c.processes[:2])) / sum(p.nominal for p in c.processes[:2]) for c in channels
    ]
    return TemplateSet(
        channels,
        [
            Parameter("mu", 1.0, bounds=(0.0, 10.0)),
            Parameter("lumi", 1.0, bounds=(0.5, 1.5)),
            Parameter("norm", bounds=(-5.0, np.inf), groups=("normalisation",)),
            Parameter("shape", fixed=True),
            *(Parameter(f"free[{i}]", 1.0) for i in range(3)),
            *(Parameter(f"sys[{i}]", 1.0) for i in range(3)),
            *(Parameter(name, 1.0) for name in stats),
        ],
        [
            Gaussian("lumi", ("lumi",), [1.02], [0.03**2]),
            Gaussian("alphas", ("norm", "shape"), [0.0, 0.0], [1.0, 1.0]),
            *(Poisson(f"sys[{i}]", f"sys[{i}]", tau, tau) for i in range(3)),
            Gaussian("stats", stats, [1.0, 0.98, 1.0, 1.03, 1.0], np.concatenate(sigma) ** 2),
        ],
        pois=("mu",),
        observed=Dataset({"channel_0": [75.0, 81.0, 70.0], "channel_1": [66.0, 58.0]}),
    )


@pytest.mark.parametrize("codes", CODES)
def test_pyhs3_gives_the_same_likelihood(codes: tuple[str, str], tmp_path: Path) -> None:
    pyhs3 = pytest.importorskip("pyhs3", reason="needs pyhs3, the extra hs3")
    templates, path = build(*codes), tmp_path / "model.hs3"
    interchange.write(templates, path, normsys=codes[0], histosys=codes[1])
    workspace = pyhs3.Workspace.load(path)
    analysis = workspace.analyses["analysis"]
    assert analysis.parameters_of_interest == ["mu"]
    theirs = workspace.model(analysis, progress=False)
    names = [p.name for p in workspace.parameter_points["start"].parameters]
    assert sorted(names) == sorted(templates.parameter_names)
    ours = Model(templates)
    assert templates.observed is not None
    rng = np.random.default_rng(1)
    inputs = [name for name in names if name != "shape"]
    function = compiled(theirs, inputs)
    offsets = []
    for _ in range(4):
        x = {name: ours.start[ours.index(name)] + rng.normal(0, 0.05) for name in inputs}
        x["norm"] = rng.normal(0, 1.5)
        found = ours.value(ours.vector(x), templates.observed) + ours.nll_constants(templates.observed)
        offsets.append(-function(x) - found)
    # pyhs3 multiplies the probabilities of bins before it takes the logarithm, and evaluates ln Γ(τ + 1) of the
    # Poisson constraints, about 2000 each, in single precision: an offset of some 1e-4 that no parameter changes.
    assert offsets == pytest.approx([offsets[0]] * 4, abs=1e-9)
    assert abs(offsets[0]) < 3e-4


def compiled(model: Any, names: list[str]) -> Callable[[dict[str, float]], float]:
    import pytensor
    from pytensor.graph.traversal import explicit_graph_inputs

    inputs = list(explicit_graph_inputs([model.log_prob]))
    assert sorted(v.name for v in inputs) == sorted(names)
    function = pytensor.function(inputs, model.log_prob, mode="FAST_COMPILE")
    return lambda x: float(
        np.squeeze(function(*(np.full((1,) * v.ndim, x[v.name]) if v.ndim else x[v.name] for v in inputs)))
    )


def test_what_stands_where(tmp_path: Path) -> None:
    templates, path = build("code4", "code4p"), tmp_path / "model.json"
    interchange.write(templates, path, format="hs3")
    document = json.loads(path.read_text())
    auxiliary = ["constraint_lumi", *(f"constraint_stat_{c}[{i}]" for c, n in ((0, 3), (1, 2)) for i in range(n))]
    assert [d["name"] for d in document["distributions"]] == ["channel_0", "channel_1", *auxiliary]
    assert document["likelihoods"][0]["aux_distributions"] == auxiliary
    assert document["likelihoods"][0]["data"] == ["observed_channel_0", "observed_channel_1"]
    edges = document["distributions"][0]["axes"]
    assert edges == [{"name": "pt_channel_0", "edges": templates.channels[0].axes[0].edges.tolist()}]
    domain = {axis["name"]: axis for axis in document["domains"][0]["axes"]}
    assert domain["norm"] == {"name": "norm", "min": -5.0}
    point = {p["name"]: p for p in document["parameter_points"][0]["parameters"]}
    assert point["shape"] == {"name": "shape", "value": 0.0, "const": True}
    assert document["misc"]["wmassfit"]["parameters"]["norm"]["groups"] == ["normalisation"]


def small(*modifiers: Modifier, constraints: Any = (), **options: Any) -> TemplateSet:
    process = Process("p", [10.0, 0.0], variance=[1.0, 0.0], modifiers=modifiers)
    names = dict.fromkeys(m.parameter for m in modifiers)
    return TemplateSet(
        (Channel("c", (hist.axis.Regular(2, 0, 1),), (process,), **options),),
        [Parameter(n, 1.0, fixed=n == "s[1]") for n in names],
        constraints,
    )


REFUSED = {
    "what JSON refuses": (small(Morph("m", points=[1.0], ratios=[[1.1, 1.2]])), "morphing"),
    "auxiliary data": (
        small(Scale("a", up=1.1, code="code4"), constraints=[Gaussian("a", ("a",), [0.5], [1.0])]),
        r"parameter a: auxdata of its own \(0.5\)",
    ),
    "an empty bin": (
        small(
            *(Factor(f"s[{i}]", bins=[i]) for i in range(2)),
            constraints=[Poisson(f"s[{i}]", f"s[{i}]", tau, tau) for i, tau in enumerate((4.0, 1.0))],
        ),
        "shapesys s has a bin without content or without uncertainty",
    ),
    "MC statistics": (small(mc_stat=McStat()), "kind gamma"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_hs3_cannot_express_is_refused(what: str, tmp_path: Path) -> None:
    templates, message = REFUSED[what]
    with pytest.raises(UnsupportedFeature, match=message):
        interchange.write(templates, tmp_path / "model.hs3")
    assert not list(tmp_path.iterdir())
