"""A pseudo-experiment in the sidebands, fitted with the engine of the m_W fit; its toys; m_W with and without closure.

python workflows/nonprompt/study.py wmass --set generation.kernel.log2_points=14 --folder results

Leaves nonprompt.csv and .md (numbers), closure.csv and closure.png (estimate over truth in p_T and η) and shapes.png
(some cells: bin by bin and smooth, over the truth).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import wmassfit as wm
from wmassfit.calibration import NonpromptEstimate, expected_sidebands, fit_sidebands
from wmassfit.generation.abcd import (
    CLOSURE_PARTS,
    COEFFICIENTS,
    closure,
    eigenvariations,
    estimate,
    log_variance,
)
from wmassfit.generation.generate import observable
from wmassfit.generation.sideband_templates import (
    coefficient_names,
    sideband_data,
    sideband_templates,
    with_sidebands,
)
from wmassfit.generation.sidebands import POWERS, Sidebands
from wmassfit.generation.tag_and_probe import polynomials
from wmassfit.pipeline import load_pdf
from wmassfit.report.style import GLOBAL, NOMINAL, corner, figure, save, styled
from wmassfit.report.tables import save_rows, to_markdown
from wmassfit.templateset import Dataset, TemplateSet


def in_bins(found: NonpromptEstimate, sidebands: Sidebands, recipe: wm.Recipe) -> list[dict[str, Any]]:
    """Truth, estimate and its statistical uncertainty in bins of p_T and of η, and what the correlation does to it."""
    design = polynomials(found.predicted.shape[1], COEFFICIENTS)
    truth, exact = sidebands.signal_region, estimate(sidebands)
    cells = np.moveaxis(found.predicted, 1, 2)  # [η, charge, p_T]
    by_pt = np.sum((found.predicted * found.uncertainty()) ** 2, axis=(0, 2))
    gradient = cells @ design
    by_eta = np.einsum("eck,eckl,ecl->e", gradient, found.covariance, gradient)
    rows = []
    for name, edges, other, variance in (
        ("pt", recipe.generation.pt.edges, (0, 2), by_pt),
        ("eta", recipe.generation.eta.edges, (1, 2), by_eta),
    ):
        sums = [part.sum(axis=other) for part in (truth, found.predicted, exact)]
        for i, (true, fitted, expected) in enumerate(zip(*sums, strict=True)):
            rows.append(
                {
                    "axis": name,
                    "low": edges[i],
                    "high": edges[i + 1],
                    "truth": true,
                    "estimate": fitted,
                    "statistical": float(np.sqrt(variance[i])),
                    "ratio": fitted / true,
                    "ratio_statistical": float(np.sqrt(variance[i]) / true),
                    "closure": expected / true,
                }
            )
    return rows


def formula_difference(found: NonpromptEstimate, sidebands: Sidebands, mc_statistics: float) -> float:
    """Largest relative difference of the fit's uncertainty of ln D to that of the closed formula."""
    shapes = eigenvariations(log_variance(sidebands, mc_statistics=mc_statistics))
    formula = np.sqrt(np.moveaxis(np.sum(shapes**2, axis=2), 2, 1))
    return float(np.abs(found.uncertainty() / formula - 1).max())


def pulls(found: NonpromptEstimate, toys: int, seed: int, workers: int) -> list[tuple[str, float]]:
    """Mean and width over all coefficients of all cells, with errors from the scatter between toys."""
    thrown = wm.toys(found.fit, toys, seed=seed, of=[], workers=workers if workers > 1 else None)
    names = [n for row in coefficient_names(found.predicted.shape[0]) for cell in row for n in cell]
    pull = np.array([thrown.pulls(name) for name in names])
    mean, square = pull.mean(axis=0), np.mean(pull**2, axis=0)
    root = np.sqrt(pull.shape[1])
    width = float(np.sqrt(square.mean()))
    return [
        ("toys", float(toys)),
        ("toys_failed", float(thrown.failures)),
        ("pull_mean", float(mean.mean())),
        ("pull_mean_error", float(mean.std(ddof=1) / root)),
        ("pull_width", width),
        ("pull_width_error", float(square.std(ddof=1) / root / (2 * width))),
    ]


