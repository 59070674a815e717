"""The comparison with rabbit-fit at a small size; at CMS's size it is a script, `against_rabbit.py`.

It needs tensorflow, so rabbit-fit lives in an environment of its own: WMASSFIT_RABBIT names the Python there.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from wmassfit.likelihood import Model


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


against, synthetic = load("against_rabbit"), load("synthetic")


def small() -> object:
    return synthetic.w_like(n_eta=4, n_pt=10, n_global=12, n_local=20)


def test_symmetric_log_normals_are_the_same_model_to_first_order() -> None:
    templates = small()
    straight = Model(against.expressible(templates))
    model = Model(templates)
    np.testing.assert_allclose(straight.expected(), model.expected(), rtol=1e-12)
    # The parameter of the mass is in units of 10 MeV, where the log-normal meets the morph.
    up = straight.expected({"m_w": 1.0}), model.expected({"m_w": against.MASS_UNIT})
    np.testing.assert_allclose(*up, rtol=1e-12)
    rest = {name: 0.3 for name in model.names if name.startswith(("global", "local"))}
    np.testing.assert_allclose(straight.expected(rest), model.expected(rest), rtol=1e-12)


@pytest.mark.slow
def test_rabbit_gives_the_same_mass_and_impacts(tmp_path: Path) -> None:
    found = os.environ.get("WMASSFIT_RABBIT")
    if not found:
        pytest.skip("rabbit-fit needs tensorflow: set WMASSFIT_RABBIT to the python of an environment that has it")
    report = against.run(Path(found), small(), tmp_path)
    assert abs(report["m_w"]["difference_over_sigma"]) < 1e-3
    assert report["m_w"]["ratio_of_uncertainties"] == pytest.approx(1, abs=1e-3)
    assert max(report["impacts"]["largest difference over sigma"].values()) < 1e-6
