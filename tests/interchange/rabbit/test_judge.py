"""rabbit-fit itself as the judge: its files here, our files there, the same minimum.

It needs tensorflow, so it lives in an environment of its own: WMASSFIT_RABBIT names the Python there.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest

from wmassfit import inference
from wmassfit.interchange.rabbit.input_tensor import read_rabbit, write_rabbit
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Dataset, Factor, Gaussian, McStat, Parameter, Process, Scale, TemplateSet

pytestmark = pytest.mark.slow

HELPER = Path(__file__).with_name("rabbit_judge.py")
# Beyond the fit's own accuracy, some 1e-16 per bin; both stop well below.
NLL = 1e-8


@pytest.fixture(scope="module")
def python() -> Path:
    found = os.environ.get("WMASSFIT_RABBIT")
    if not found:
        pytest.skip("rabbit-fit needs tensorflow: set WMASSFIT_RABBIT to the python of an environment that has it")
    return Path(found)


def run(*arguments: Any) -> str:
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def judge(python: Path, path: Path, *options: str) -> dict[str, Any]:
    """What rabbit_fit finds on the data of a file, unblinded."""
    out = path.parent / "out"
    run(python.with_name("rabbit_fit"), path, "-t", "0", "--unblind", "-o", out, "--outname", "fit.hdf5", *options)
    return json.loads(run(python, HELPER, "show", out / "fit.hdf5").splitlines()[-1])


def compare(templates: TemplateSet, found: dict[str, Any], names: dict[str, str] | None = None) -> None:
    fit = inference.fit(Model(templates), strict=True)
    assert fit.nll == pytest.approx(found["nll"], abs=NLL)
    for name in templates.parameter_names:
        theirs = (names or {}).get(name, name)
        estimate = fit[name]
        # rabbit fits the square root of a signal strength and reports that.
        root = theirs in found.get("roots", ())
        value, width = found["values"][theirs], found["uncertainties"][theirs]
        if root:
            value, width = value**2, 2 * abs(value) * width
        # Distances from the minimum that go with 1e-8 in −ln L: 1e-4 of a standard deviation.
        assert value == pytest.approx(estimate.value, abs=3e-4 * estimate.uncertainty), name
        assert width == pytest.approx(estimate.uncertainty, rel=1e-3), name


@pytest.mark.parametrize("statistics", ["gamma", "none"])
@pytest.mark.parametrize("kind", ["log_normal", "normal"])
def test_their_files_here(python: Path, tmp_path: Path, kind: Any, statistics: str) -> None:
    run(python, HELPER, "write", tmp_path)
    options = ["--noBinByBinStat"] if statistics == "none" else []
    found = judge(python, tmp_path / f"{kind}_dense_asymmetric.hdf5", *options) | {"roots": ["signal"]}
    for layout in ("dense", "sparse"):
        path = tmp_path / f"{kind}_{layout}_asymmetric.hdf5"
        mc_stat = "gamma" if statistics == "gamma" else None
        compare(read_rabbit(path, systematic_type=kind, mc_stat=mc_stat), found)
    symmetric = judge(python, tmp_path / f"{kind}_sparse_symmetric.hdf5", *options) | {"roots": ["signal"]}
    for layout in ("dense", "sparse"):
        path = tmp_path / f"{kind}_{layout}_symmetric.hdf5"
        compare(read_rabbit(path, systematic_type=kind, mc_stat="gamma" if statistics == "gamma" else None), symmetric)


@pytest.mark.parametrize("sparse", [False, True])
def test_our_files_there(python: Path, tmp_path: Path, sparse: bool) -> None:
    rng = np.random.default_rng(11)
    channels = []
    for name, n, masked in (("plus", 12, False), ("control", 3, True), ("minus", 9, False)):
        signal, background = rng.uniform(50, 90, n), rng.uniform(100, 300, n)
        processes = (
            Process(
                "W",
                signal,
                variance=signal / 5,
                modifiers=(
                    Factor("mu"),
                    Scale("m_w", up=1 + 0.05 * np.linspace(-1, 1, n)),
                    Scale("eff", down=rng.uniform(0.95, 1, n), up=rng.uniform(1, 1.05, n)),
                ),
            ),
            Process(
                "fakes",
                background,
                variance=background / 3,
                modifiers=(Scale("norm", up=1.1, code="lognormal"), Scale("local", up=[1.2], bins=[n - 1])),
            ),
        )
        axis = hist.axis.Regular(n, 0, 1, name="x")
        channels.append(Channel(name, (axis,), processes, mc_stat=McStat(), masked=masked))
    counts = {c.name: rng.poisson(c.processes[0].nominal * 1.1 + c.processes[1].nominal * 0.95) for c in channels}
    templates = TemplateSet(
        channels,
        (
            Parameter("mu", 1.0, bounds=(0.0, np.inf)),
            Parameter("m_w"),
            Parameter("eff", groups=("experiment",)),
            Parameter("norm"),
            Parameter("local"),
        ),
        [Gaussian(name, (name,), [0.0], [1.0]) for name in ("eff", "norm", "local")],
        ("mu", "m_w"),
        Dataset({name: values.astype(float) for name, values in counts.items()}),
    )
    write_rabbit(templates, tmp_path / "ours.hdf5", sparse=sparse)
    found = judge(python, tmp_path / "ours.hdf5") | {"roots": ["W"]}
    compare(templates, found, {"mu": "W"})