def masses(templates: TemplateSet, sidebands: Sidebands, regions: TemplateSet) -> list[tuple[str, float]]:
    """Shift and uncertainty of m_W where the data are the truth and nothing is thrown.

    "apart": the templates of the recipe, whose nonprompt background is the truth; "with sidebands": one fit of both, in
    which it is what the sidebands say; "without closure": the same with its closure parameters held.
    """
    alone = wm.Model(templates)
    channel = templates.channels[0].name
    both = wm.Model(with_sidebands(templates, regions))
    truth = Dataset({**sideband_data(sidebands).counts, channel: alone.expected()}, simulated=True)
    parts = [f"nonprompt_closure_{part}" for part in CLOSURE_PARTS]
    parts = [name for name in parts if name in both.names]
    fits = {
        "apart": wm.fit(alone, alone.asimov(), strict=True),
        "with_sidebands": wm.fit(both, truth, strict=True),
        "without_closure": wm.fit(both, truth, fixed=dict.fromkeys(parts, 0.0), strict=True),
    }
    rows = []
    for name, fit in fits.items():
        mass = fit["m_w"]
        true = templates.parameter("m_w").display.offset
        rows += [(f"m_w_shift_{name}_mev", mass.value - true), (f"m_w_uncertainty_{name}_mev", mass.uncertainty)]
    for part in parts:
        rows.append((f"{part}_pull", fits["with_sidebands"][part].value))
        rows.append((f"{part}_uncertainty", fits["with_sidebands"][part].uncertainty))
    rows.append(("twice_dnll_without_closure", 2 * (fits["without_closure"].nll - fits["with_sidebands"].nll)))
    return rows


def closure_plot(rows: list[dict[str, Any]]) -> Any:
    """Estimate over truth: fitted with its statistical error, and expected."""
    titles = {"pt": r"muon $p_T$ [GeV]", "eta": r"muon $\eta$"}
    with styled():
        page = figure(9.2, 4.0, constrained=True)
        panels = page.subplots(1, 2, sharey=True)
        for panel, (axis, title) in zip(panels, titles.items(), strict=True):
            mine = [row for row in rows if row["axis"] == axis]
            edges = [mine[0]["low"], *(row["high"] for row in mine)]
            middle = [0.5 * (row["low"] + row["high"]) for row in mine]
            panel.stairs([row["closure"] for row in mine], edges, color=GLOBAL, lw=1.6, baseline=None, label="expected")
            errors = [row["ratio_statistical"] for row in mine]
            ratios = [row["ratio"] for row in mine]
            panel.errorbar(middle, ratios, yerr=errors, fmt="o", ms=3, color="black", label="fit of the sidebands")
            panel.axhline(1.0, color=NOMINAL, lw=1.0)
            panel.set_xlabel(title)
        panels[0].set_ylabel("estimate / truth")
        panels[0].legend(loc="lower left")
        panels[0].set_title("wmassfit", loc="left", weight="bold")
    return page


def log_estimate(counts: Mapping[str, np.ndarray], sidebands: Sidebands) -> tuple[np.ndarray, np.ndarray]:
    """ln D [η, p_T, charge] of the counts of each region, less the expected prompt ones, and its Poisson variance.

    NaN where a region has no more than these.
    """
    value, variance = np.zeros_like(sidebands.signal_region), np.zeros_like(sidebands.signal_region)
    for region, power in POWERS.items():
        excess = counts[region] - sidebands.contamination(region)
        excess = np.where(excess > 0, excess, np.nan)
        value += power * np.log(excess)
        variance += power**2 * counts[region] / excess**2
    return value, variance


