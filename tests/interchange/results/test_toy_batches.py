"""Toys kept in a folder: a job that was stopped goes on, another job is refused, damage is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import hist
import numpy as np
import pytest

from wmassfit.errors import FormatError
from wmassfit.inference import FitResult, fit, toys
from wmassfit.interchange.results.toy_batches import BatchFolder
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Factor, Gaussian, Parameter, Process, Scale, TemplateSet

JOB = {"seed": 3, "throw": "auxiliary"}


@pytest.fixture(scope="module")
def start() -> FitResult:
    signal = Process("signal", [30.0, 60.0, 40.0], modifiers=(Factor("mu"),))
    background = Process("background", [500.0, 400.0, 300.0], modifiers=(Scale("bkg", up=1.05, code="lognormal"),))
    templates = TemplateSet(
        (Channel("SR", (hist.axis.Regular(3, 0, 1),), (signal, background)),),
        (Parameter("mu", 1.0), Parameter("bkg")),
        (Gaussian.unit("bkg"),),
        ("mu",),
    )
    model = Model(templates)
    return fit(model, model.asimov())


class Killed(BaseException):
    """What a kill looks like from inside."""


def test_a_stopped_job_goes_on_and_ends_as_if_never_stopped(start: FitResult, tmp_path: Path) -> None:
    def die(stage: str, done: int, total: int | None) -> None:
        if done >= 256:
            raise Killed

    with pytest.raises(Killed):
        toys(start, 400, 3, batches=BatchFolder(tmp_path, start, JOB), progress=die)
    kept = BatchFolder(tmp_path, start, JOB)
    assert list(kept) == [0, 1]
    made: list[int] = []
    resumed = toys(start, 400, 3, batches=kept, progress=lambda *state: made.append(state[1]))
    assert made == [384, 400]
    whole = toys(start, 400, 3)
    np.testing.assert_array_equal(resumed.values, whole.values)
    np.testing.assert_array_equal(resumed.pulls("mu"), whole.pulls("mu"))


def test_more_toys_extend_a_job(start: FitResult, tmp_path: Path) -> None:
    toys(start, 32, 3, batches=BatchFolder(tmp_path, start, JOB))
    more = toys(start, 80, 3, batches=BatchFolder(tmp_path, start, JOB))
    np.testing.assert_array_equal(more.values, toys(start, 80, 3).values)


def test_batches_of_another_size_are_not_taken_for_these(start: FitResult) -> None:
    whole = toys(start, 140, 3)
    kept = {}
    toys(start, 140, 3, batches=kept)
    kept[1] = replace(kept[0], first=32)
    np.testing.assert_array_equal(toys(start, 140, 3, batches=kept).values, whole.values)


def test_another_job_is_refused(start: FitResult, tmp_path: Path) -> None:
    BatchFolder(tmp_path, start, JOB)
    with pytest.raises(FormatError, match="another job \\(seed differ"):
        BatchFolder(tmp_path, start, {**JOB, "seed": 4})
    other = fit(start.model, start.model.asimov(at={"mu": 2.0}))
    with pytest.raises(FormatError, match="another job \\(fit differ"):
        BatchFolder(tmp_path, other, JOB)


def test_damage_is_named(start: FitResult, tmp_path: Path) -> None:
    kept = BatchFolder(tmp_path, start, JOB)
    toys(start, 32, 3, batches=kept)
    path = tmp_path / "batch_000000.npz"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(FormatError, match=r"batch_000000\.npz: damaged"):
        kept[0]
    del kept[0]
    assert len(kept) == 0
    with pytest.raises(KeyError):
        kept[0]
