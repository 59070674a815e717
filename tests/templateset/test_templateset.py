"""The data model refuses what is inconsistent, keeps what it is given, and finds things by name."""

from __future__ import annotations

import hist
import numpy as np
import pytest

from wmassfit.errors import TemplateError
from wmassfit.templateset import (
    Channel,
    Dataset,
    Display,
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
    identical,
)

X = hist.axis.Regular(3, 0, 3, name="x", label="x [GeV]")
Q = hist.axis.StrCategory(["minus", "plus"], name="q")


def small(**changes: object) -> TemplateSet:
    signal = Process(
        "signal",
        np.arange(6.0),
        variance=np.ones(6),
        signal=True,
        modifiers=(Factor("mu"), Scale("norm", up=1.1, code="lognormal"), Shift("shape", bins=[1, 4], up=[0.5, -0.5])),
    )
    pieces = {
        "channels": (Channel("SR", (X, Q), (signal,), mc_stat=McStat()),),
        "parameters": (Parameter("mu", 1.0), Parameter("norm", groups=("g", "h")), Parameter("shape", groups=("g",))),
        "constraints": (Gaussian("norm", ("norm", "shape"), np.zeros(2), [[1.0, 0.5], [0.5, 1.0]]),),
        "pois": ("mu",),
    }
    return TemplateSet(**{**pieces, **changes})  # type: ignore[arg-type]


def test_arrays_are_read_only_copies() -> None:
    values = np.ones(6)
    process = Process("p", values)
    values[0] = 7
    assert process.nominal[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        process.nominal[0] = 2


def test_groups_may_share_parameters() -> None:
    assert small().groups == {"g": ("norm", "shape"), "h": ("norm",)}


def test_nuisances_are_the_constrained_parameters_that_are_free() -> None:
    assert small().nuisances == ("norm", "shape")
    fixed = (Parameter("mu", 1.0), Parameter("norm", fixed=True), Parameter("shape"))
    assert small(parameters=fixed).nuisances == ("shape",)


def test_to_hist_keeps_axes_values_and_variances() -> None:
    histogram = small().to_hist("SR", "signal")
    assert [axis.name for axis in histogram.axes] == ["x", "q"]
    np.testing.assert_array_equal(histogram.values(), np.arange(6.0).reshape(3, 2))
    np.testing.assert_array_equal(histogram.variances(), np.ones((3, 2)))


def test_from_hist_takes_any_uhi_histogram() -> None:
    weighted = hist.Hist(X, storage=hist.storage.Weight()).fill([0.5, 0.5, 2.5], weight=[1.0, 2.0, 3.0])
    process = Process.from_hist("p", weighted)
    np.testing.assert_array_equal(process.nominal, [3, 0, 3])
    assert process.variance is not None
    np.testing.assert_array_equal(process.variance, [5, 0, 9])
    assert Process.from_hist("p", hist.Hist(X).fill([0.5])).nominal.sum() == 1


def test_identical_sees_one_changed_number() -> None:
    assert identical(small(), small())
    other = small(parameters=(Parameter("mu", 1.0 + 1e-15), Parameter("norm"), Parameter("shape")))
    assert not identical(small(), other)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Process("p", [1.0, -2.0]), "negative yield -2.0 in bin 1"),
        (lambda: Process("p", [1.0, np.nan]), "nan at index 1"),
        (lambda: Process("p", [1.0], variance=[-1.0]), "variance must hold 1 values"),
        (lambda: Process("p", [1.0], modifiers=(Shift("a", bins=[1], up=[1.0]),)), "bin 1 of 1 does not exist"),
        (lambda: Process("p", [1.0, 1.0], modifiers=(Shift("a", up=[1.0]),)), r"\(1,\) values for 2 bins"),
        (lambda: Scale("a", up=0.0), "ratio 0.0 is not positive"),
        (lambda: Scale("a", down=0.9, up=1.1, code="lognormal"), "takes no down variation"),
        (lambda: Shift("a", bins=[2, 1], up=[1.0, 1.0]), "growing indices"),
        (lambda: Morph("m", points=[1.0, 1.0], ratios=np.ones((2, 1))), "growing values"),
        (lambda: Morph("m", points=[1.0], ratios=-np.ones((1, 1))), "is not positive"),
        (lambda: Factor("mu", power=0), "power 0"),
        (lambda: Parameter("p", start=2.0, bounds=(0, 1)), "must be finite and lie within bounds"),
        (lambda: Parameter(""), "empty name"),
        (lambda: Display(scale=0.0), "not zero"),
        (lambda: Gaussian("g", ("a",), [0.0], [0.0]), "is not positive"),
        (lambda: Gaussian("g", ("a", "b"), [0.0, 0.0], [[1, 2], [2, 1]]), "not positive definite"),
        (lambda: Gaussian("g", ("a", "b"), [0.0, 0.0], [[1, 0], [0, -1]]), "variance -1.0 at index 1 is not positive"),
        (lambda: Gaussian("g", ("a", "b"), [0.0, 0.0], [[1, np.inf], [0, 1]]), "inf at index 0, 1 "),
        (lambda: Gaussian("g", ("a", "b"), [0.0, 0.0], [[1, 0.1], [0.2, 1]]), "not symmetric"),
        (lambda: Gaussian("g", ("a", "a"), [0.0, 0.0], [1.0, 1.0]), "different parameters"),
        (lambda: Poisson("p", "a", -1.0, 1.0), "must be ≥ 0"),
        (lambda: Channel("c", (X,), (Process("p", [1.0]),)), "1 bins, but the axes have 3 = 3"),
        (lambda: Channel("c", (X,), (Process("p", np.ones(3)), Process("p", np.ones(3)))), "'p' appears twice"),
        (lambda: Dataset({"c": [[1.0]]}), "must be flat"),
        (lambda: small(pois=("nu",)), "nu is not a declared parameter"),
        (lambda: small(parameters=(Parameter("mu"),)), "Scale of norm names a parameter that is not declared"),
        (lambda: small(observed=Dataset({"SR": np.ones(5)})), "5 bins, but the templates have 3 × 2 = 6"),
        (lambda: small(observed=Dataset({"CR": np.ones(6)})), "channel SR is missing"),
        (lambda: small().channel("SRR"), "did you mean SR"),
    ],
)
def test_what_is_inconsistent_is_refused(build: object, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        build()  # type: ignore[operator]


def test_the_base_of_modifiers_is_abstract() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Modifier("a")


def test_negative_yields_are_kept_on_request() -> None:
    assert Process("p", [1.0, -2.0], negative="keep").nominal[1] == -2
