"""What happens to single muons, as the bins of the pair see it: weights and momentum shifts of either muon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.templateset import Array

__all__ = ["MuonEffects"]


@dataclass(frozen=True)
class MuonEffects:
    """Which muons the events of a bin have.

    `binned`: [row, x, charge, η, p_T], probability of the negative and of the positive muon's (η, p_T) bin given the
    pair's bin, and `at_edges` [row, edge, charge, η, p_T] given its x at an edge. `density` at the edges [row, edge] in
    pb/GeV and `yields` [row, x] in pb. `spectrum`: the muons of all events [charge, η, p_T], in pb. `slope`: at the
    edges [row, edge] in pb, ∂/∂x ∫ m² ρ(m) G(x − m) dm of the density ρ before smearing G; None where x is no mass.
    """

    binned: Array
    at_edges: Array
    edges: Array
    density: Array
    yields: Array
    spectrum: Array
    slope: Array | None = None

    @classmethod
    def of(
        cls,
        occupancy: Array,
        smearing: Array,
        at_edges: Array,
        *,
        edges: Array,
        density: Array,
        yields: Array,
        slope: Array | None = None,
    ) -> MuonEffects:
        """From events [row, x node, charge, η, p_T] and the smearing of x, [row, node, bin] and [row, node, edge]."""
        n_row, n_node, *rest = occupancy.shape
        flat = occupancy.reshape(n_row, n_node, -1).astype(np.float64)
        events = smearing.transpose(0, 2, 1) @ flat

        def conditional(values: Array) -> Array:
            per_event = values.sum(axis=2, keepdims=True) / 2.0  # every event has one muon of either charge
            shares = np.divide(values, per_event, out=np.zeros_like(values), where=per_event > 0)
            return np.asarray(shares.reshape(n_row, -1, *rest))

        spectrum = events.sum(axis=(0, 1)).reshape(rest)
        there = conditional(at_edges.transpose(0, 2, 1) @ flat)
        return cls(conditional(events), there, edges, density, yields, spectrum, slope)

    def weighted(self, change: Array) -> Array:
        """Relative change [row, x] when a muon's weight changes by `change` [η, p_T, charge], to first order."""
        change = np.moveaxis(change, 2, 0)
        where = np.any(change != 0.0, axis=2)
        if np.all(where):
            return np.asarray(np.tensordot(self.binned, change, axes=3))
        # most changes are those of one charge and η bin: what the others have is not read
        return np.asarray(np.tensordot(self.binned[:, :, where], change[where], axes=2))

    def moved(self, shift: Array) -> Array:
        """Relative change [row, x] when muons' momenta grow by the relative `shift` [η, p_T, charge], x the mass.

        The mass grows by ½(δ₊ + δ₋), so ΔN = −Δ[ρ(e) e ⟨½(δ₊ + δ₋)⟩] between the edges e of a bin, the mean taken over
        the events at that edge: at a row's |η| of the more forward muon, over the other one's η.
        """
        mean = 0.5 * np.tensordot(self.at_edges, np.moveaxis(shift, 2, 0), axes=3)
        flow = self.density * self.edges * mean
        return np.asarray(-np.diff(flow, axis=1) / self.yields)

    def widened(self, growth: Array) -> Array:
        """Relative change [row, x] when muons' (σ/p_T)² grow by `growth` g [η, p_T, charge], x the mass.

        To first order: the relative variance of the mass grows by h(m) = ⟨¼(g₊ + g₋)⟩, so ΔN = Δ[½ ∂/∂x ∫ h m² ρ G dm]
        between the edges of a bin, where the derivative of the product is taken with the mean h at that edge.
        """
        assert self.slope is not None
        mean = 0.25 * np.tensordot(self.at_edges, np.moveaxis(growth, 2, 0), axes=3)
        flow = 0.5 * (mean * self.slope + np.gradient(mean, self.edges, axis=1) * self.edges**2 * self.density)
        return np.asarray(np.diff(flow, axis=1) / self.yields)
