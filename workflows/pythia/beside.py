"""Pythia's muons beside the kernel's: acceptance by charge, p_T, charge asymmetry over |η|.

python workflows/pythia/beside.py kernel.root filled.root events_1.root [...] --folder results

Both are templates of one recipe with a perfect efficiency: the acceptance is that of p_T, |η| and the turn-on of m_T,
with radiation and resolution. Shapes are compared, not rates.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import uproot

import wmassfit as wm
from wmassfit.generation.bosons import W_MINUS, W_PLUS
from wmassfit.generation.predictions import boson_rapidity_cross_section
from wmassfit.pdf import load_embedded
from wmassfit.report.style import COLOURS, figure, save, styled
from wmassfit.report.tables import save_rows, to_markdown

SIGNAL, CHARGES = "Wmunu", {-1: "W-", 1: "W+"}
COLUMNS = ("quantity", "kernel", "pythia", "pythia_error")


class Yields:
    """A template [η, p_T, charge] with its variance and, where there is one, the shower's variation."""

    def __init__(self, templates: Any) -> None:
        (channel,) = templates.channels
        process = channel.process(SIGNAL)
        self.eta, self.pt = (np.asarray(axis.edges) for axis in channel.axes[:2])
        self.values = process.nominal.reshape(channel.shape)
        self.variance = np.zeros(channel.shape)
        if process.variance is not None:
            self.variance = process.variance.reshape(channel.shape)
        shower = [m for m in process.modifiers if m.parameter == "shower"]
        self.shower = [self.values * np.reshape(side, channel.shape) for m in shower for side in (m.up, m.down)]

    def in_pt(self, values: np.ndarray) -> np.ndarray:
        """Fraction of muons per GeV."""
        return values.sum(axis=(0, 2)) / values.sum() / np.diff(self.pt)

    def asymmetry(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N+ − N−)/(N+ + N−) over |η| and its error."""
        half = self.eta.size // 2
        folded, variance = ((v[half:] + v[:half][::-1]).sum(axis=1) for v in (values, self.variance))
        minus, plus = folded.T
        total = minus + plus
        error = 2 * np.sqrt(minus**2 * variance[:, 1] + plus**2 * variance[:, 0]) / total**2
        return (plus - minus) / total, error


def generated(files: list[Path]) -> dict[int, int]:
    """Events by charge."""
    counts = dict.fromkeys(CHARGES, 0)
    for chunk in uproot.iterate([f"{file}:Events" for file in files], ["muon_charge"], step_size=200_000, library="np"):
        for charge in CHARGES:
            counts[charge] += int(np.count_nonzero(chunk["muon_charge"] == charge))
    return counts


def table(kernel: Yields, pythia: Yields, made: dict[int, int]) -> list[dict[str, Any]]:
    """Acceptances, the mean p_T of the muons in the bins, and the asymmetry; the kernel's has no statistical error."""
    pdf, whole = load_embedded(), np.array([0.0, 5.0])
    rows: list[tuple[str, float, float, float]] = []
    for k, (charge, name) in enumerate(CHARGES.items()):
        boson = W_PLUS if charge > 0 else W_MINUS
        rate = 1e3 * 5.0 * boson_rapidity_cross_section(pdf, boson, abs_y_edges=whole).central[0]  # events of 1/fb
        error = np.sqrt(pythia.variance[..., k].sum())
        accepted = pythia.values[..., k].sum(), error
        rows.append(
            (f"acceptance of {name}", kernel.values[..., k].sum() / rate, *(v / made[charge] for v in accepted))
        )
    middle = 0.5 * (pythia.pt[1:] + pythia.pt[:-1])
    means, width = [], 0.0
    for one in (kernel, pythia):
        fractions = one.values.sum(axis=(0, 2)) / one.values.sum()
        means.append(float(fractions @ middle))
        width = float(np.sqrt(fractions @ (middle - means[-1]) ** 2))
    effective = pythia.values.sum() ** 2 / pythia.variance.sum()
    rows.append(("mean p_T in the bins, GeV", *means, width / np.sqrt(effective)))
    pairs = [one.values.sum(axis=(0, 1)) for one in (kernel, pythia)]
    asymmetries = [(plus - minus) / (plus + minus) for minus, plus in pairs]
    rows.append(("charge asymmetry", *asymmetries, np.sqrt((1 - asymmetries[1] ** 2) / effective)))
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def plot(kernel: Yields, pythia: Yields) -> Any:
    """p_T and its ratio to the kernel's; the asymmetry over |η| and its difference."""
    pt, middle = pythia.pt, 0.5 * (pythia.pt[1:] + pythia.pt[:-1])
    ours, theirs = (one.in_pt(one.values) for one in (kernel, pythia))
    error = np.sqrt(pythia.variance.sum(axis=(0, 2))) / pythia.values.sum() / np.diff(pt)
    edges = kernel.eta[kernel.eta.size // 2 :]
    centre = 0.5 * (edges[1:] + edges[:-1])
    smooth, _ = kernel.asymmetry(kernel.values)
    points, bars = pythia.asymmetry(pythia.values)
    marks: Any = {"fmt": "o", "ms": 3, "color": "black"}
    with styled():
        page = figure(9.0, 5.2, constrained=True)
        (spectrum, asymmetry), (ratio, difference) = page.subplots(2, 2, sharex="col", height_ratios=(2, 1))
        spectrum.stairs(1e3 * ours, pt, color=COLOURS[1], label="kernel")
        spectrum.errorbar(middle, 1e3 * theirs, yerr=1e3 * error, **marks, label="Pythia 8")
        spectrum.set_ylabel(r"$10^3$ dN/N dp$_T$ [1/GeV]")
        spectrum.set_ylim(bottom=0.0)
        spectrum.legend(loc="lower center")
        spectrum.set_title("wmassfit", loc="left", weight="bold")
        ratio.axhline(1.0, color=COLOURS[1])
        for k, varied in enumerate(pythia.shower):
            label = "shower scale halved, doubled" if k == 0 else None
            ratio.stairs(pythia.in_pt(varied) / ours, pt, baseline=None, color=COLOURS[2], label=label)
        ratio.errorbar(middle, theirs / ours, yerr=error / ours, **marks)
        ratio.set_ylabel("over the kernel")
        ratio.set_xlabel(r"muon $p_T$ [GeV]")
        if pythia.shower:
            ratio.legend(loc="upper left")
        asymmetry.stairs(smooth, edges, baseline=None, color=COLOURS[1])
        asymmetry.errorbar(centre, points, yerr=bars, **marks)
        asymmetry.set_ylabel("charge asymmetry")
        difference.axhline(0.0, color=COLOURS[1])
        difference.errorbar(centre, points - smooth, yerr=bars, **marks)
        difference.set_ylabel("less the kernel")
        difference.set_xlabel(r"muon $|\eta|$")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernel", type=Path)
    parser.add_argument("filled", type=Path)
    parser.add_argument("events", type=Path, nargs="+")
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    kernel, pythia = Yields(wm.read(arguments.kernel)), Yields(wm.read(arguments.filled))
    rows = table(kernel, pythia, generated(arguments.events))
    cells = [
        [row["quantity"], f"{row['kernel']:.4f}", f"{row['pythia']:.4f} ± {row['pythia_error']:.4f}"] for row in rows
    ]
    text = to_markdown(["", "kernel", "Pythia 8"], cells)
    save_rows(arguments.folder, "pythia", rows, keys=COLUMNS, markdown=text)
    save({"pythia": plot(kernel, pythia)}, arguments.folder)


if __name__ == "__main__":
    main()
