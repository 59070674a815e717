"""wmassfit combine on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import hist
import numpy as np
import pytest
from click.testing import CliRunner

import wmassfit as wm
from wmassfit.cli import main
from wmassfit.templateset import Channel, Gaussian, Parameter, Process, Shift, TemplateSet


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """Two fits with a shared nuisance parameter."""
    out = []
    for i, name in enumerate("ab"):
        shifts = (Shift("m", up=[10.0, 20.0 * (i + 1)], code="linear"), Shift("scale", up=[5.0, 1.0], code="linear"))
        process = Process("p", [1000.0, 2000.0], modifiers=shifts)
        channel = Channel(name, (hist.axis.Regular(2, 0, 1),), (process,), covariance=np.diag([900.0, 1600.0]))
        constraints = (Gaussian("scale", ("scale",), 0.0, 1.0),)
        model = wm.Model(TemplateSet((channel,), (Parameter("m"), Parameter("scale")), constraints, ("m",)))
        wm.write(wm.fit(model, model.pseudodata(i, throw="none")), tmp_path / f"{name}.h5")
        out.append(f"{name}={tmp_path / name}.h5")
    return tuple(out)


def test_numbers_as_in_python(files: tuple[str, ...]) -> None:
    fits = {f[0]: wm.read(f[2:]) for f in files}
    expected = wm.combine(fits, correlations={"scale": 0.5})
    done = CliRunner().invoke(main, ["combine", *files, "--correlation", "scale=0.5", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["parameters"]["m"]["value"] == pytest.approx(expected["m"].value)
    assert found["parameters"]["m"]["weights"] == pytest.approx(dict(expected.weights["m"]))
    assert found["p_value"] == pytest.approx(expected.p_value)
    text = CliRunner().invoke(main, ["combine", *files])
    assert text.exit_code == 0
    assert "degrees of freedom" in text.output


@pytest.mark.parametrize(
    ("extra", "message"),
    [(["--correlation", "z=0.5"], "no fit has a parameter z"), (["--parameter", "q"], "no fit has it")],
)
def test_bad_input_is_exit_code_2(files: tuple[str, ...], extra: list[str], message: str) -> None:
    done = CliRunner().invoke(main, ["combine", *files, *extra])
    assert done.exit_code == 2
    assert message in done.output
