"""Makes the table of the embedded densities from a set in LHAPDF format: `python -m wmassfit.pdf.fit_embedded PATH`.

PATH is CT18NNLO (arXiv:1912.10053), a folder or a .tar.gz; `-o FILE` writes elsewhere than into the package.
"""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wmassfit.errors import PhysicsError
from wmassfit.pdf.alphas import ALPHAS_SIGMA, evolution_step
from wmassfit.pdf.embedded import FITTED, SCALE_GEV, TABLE, X_RANGE, central_form, chebyshev_basis
from wmassfit.pdf.loading import load
from wmassfit.pdf.sets import PdfSet
from wmassfit.pdf.uncertainties import confidence_scale

__all__ = ["fit_table", "table_text"]

logger = logging.getLogger("wmassfit.pdf")


def fit_table(pdf: PdfSet) -> NDArray[np.float64]:
    """Chebyshev coefficients [1 + 2 pairs, flavour, 17] of the residual, then average and difference of each pair.

    The residual is ln f_0 − ln central_form. Of a Hessian pair ln f(θ) = ln f_0 + a θ + d θ² goes through both members
    at θ = ±t, the confidence scale of the set: a = ½ ln(f₊/f₋)/t is the average and d = ½ ln(f₊f₋/f_0²)/t² the
    difference. The last pair, f_0 at ln Q² ± `evolution_step` of 0.0015, is that of α_s. All by least squares on 600
    points uniform in ln x. The weight 0.03 + 1/[1 + (x/0.35)⁶] lets go of large x, where the sea is negligible for W
    and Z at 13 TeV (x = 0.35 is |y| = 4).

    Raises `PhysicsError` for a set without Hessian pairs or with a density that is not positive.
    """
    if pdf.error_type != "hessian":
        raise PhysicsError(f"{pdf.name} has errors of type {pdf.error_type!r}: the fit needs Hessian pairs")
    x = np.geomspace(*X_RANGE, 600)
    xf = pdf.xf_all(x, SCALE_GEV, flavours=FITTED)
    if not np.all(xf > 0):
        raise PhysicsError(
            f"{pdf.name} has densities that are not positive below x = {X_RANGE[1]}: no logarithm to fit"
        )
    eigen = [m for m in range(1, pdf.members) if m not in pdf.alphas_members]
    forms = np.stack([central_form(x, flavour) for flavour in FITTED])
    residual = np.log(xf[0] / forms)
    step = np.exp(0.5 * evolution_step(ALPHAS_SIGMA, SCALE_GEV))
    larger, smaller = (pdf.xf_all(x, q, flavours=FITTED)[:1] for q in (SCALE_GEV * step, SCALE_GEV / step))
    scale = np.append(np.full(len(eigen) // 2, confidence_scale(pdf.confidence_level)), 1.0)[:, np.newaxis, np.newaxis]
    up = np.log(np.concatenate([xf[eigen[::2]], larger]) / xf[0])
    down = np.log(np.concatenate([xf[eigen[1::2]], smaller]) / xf[0])
    pairs = np.stack([0.5 * (up - down) / scale, 0.5 * (up + down) / scale**2], axis=1)
    targets = np.concatenate([residual[np.newaxis], pairs.reshape(-1, *residual.shape)])
    weight = (0.03 + 1.0 / (1.0 + (x / 0.35) ** 6))[:, np.newaxis]
    solution, *_ = np.linalg.lstsq(weight * chebyshev_basis(x), weight * targets.reshape(-1, x.size).T, rcond=None)
    return np.asarray(solution.T.reshape(*targets.shape[:2], -1))


def table_text(table: NDArray[np.float64], source: str) -> str:
    """The table as text: row of `fit_table` (0 the residual of the centre), flavour, then the coefficients."""
    lines = [
        f"# Embedded parton densities: fitted to {source} by wmassfit.pdf.fit_embedded",
        "# 0: residual of the central form, 2k − 1 and 2k: average and difference of pair k, the last pair is of α_s;",
        "# flavour; Chebyshev coefficients of degree 0 … 16 in ln x",
    ]
    for direction, flavours in enumerate(table):
        for flavour, row in zip(FITTED, flavours, strict=True):
            lines.append(f"{direction},{flavour}," + ",".join(f"{value:.3e}" for value in row))
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Read the set, fit, and write the table beside this module or where `-o` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="the PDF set, a folder or a .tar.gz")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_name(TABLE))
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    pdf = load(path=options.path)
    text = table_text(fit_table(pdf), f"{pdf.name} at Q = {SCALE_GEV} GeV")
    beside = options.output.with_name(options.output.name + ".new")
    beside.write_text(text)
    os.replace(beside, options.output)
    logger.info("wrote %s: %d bytes", options.output, len(text.encode()))


if __name__ == "__main__":
    main()
