"""A W-like model built from nothing but a formula: a Jacobian peak in p_T, local and global nuisance parameters.

Size and numbers of events are those of the CMS measurement (arXiv:2412.13872): 48 η × 30 p_T × 2 charges, 10⁸ events.
"""

from __future__ import annotations

import hist
import numpy as np

from wmassfit.templateset import (
    Channel,
    Factor,
    Gaussian,
    McStat,
    Modifier,
    Morph,
    Parameter,
    Process,
    Scale,
    TemplateSet,
)

PROCESSES = ("w", "wtau", "z", "top", "diboson", "nonprompt")
FRACTIONS = (0.86, 0.025, 0.04, 0.004, 0.002, 0.07)


def _shape(mass_gev: float, edges: np.ndarray) -> np.ndarray:
    """A Jacobian peak at half the mass, smeared, integrated over p_T bins."""
    pt = np.linspace(edges[0], edges[-1], 40 * (edges.size - 1) + 1)
    pt = (pt[1:] + pt[:-1]) / 2
    t = (pt - mass_gev / 2) / 2.2
    density = pt * np.exp(-pt / 60) / (1 + np.exp(1.9 * t)) + 0.35 * np.exp(-(t**2) / 2) * 20
    return density.reshape(edges.size - 1, 40).sum(axis=1)


def w_like(
    *,
    n_eta: int = 48,
    n_pt: int = 30,
    n_global: int = 800,
    n_local: int = 4058,
    events: float = 1.05e8,
    seed: int = 1,
    mc_stat: bool = True,
) -> TemplateSet:
    """Two channels (charges), six processes, m_W in MeV as a morph, and nuisance parameters of a per mill each."""
    rng = np.random.default_rng(seed)
    edges = np.linspace(26, 56, n_pt + 1)
    n = n_eta * n_pt
    flat = np.repeat(1 + 0.1 * np.cos(np.linspace(-2.4, 2.4, n_eta)), n_pt)
    pt = np.tile(np.linspace(-1, 1, n_pt), n_eta)
    eta = np.repeat(np.linspace(-1, 1, n_eta), n_pt)
    smooth = np.stack([pt**i * eta**j for i in range(4) for j in range(4)])
    points = np.array([-100.0, -10.0, 10.0, 100.0])
    central = _shape(80.379, edges)
    ratios = np.stack([np.tile(_shape(80.379 + p / 1000, edges) / central, n_eta) for p in points])
    falling = {"top": 40.0, "diboson": 30.0, "nonprompt": 6.0, "z": 25.0, "wtau": 9.0}

    # Local nuisances: a few neighbouring p_T bins in one η bin of one charge each, like efficiencies.
    place = rng.integers(0, n_eta, n_local)
    low = rng.integers(0, max(n_pt - 6, 1), n_local)
    charge = rng.integers(0, 2, n_local)
    width = min(6, n_pt)

    channels = []
    for c, name in enumerate(("plus", "minus")):
        processes = []
        for p, (process, fraction) in enumerate(zip(PROCESSES, FRACTIONS, strict=True)):
            if process == "w":
                shape = np.tile(central, n_eta)
            else:
                centres = (edges[1:] + edges[:-1]) / 2
                shape = np.tile(np.exp(-centres / falling[process]), n_eta)
            nominal = shape * flat
            nominal *= events * fraction * (0.57, 0.43)[c] / nominal.sum()
            modifiers: list[Modifier] = []
            if process in ("w", "wtau"):
                modifiers.append(Morph("m_w", points=points, ratios=ratios))
            if process == "nonprompt":
                modifiers.append(Factor("nonprompt_norm"))
            for g in range(n_global):
                # Half of the global ones act on the signal alone, as theory uncertainties do.
                if process == "w" or g >= n_global // 2:
                    variation = rng.normal(0, 1, smooth.shape[0]) @ smooth * 0.001
                    modifiers.append(Scale(f"global{g}", up=np.exp(variation)))
            for i in np.flatnonzero(charge == c):
                if p < 3:
                    bins = place[i] * n_pt + low[i] + np.arange(width)
                    up = 1 + 0.002 * rng.normal(1, 0.3, width)
                    modifiers.append(Scale(f"local{i}", bins=bins, up=up, code="lognormal"))
            variance = nominal / (4 if process == "w" else 1)
            processes.append(
                Process(process, nominal, variance=variance, signal=process == "w", modifiers=tuple(modifiers))
            )
        axes = (hist.axis.Regular(n_eta, -2.4, 2.4, name="eta"), hist.axis.Regular(n_pt, 26, 56, name="pt"))
        assert axes[0].size * axes[1].size == n
        channels.append(Channel(name, axes, tuple(processes), mc_stat=McStat() if mc_stat else None))
    nuisances = [f"global{g}" for g in range(n_global)] + [f"local{i}" for i in range(n_local)]
    parameters = [Parameter("m_w"), Parameter("nonprompt_norm", 1.0)]
    parameters += [
        Parameter(name, groups=("theory" if i < n_global // 2 else "experiment" if i < n_global else "efficiency",))
        for i, name in enumerate(nuisances)
    ]
    return TemplateSet(
        tuple(channels),
        tuple(parameters),
        tuple(Gaussian(name, (name,), [0.0], [1.0]) for name in nuisances),
        pois=("m_w",),
    )
