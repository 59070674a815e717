"""The decay kernel: all that decay, boost, transverse-mass cut and radiation do, filled once.

For a massless lepton of helicity angles (θ, φ) in the Collins–Soper frame of a boson (m, p_T^V, y), η = y + Δη with
Δη(θ, φ, m, p_T^V) exactly, and the lepton's p_T does not depend on y. So templates are convolutions in y of the
production with a kernel K[copy, helicity, p_T^V node, Δη, p_T], and a variation of production needs no new events.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from wmassfit.generation.bosons import Boson
from wmassfit.generation.grids import Grids
from wmassfit.generation.lineshape import LineShape
from wmassfit.generation.radiation import Z_NODES, radiation_matrices
from wmassfit.generation.radiator import LEADING_LOGARITHMS, RadiatorChange
from wmassfit.generation.scrambles import Scrambles, fill_parts
from wmassfit.templateset import Array

__all__ = [
    "HELICITY_PARITY",
    "Copy",
    "Kernel",
    "TransverseMassCut",
    "fill_kernel",
    "fill_setting",
    "with_radiator",
]

HELICITY_PARITY = np.array([1, 1, -1, 1, 1, -1])
"""Parity under cosθ → −cosθ of 1+c², A0, A1, A2, A3, A4; the same as that of the coefficients under y → −y."""

_MASS_STEP_GEV = 0.1
_CUT_STEP_GEV = 0.05
_TOGETHER = 8  # nodes of Δη in one product, where there are few copies


@dataclass(frozen=True)
class TransverseMassCut:
    """Efficiency ½[1 + erf((m_T − threshold)/(√2 resolution))] of a transverse-mass cut, GeV."""

    threshold_gev: float = 40.0
    resolution_gev: float = 12.0

    def __call__(self, transverse_mass_gev: Array) -> Array:
        """The efficiency at a true transverse mass."""
        return np.asarray(ndtr((transverse_mass_gev - self.threshold_gev) / self.resolution_gev))


@dataclass(frozen=True)
class Copy:
    """One version of the kernel, by the same points: the boson's mass or width moved, another transverse-mass cut, the
    rate multiplied by (m/M)^`mass_power`, or another radiator."""

    mass_shift_gev: float = 0.0
    width_shift_gev: float = 0.0
    cut: TransverseMassCut | None = TransverseMassCut()
    mass_power: float = 0.0
    radiator: RadiatorChange = LEADING_LOGARITHMS


def with_radiator(copies: Mapping[str, Copy], radiator: RadiatorChange) -> dict[str, Copy]:
    """Copies of a kernel whose nominal radiator is another one: the changes of each add to it."""
    return {name: replace(copy, radiator=radiator + copy.radiator) for name, copy in copies.items()}


@dataclass(frozen=True)
class Kernel:
    """`values` is float32 [copy, helicity, p_T^V node, Δη ≥ 0, p_T]; production in pb/GeV times it is pb.

    Nodes of Δη are multiples of `grids.eta_step`; negative ones follow by `HELICITY_PARITY`. `lepton_pt` are the nodes
    kept (radiation needs higher ones to fill these).
    """

    boson: Boson
    grids: Grids
    copies: tuple[Copy, ...]
    lepton_pt: Array
    values: NDArray[np.float32]


def fill_kernel(
    boson: Boson,
    line_shape: LineShape,
    grids: Grids,
    *,
    copies: tuple[Copy, ...] = (Copy(),),
    log2_points: int = 18,
    seed: int = 1,
    radiation: bool = True,
    through_tau: bool = False,
    pt_reach: float = 64.0,
    scrambles: int = 1,
    workers: int = 2,
    executor: Executor | None = None,
    progress: Callable[[float], None] | None = None,
) -> Kernel:
    """Fill the kernel with a scrambled Sobol rule of 2^`log2_points` points (cosθ, φ, mass, p_T^V) a p_T^V cell.

    With `through_tau` the charged lepton is a τ that decays to the muon, as `deposit.fill` has it, the muon's share of
    its momentum a fifth dimension. The radiation of both together is that of a muon alone to leading logarithm,
    ln M²/m_τ² + ln m_τ²/m_μ². The branching fraction is not in the kernel.

    `seed` fixes scrambling and the digital shift of every cell; the kernel is the mean of `scrambles` such rules. Parts
    are filled by `workers` threads or by `executor`, and the result does not depend on who fills them. With `radiation`
    the muon loses momentum as `radiation_matrices` has it. Lepton p_T nodes above `pt_reach` (GeV) are dropped at the
    end. `progress` is called with the fraction done.
    """
    rules = Scrambles(
        (seed, *boson.name.encode(), *([3] if through_tau else [])),
        log2_points,
        5 if through_tau else 4,
        grids.cells.size - 1,
        grids.boson_pt.size - 1,
        scrambles,
    )
    kept = grids.lepton_pt[grids.lepton_pt <= pt_reach]
    z_nodes = Z_NODES if radiation else (1.0,)
    # another radiator is another convolution of the same deposits
    decays = list(dict.fromkeys(replace(copy, radiator=LEADING_LOGARITHMS) for copy in copies))
    convolutions = [
        (
            [i for i, copy in enumerate(copies) if copy.radiator == change],
            [decays.index(replace(copy, radiator=LEADING_LOGARITHMS)) for copy in copies if copy.radiator == change],
            _transfer(grids.lepton_pt, kept.size, boson, change if radiation else None),
        )
        for change in dict.fromkeys(copy.radiator for copy in copies)
    ]
    cuts = list(dict.fromkeys(copy.cut for copy in decays))
    of_cuts = [next(i for i, copy in enumerate(decays) if copy.cut == cut) for cut in cuts]
    transverse_mass = np.arange(0.0, boson.mass_range_gev[1] + 2 * _CUT_STEP_GEV, _CUT_STEP_GEV)
    tables = np.array(
        [
            [np.ones_like(transverse_mass) if cut is None else cut(math.sqrt(z) * transverse_mass) for z in z_nodes]
            for cut in cuts
        ]
    )
    setting = (
        *fill_setting(boson, line_shape, tuple(decays)),
        _CUT_STEP_GEV,
        tables,
        grids.eta_step,
        grids.lepton_pt[0],
        grids.lepton_pt[1] - grids.lepton_pt[0],
    )

    values = np.zeros((len(copies), 6, grids.boson_pt.size, grids.n_eta, kept.size), dtype=np.float32)
    deposits = (grids.n_eta, grids.lepton_pt.size, len(z_nodes), len(decays), 6)
    job = _Fill(rules, grids, setting, convolutions, of_cuts, deposits, (len(copies), 6, grids.n_eta, kept.size))
    for run, part in fill_parts(job, rules, executor=executor, workers=workers, progress=progress):
        values[:, :, run[0] : run[-1] + 2, : part.shape[3]] += part
    return Kernel(boson, grids, copies, kept, values / np.float32(scrambles) if scrambles > 1 else values)


@dataclass(frozen=True, eq=False)
class _Fill:
    """What every part needs: `convolutions` are copies, their deposits and the radiator's [p_T · z, p_T kept];
    `of_cuts` the first deposits of each transverse-mass cut.
    """

    scrambles: Scrambles
    grids: Grids
    setting: tuple[Any, ...]
    convolutions: list[tuple[list[int], list[int], NDArray[np.float32]]]
    of_cuts: list[int]
    deposits_shape: tuple[int, ...]
    shape: tuple[int, ...]

    def run(self, part: int) -> NDArray[np.float32]:
        """[copy, helicity, p_T^V node, Δη, p_T kept] of the nodes at either end of the part's intervals.

        Δη goes as far as there are deposits.
        """
        from wmassfit.generation.deposit import fill

        grids, nodes = self.grids, self.grids.boson_pt
        (points, shifts), intervals = self.scrambles.points(part), self.scrambles.run_of(part)
        lower, upper = (np.zeros(self.deposits_shape, dtype=np.float32) for _ in range(2))
        made = np.zeros((*self.shape[:2], intervals.size + 1, *self.shape[2:]), dtype=np.float32)
        reach = 0
        for node, i in enumerate(intervals):
            cell = grids.cell_of(i)
            limits = (grids.cells[cell], grids.cells[cell + 1])
            fill(points, shifts[cell], limits, (nodes[i], nodes[i + 1]), *self.setting, lower, upper)
            reach = max(reach, self._radiate(lower, made[:, :, node]))
            lower.fill(0.0)
            lower, upper = upper, lower
        reach = max(reach, self._radiate(lower, made[:, :, intervals.size]))
        return made[:, :, :, :reach]

    def _radiate(self, deposits: NDArray[np.float32], made: NDArray[np.float32]) -> int:
        """Convolve deposits [Δη, p_T, z, copy, helicity] of a node into [copy, helicity, Δη, p_T kept] of zeros.

        Returns how many nodes of Δη may have some.
        """
        n_pt, n_z, n_copy = deposits.shape[1:4]
        # At large Δη a lepton has little transverse momentum: leave the empty nodes out. No helicity has more than the
        # first, 1 + c², nor a share z of the momentum a larger m_T than all of it, and copies differ by their cuts.
        filled = np.any(deposits[:, :, 0, self.of_cuts, 0], axis=2)
        last = np.where(filled.any(axis=1), n_pt - np.argmax(filled[:, ::-1], axis=1), 0)
        reach = int(np.max(np.flatnonzero(last), initial=-1)) + 1
        for which, of, transfer in self.convolutions:
            everything = of == list(range(n_copy))
            step = 1 if everything else _TOGETHER
            for eta in range(0, reach, step):
                there = slice(eta, min(eta + step, reach))
                until = max(1, int(last[there].max()))
                part = deposits[there, :until]
                if everything:  # a view
                    before = part.reshape(until * n_z, -1).T
                else:
                    before = part[:, :, :, of].transpose(3, 4, 0, 1, 2).reshape(-1, until * n_z)
                after = before @ transfer[: until * n_z, :until]
                made[which, :, there, :until] = after.reshape(len(which), -1, len(part), after.shape[1])
        return reach


def _transfer(nodes: Array, kept: int, boson: Boson, change: RadiatorChange | None) -> NDArray[np.float32]:
    """[p_T · z, p_T kept], of one radiator; without radiation (None) what is kept of the identity."""
    matrices = np.eye(nodes.size)[None] if change is None else radiation_matrices(nodes, boson, change=change)
    return np.ascontiguousarray(matrices[:, :, :kept].transpose(1, 0, 2), dtype=np.float32).reshape(-1, kept)


def fill_setting(
    boson: Boson, line_shape: LineShape, copies: tuple[Copy, ...]
) -> tuple[tuple[float, ...], tuple[float, float], Array, Array, Array, NDArray[np.int64]]:
    """What a compiled loop needs of the resonance and its copies, from `resonance` to `copy_cut` of `deposit.fill`."""
    low, high = boson.mass_range_gev
    mass, width = boson.mass_gev, boson.width_gev
    atan_low, atan_high = (math.atan((edge**2 - mass**2) / (mass * width)) for edge in (low, high))
    grid = np.linspace(low, high, round((high - low) / _MASS_STEP_GEV) + 1)
    # The mapping m² = M² + MΓ tan(t), t uniform, samples 2m MΓ/[(m²−M²)² + M²Γ²]/(range of t).
    mapped = 2 * grid * mass * width / ((grid**2 - mass**2) ** 2 + mass**2 * width**2) / (atan_high - atan_low)
    density = line_shape.density(np.clip(grid, np.nextafter(low, high), np.nextafter(high, low)))

    def denominator(m: float, copy_mass: float, copy_width: float) -> float:
        return (m**2 - copy_mass**2) ** 2 + m**4 * copy_width**2 / copy_mass**2

    parameters = np.array([[mass + c.mass_shift_gev, width + c.width_shift_gev, c.mass_power] for c in copies])
    norms = [
        float(line_shape.weight(mass, mass_shift_gev=c.mass_shift_gev, width_shift_gev=c.width_shift_gev))
        * denominator(mass, m, g)
        / denominator(mass, mass, width)
        for c, (m, g, _) in zip(copies, parameters, strict=True)
    ]
    cuts = list(dict.fromkeys(c.cut for c in copies))
    return (
        (mass, width, atan_low, atan_high - atan_low),
        (low, _MASS_STEP_GEV),
        density / mapped,
        parameters,
        np.array(norms),
        np.array([cuts.index(c.cut) for c in copies]),
    )
