"""A calibration on pseudo-data: J/ψ and Z with biases put in, their simulations, and the fit of everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil, log2

import numpy as np

from wmassfit.calibration.calibrate import Calibration, Resonance, calibrate, summed
from wmassfit.calibration.jpsi_events import expected_jpsi, jpsi_cells, jpsi_events
from wmassfit.calibration.peaks import Z as Z_PEAK
from wmassfit.calibration.scale_fit import TERMS
from wmassfit.calibration.z_events import ZSample, z_cells, z_events
from wmassfit.generation.jpsi_sample import JpsiSample
from wmassfit.parallel import Progress
from wmassfit.templateset import Array

__all__ = ["PseudoData", "calibrate_pseudo_data", "drawn_bias"]

_LOG2_DECAYS = (18, 24)  # of the J/ψ simulation: fewer would be noisy in any cells, more take minutes


@dataclass(frozen=True, eq=False)
class PseudoData:
    """What is generated: samples, `bias` [3, η] and relative `width` of the resolution, and how much is simulated.

    The simulation of the Z has `simulated` times its events, and its noise counts in the errors; that of the J/ψ is
    next to exact.
    """

    eta_edges: Array
    bias: Array
    width: float = 1.0
    jpsi: JpsiSample = field(default_factory=JpsiSample)
    z: ZSample = field(default_factory=ZSample)
    simulated: float = 2.0
    seed: int = 1


def drawn_bias(n_eta: int, common: Mapping[str, float], scatter: Mapping[str, float], *, seed: int) -> Array:
    """Biases [3, η] of A, ε and M: a common one of each, and a Gaussian one of this width drawn in each bin."""
    rng = np.random.default_rng([seed, *b"bias"])
    drawn = rng.standard_normal((len(TERMS), n_eta))
    return np.array([common.get(term, 0.0) + scatter.get(term, 0.0) * drawn[i] for i, term in enumerate(TERMS)])


def calibrate_pseudo_data(data: PseudoData, *, workers: int = 1, progress: Progress | None = None) -> Calibration:
    """Generate, simulate and fit; the same whatever the number of `workers` (threads)."""

    def report(stage: str) -> partial[None]:
        return partial(progress or _silent, stage)

    jpsi, z = jpsi_cells(data.eta_edges, data.jpsi), z_cells(data.eta_edges, data.z)
    decays = int(np.clip(1 + ceil(log2(data.jpsi.events)), *_LOG2_DECAYS))
    expected = expected_jpsi(data.jpsi, jpsi, log2_points=decays, seed=data.seed, progress=report("J/ψ simulation"))
    # kept: they are gone through once more after each correction
    events = list(
        jpsi_events(
            data.jpsi,
            data.eta_edges,
            bias=data.bias,
            width=data.width,
            seed=data.seed,
            workers=workers,
            progress=report("J/ψ"),
        )
    )
    simulation = z_events(
        replace(data.z, events=data.simulated * data.z.events),
        data.eta_edges,
        seed=data.seed,
        stream="z simulation",
        workers=workers,
        progress=report("Z simulation"),
    )
    simulated = summed(simulation, z, Z_PEAK)
    measured = partial(
        z_events,
        data.z,
        data.eta_edges,
        bias=data.bias,
        width=data.width,
        seed=data.seed,
        workers=workers,
        progress=report("Z"),
    )
    return calibrate(
        Resonance(lambda: events, jpsi, expected, data.jpsi.resolution_factor), Resonance(measured, z, simulated)
    )


def _silent(stage: str, done: int, total: int | None) -> None:
    """Nobody listens."""
