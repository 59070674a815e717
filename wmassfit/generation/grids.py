"""The grids on which production, decay and detector meet, and the constants of the collider."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from wmassfit.templateset import Array

__all__ = ["Grids", "nominal_grids"]


def _frozen(values: Array) -> Array:
    values = np.ascontiguousarray(values, dtype=np.float64)
    values.setflags(write=False)
    return values


@dataclass(frozen=True)
class Grids:
    """Nodes of the piecewise-linear representations.

    `rapidity`: boson |y| nodes from 0 (uniform). `eta_step`: spacing of the lepton-minus-boson rapidity. `lepton_pt`:
    uniform nodes of the true lepton p_T in GeV. `boson_pt`: nodes of p_T^V in GeV. `cells`: edges of the p_T^V cells
    that own a Sobol rule each; every cell is a union of node intervals, so that finer nodes can share the same points.
    """

    rapidity: Array
    eta_step: float
    eta_reach: float
    lepton_pt: Array
    boson_pt: Array
    cells: Array

    @property
    def n_eta(self) -> int:
        """Nodes of Δη ≥ 0."""
        return round(self.eta_reach / self.eta_step) + 1

    def cell_of(self, interval: int) -> int:
        """The cell in which an interval between nodes of p_T^V lies."""
        middle = 0.5 * (self.boson_pt[interval] + self.boson_pt[interval + 1])
        return int(np.searchsorted(self.cells, middle)) - 1

    def halved(
        self, *, eta: bool = False, lepton_pt: bool = False, rapidity: bool = False, boson_pt: bool = False
    ) -> Grids:
        """The same grids with some steps halved; the Sobol cells stay what they are."""
        return replace(
            self,
            eta_step=self.eta_step / 2 if eta else self.eta_step,
            lepton_pt=_midpoints(self.lepton_pt) if lepton_pt else self.lepton_pt,
            rapidity=_midpoints(self.rapidity) if rapidity else self.rapidity,
            boson_pt=_midpoints(self.boson_pt) if boson_pt else self.boson_pt,
        )


def _midpoints(nodes: Array) -> Array:
    return _frozen(np.sort(np.concatenate([nodes, 0.5 * (nodes[1:] + nodes[:-1])])))


def nominal_grids() -> Grids:
    """The default grids: y in steps of 0.1 to 5, Δη of 0.05, lepton p_T of 0.25 GeV from 18 to 100 GeV, 47 p_T^V nodes.

    p_T^V steps are 0.5 GeV below 12 GeV (1 GeV would mis-model the non-perturbative variation by some per cent of
    its size), 1 below 20, 2 below 30, 5 below 60, then 70, 85, 100.
    """
    boson_pt = np.concatenate(
        [
            np.arange(0, 12, 0.5),
            np.arange(12, 20, 1.0),
            np.arange(20, 30, 2.0),
            np.arange(30, 60, 5.0),
            [60, 70, 85, 100.0],
        ]
    )
    return Grids(
        rapidity=_frozen(np.linspace(0.0, 5.0, 51)),
        eta_step=0.05,
        eta_reach=3.0,
        lepton_pt=_frozen(np.linspace(18.0, 100.0, 329)),
        boson_pt=_frozen(boson_pt),
        cells=_frozen(boson_pt),
    )
