"""From the kernel to templates: production contracted with decay, acceptance and resolution."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wmassfit.generation.kernel import HELICITY_PARITY, Kernel
from wmassfit.generation.resolution import bin_response, edge_response, edge_slope
from wmassfit.templateset import Array

__all__ = ["Response", "Spectrum", "build_response", "distinct_bins", "true_spectra", "true_spectrum"]


@dataclass(frozen=True)
class Response:
    """`values` is float32 [η bin, helicity · y node · p_T^V node, p_T bin]: production in pb/GeV to pb in a bin.

    η bins that mirror each other share an entry; `index` says which entry each η bin has (the production of two equal
    beams is even in y for even helicities and odd for odd ones).
    """

    values: NDArray[np.float32]
    index: NDArray[np.int64]

    def contract(self, production: Array) -> Array:
        """Templates [variation, η, p_T] in pb of productions [variation, helicity, y ≥ 0, p_T^V] in pb/GeV."""
        flat = np.asarray(production, dtype=np.float32).reshape(production.shape[0], -1)
        return np.asarray((flat @ self.values)[self.index].transpose(1, 0, 2), dtype=np.float64)


@dataclass(frozen=True)
class Spectrum:
    """dσ of one production before resolution, in pb: `values` [η bin, lepton p_T node] on the nodes `lepton_pt`."""

    values: Array
    lepton_pt: Array
    eta_centres: Array

    def binned(self, edges: Array, *, smeared: bool = True) -> Array:
        """Yields in pb in p_T bins [η, p_T], with or without the detector's resolution."""
        return np.stack(
            [
                row @ bin_response(self.lepton_pt, edges, eta, smeared=smeared)
                for row, eta in zip(self.values, self.eta_centres, strict=True)
            ]
        )

    def density(self, edges: Array) -> Array:
        """Smeared density in pb/GeV at p_T bin edges [η, edge]."""
        return np.stack(
            [
                row @ edge_response(self.lepton_pt, edges, eta)
                for row, eta in zip(self.values, self.eta_centres, strict=True)
            ]
        )

    def widening(self, edges: Array, growth: Array) -> Array:
        """What of p_T comes to lie below bin edges when the resolution's variance grows, in pb: [..., η, edge].

        `growth` is Δσ² in GeV² at the true p_T, [..., η, node]. To first order a smeared density changes by
        ½ ∂²/∂x² ∫ f Δσ² G(x − p) dp, so a bin by the difference of ½ ∂/∂x ∫ f Δσ² G between its edges.
        """
        weighted = 0.5 * self.values * growth
        slopes = [edge_slope(self.lepton_pt, edges, eta) for eta in self.eta_centres]
        return np.stack([weighted[..., i, :] @ slope for i, slope in enumerate(slopes)], axis=-2)


def distinct_bins(eta_edges: Array) -> tuple[Array, NDArray[np.int64]]:
    """Different η bins up to reflection [bin, 2], and which of them each bin is."""
    pairs = np.stack([eta_edges[:-1], eta_edges[1:]], axis=1)
    mirrored = -pairs[:, ::-1]
    positive = np.where((pairs.sum(axis=1) >= 0)[:, None], pairs, mirrored)
    _, first, index = np.unique(np.round(positive, 9), axis=0, return_index=True, return_inverse=True)
    return positive[first], index.ravel()


def _overlap(kernel: Kernel, bins: Array) -> Array:
    """Weights that take production nodes y ≥ 0 and kernel nodes Δη ≥ 0 into η bins: [parity, η bin, y, Δη].

    Production is piecewise linear in y; its integral over an η bin at fixed Δη is exact. Entries for ±y and ±Δη are
    folded with the parities: parity 0 holds the even helicities, 1 the odd ones.
    """
    y, n_eta = kernel.grids.rapidity, kernel.grids.n_eta
    step = y[1] - y[0]
    shift = kernel.grids.eta_step * np.arange(n_eta)

    def integral(upper: Array) -> Array:
        t = np.clip(upper / step, -1.0, 1.0)
        return np.asarray(step * np.where(t < 0, 0.5 * (1 + t) ** 2, 1 - 0.5 * (1 - t) ** 2))

    def weight(sign_y: int, sign_eta: int) -> Array:
        offset = sign_y * y[None, :, None] + sign_eta * shift[None, None, :]
        return integral(bins[:, 1, None, None] - offset) - integral(bins[:, 0, None, None] - offset)

    folded = np.zeros((2, len(bins), y.size, n_eta))
    for parity, sign in enumerate((1, -1)):
        for sign_y in (1, -1):
            for sign_eta in (1, -1):
                term = weight(sign_y, sign_eta) * (sign if sign_y < 0 else 1) * (sign if sign_eta < 0 else 1)
                if sign_y < 0:
                    term[:, 0] = 0.0  # y = 0 is its own mirror image
                # Δη = 0 needs no such care: a deposit beside it is shared with the node, once from either side
                folded[parity] += term
    return folded


def build_response(kernel: Kernel, eta_edges: Array, pt_edges: Array, *, smeared: bool = True) -> Response:
    """The response of the kernel's first copy in (η, p_T) bins, resolution taken at the middle of each η bin."""
    bins, index = distinct_bins(eta_edges)
    overlap = _overlap(kernel, bins).astype(np.float32)
    n_y, n_node = kernel.grids.rapidity.size, kernel.grids.boson_pt.size
    values = np.empty((len(bins), 6, n_y, n_node, pt_edges.size - 1), dtype=np.float32)
    for b, (low, high) in enumerate(bins):
        smearing = bin_response(kernel.lepton_pt, pt_edges, 0.5 * (low + high), smeared=smeared).astype(np.float32)
        for helicity in range(6):
            smooth = kernel.values[0, helicity] @ smearing  # [node, Δη, p_T bin]
            folding = overlap[int(HELICITY_PARITY[helicity] < 0), b]
            values[b, helicity] = np.tensordot(folding, smooth, axes=(1, 1))
    return Response(values.reshape(len(bins), -1, pt_edges.size - 1), index)


def true_spectrum(kernel: Kernel, production: Array, eta_edges: Array, *, copy: int = 0) -> Spectrum:
    """dσ in η bins over true lepton p_T of one production [helicity, y ≥ 0, p_T^V] in pb/GeV, for one kernel copy."""
    return true_spectra(kernel, production, eta_edges, range(copy, copy + 1))[0]


def true_spectra(kernel: Kernel, production: Array, eta_edges: Array, copies: Iterable[int]) -> list[Spectrum]:
    """That of every kernel copy asked for, of the same production."""
    bins, index = distinct_bins(eta_edges)
    overlap = _overlap(kernel, bins)
    weights = [
        np.einsum("byj,yn->bnj", overlap[int(parity < 0)], production[helicity], optimize=True)
        for helicity, parity in enumerate(HELICITY_PARITY)
    ]
    centres = 0.5 * (eta_edges[1:] + eta_edges[:-1])
    spectra = []
    for copy in copies:
        values = np.zeros((len(bins), kernel.lepton_pt.size))
        for weight, deposits in zip(weights, kernel.values[copy], strict=True):
            values += np.tensordot(weight, deposits.astype(np.float64), axes=2)
        spectra.append(Spectrum(values[index], kernel.lepton_pt, centres))
    return spectra
