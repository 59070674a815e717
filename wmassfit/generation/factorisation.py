"""How much A0 … A4 of a W or Z change when the factorisation scale is halved and doubled.

`python -m wmassfit.generation.factorisation PATH` makes the table that serves densities of a single scale, the embedded
ones. PATH is CT18NNLO (arXiv:1912.10053), to which they are fitted, a folder or a .tar.gz; `-o FILE` writes elsewhere.
"""

from __future__ import annotations

import argparse
import logging
import os
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from wmassfit.generation.bosons import BOSONS, Boson
from wmassfit.generation.jet_angular import jet_angular
from wmassfit.generation.production import ENERGY_GEV
from wmassfit.pdf import PdfSet, load
from wmassfit.templateset import Array

__all__ = ["PT_GEV", "RAPIDITY", "computed_changes", "factorisation_changes", "table_text"]

logger = logging.getLogger("wmassfit.generation")

TABLE = "factorisation.csv"
RAPIDITY = np.array([0.25, 0.75, 1.25, 1.75, 2.25])  # where muons of |η| < 2.4 come from
PT_GEV = np.array([1.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 70.0, 100.0])


def factorisation_changes(pdf: PdfSet, boson: Boson, pt: Array, *, energy_gev: float = ENERGY_GEV) -> Array:
    """Relative changes of A0 … A4 at half and at twice the factorisation scale: [2, 5, p_T].

    Linear in p_T between the points of `PT_GEV`, constant beyond. Those of the embedded densities, which have a single
    scale, are CT18NNLO's at 13 TeV, from a table.
    """
    known = _table()[boson.name] if pdf.name == "embedded" else computed_changes(pdf, boson, energy_gev=energy_gev)
    return np.array([[np.interp(pt, PT_GEV, row) for row in rows] for rows in known])


def computed_changes(pdf: PdfSet, boson: Boson, *, energy_gev: float = ENERGY_GEV) -> Array:
    """The same at `PT_GEV`, by the lowest order, see `jet_angular`.

    The factor on A_i(y) that comes nearest to its change, r = Σ σ A_i ΔA_i/Σ σ A_i² over rapidities up to 2.5 with the
    rate σ: A3 changes sign with y, so that there may be nothing left of its mean. The lepton's charge drops out.
    """
    half, nominal, double = (
        jet_angular(pdf, boson, RAPIDITY, PT_GEV, lepton_charge=-1, scale=scale, energy_gev=energy_gev)
        for scale in (0.5, 1.0, 2.0)
    )
    weight = nominal.rate * nominal.angular
    changes = np.stack([made.angular - nominal.angular for made in (half, double)])
    return np.asarray(np.sum(weight * changes, axis=2) / np.sum(weight * nominal.angular, axis=1))


@cache
def _table() -> dict[str, Array]:
    with files("wmassfit.generation").joinpath(TABLE).open("r") as stream:
        rows = np.loadtxt(stream, delimiter=",", usecols=range(3, 3 + PT_GEV.size))
    return dict(zip(BOSONS, rows.reshape(-1, 2, 5, PT_GEV.size), strict=True))


def table_text(pdf: PdfSet) -> str:
    """The table: boson, factor on the scale, coefficient, relative changes at the points in p_T."""
    lines = [
        f"# Relative changes of A0 … A4 with the factorisation scale: {pdf.name}, by wmassfit.generation.factorisation",
        "# boson, factor, coefficient, changes at p_T of " + ", ".join(f"{pt:g}" for pt in PT_GEV) + " GeV",
    ]
    for name, boson in BOSONS.items():
        for factor, rows in zip((0.5, 2), computed_changes(pdf, boson), strict=True):
            lines += [f"{name},{factor},A{i}," + ",".join(f"{v:.3e}" for v in row) for i, row in enumerate(rows)]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Read the set, compute, and write the table beside this module or where `-o` says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="the PDF set, a folder or a .tar.gz")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name(TABLE))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    text = table_text(load(path=options.path))
    beside = options.output.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, options.output)
    logger.info("wrote %s: %d bytes", options.output, len(text.encode()))


if __name__ == "__main__":
    main()
