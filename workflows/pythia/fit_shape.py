"""The recipe's form of the boson's p_T spectrum fitted to events: a closed form without their statistical noise.

python workflows/pythia/fit_shape.py events_1.root [...] -o shape.txt

Least squares over 1 GeV bins below 100 GeV, each weighted by its statistics; both charges together. What is written is
the value of `generation.pt_shape`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import uproot
from scipy.optimize import least_squares

from wmassfit.generation.transverse_momentum import PT_MAX_GEV, PtShape, nominal_density

NAMES = ("p0", "a", "n", "f", "p1", "k")
START = np.array([9.4, 1.3155, 2.9288, 0.1246, 50.04, 4.83])  # of the recipe's W+
EDGES = np.linspace(0.0, PT_MAX_GEV, 101)


def counts(files: list[Path]) -> np.ndarray:
    """Events in bins of the boson's p_T."""
    total = np.zeros(EDGES.size - 1)
    for chunk in uproot.iterate([f"{file}:Events" for file in files], ["boson_pt"], step_size=100_000, library="np"):
        total += np.histogram(chunk["boson_pt"], EDGES)[0]
    return total


def fitted(seen: np.ndarray) -> tuple[PtShape, float]:
    """The closest spectrum and its χ²/ndf."""
    middle = 0.5 * (EDGES[1:] + EDGES[:-1])
    # Simpson's rule within each bin
    points = np.stack([EDGES[:-1], middle, EDGES[1:]])
    rule = np.array([1.0, 4.0, 1.0])[:, None] / 6.0

    def residuals(logarithms: np.ndarray) -> np.ndarray:
        density = nominal_density("W+", points, shape=PtShape(*np.exp(logarithms)))
        expected = seen.sum() * np.sum(rule * density, axis=0)
        return (seen - expected) / np.sqrt(np.maximum(seen, 1.0))

    found = least_squares(residuals, np.log(START), x_scale=0.1)
    return PtShape(*np.exp(found.x)), float(2 * found.cost) / (seen.size - 1 - START.size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    shape, quality = fitted(counts(arguments.files))
    values = ", ".join(f"{name}: {getattr(shape, name):.6g}" for name in NAMES)
    arguments.output.write_text(f"{{{values}}}\n", encoding="utf-8")
    print(f"p_T of the boson: chi2/ndf {quality:.2f}, {{{values}}}")


if __name__ == "__main__":
    main()