def shapes_plot(found: NonpromptEstimate, sidebands: Sidebands, data: Dataset, recipe: wm.Recipe) -> Any:
    """Three η bins, both charges: the estimate over the truth, bin by bin and smooth with one standard deviation."""
    config, truth = recipe.generation, sidebands.signal_region
    counts = {region: np.asarray(data.counts[region]).reshape(truth.shape) for region in POWERS}
    log_d, variance = log_estimate(counts, sidebands)
    bins, error = np.exp(log_d) / truth, np.exp(log_d) / truth * np.sqrt(variance)
    smooth, spread = found.predicted / truth, found.uncertainty()
    pt = config.pt.centres
    exact = (estimate(sidebands) / truth)[0, :, 0]
    chosen = [truth.shape[0] * i // 8 for i in (4, 6, 7)]
    with styled():
        page = figure(10.0, 6.0, constrained=True)
        panels = page.subplots(2, 3, sharex=True, sharey=True)
        for charge, line in enumerate(panels):
            for eta, panel in zip(chosen, line, strict=True):
                d, s = smooth[eta, :, charge], spread[eta, :, charge]
                panel.fill_between(pt, d * np.exp(-s), d * np.exp(s), color=GLOBAL, alpha=0.35, lw=0)
                panel.plot(pt, d, color=GLOBAL, label="smooth")
                panel.plot(pt, exact, color="black", lw=0.9, label="expected")
                panel.axhline(1.0, color="black", lw=0.7, ls=":")
                panel.errorbar(
                    pt,
                    bins[eta, :, charge],
                    yerr=error[eta, :, charge],
                    fmt="o",
                    ms=3,
                    color=NOMINAL,
                    label="bin by bin",
                )
                low, high = config.eta.edges[eta : eta + 2]
                corner(panel, rf"${low:.1f}<\eta<{high:.1f}$, {('negative', 'positive')[charge]}")
                panel.set_ylim(0.5, 1.9)
        panels[0, 0].legend(loc="lower left")
        panels[0, 0].set_title("wmassfit", loc="left", weight="bold")
        page.supxlabel(r"muon $p_T$ [GeV]")
        page.supylabel("estimate / truth")
    return page


def markdown(rows: list[tuple[str, float]]) -> str:
    """The numbers as a table."""
    return to_markdown(["quantity", "value"], [[name.replace("_", " "), f"{value:.4g}"] for name, value in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the recipe")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--toys", type=int, default=320)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    recipe = wm.Recipe.load(options.recipe).override(dict(text.split("=", 1) for text in options.set))
    config = recipe.generation
    sidebands = expected_sidebands(config, load_pdf(recipe), seed=options.seed, workers=options.workers)
    regions = sideband_templates(sidebands, observable(config)[1], mc_statistics=config.mc_statistics)
    model = wm.Model(regions)
    # counts of the truth, and the simulation of the prompt muons thrown as the model has it
    simulated = model.pseudodata(options.seed).auxiliary
    data = replace(sideband_data(sidebands, seed=options.seed), auxiliary=simulated)
    thrown, exact = fit_sidebands(model, data), fit_sidebands(model, sideband_data(sidebands))
    rows = [(f"events_{region}", float(part.sum())) for region, part in sidebands.nonprompt.items()]
    rows += [(f"prompt_{region}", float(sidebands.contamination(region).sum())) for region in POWERS]
    rows += [(f"closure_{part}_largest", float(np.abs(v).max())) for part, v in closure(sidebands).parts.items()]
    rows += [
        ("parameters", float(model.n)),
        ("fit_statistic", 2 * thrown.fit.nll),
        ("fit_ndf", float(regions.n_bins - model.n)),
        ("fit_against_formula_largest", formula_difference(exact, sidebands, config.mc_statistics)),
    ]
    rows += pulls(exact, options.toys, options.seed, options.workers)
    rows += masses(wm.generate(recipe, seed=options.seed, workers=options.workers), sidebands, regions)
    bins = in_bins(thrown, sidebands, recipe)
    table = [{"quantity": name, "value": value} for name, value in rows]
    save_rows(options.folder, "nonprompt", table, markdown=markdown(rows))
    save_rows(options.folder, "closure", bins)
    save(
        {"closure": closure_plot(bins), "shapes": shapes_plot(thrown, sidebands, data, recipe)},
        options.folder,
    )


if __name__ == "__main__":
    main()
