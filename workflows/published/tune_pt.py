"""The p_T spectrum of the Z as ATLAS measured it (arXiv:1912.02844), over the nominal one: a model of p_T^V from data.

python workflows/published/tune_pt.py FOLDER -o pt_ratio.yaml

A natural cubic spline in p_T multiplies the nominal spectrum; its values at ten momenta are fitted to the data by least
squares with the data's covariance, the acceptance that of the prediction. The file is what `generation.pt_ratio` of a
recipe takes: the same ratio for W and Z, as a model that differs from the nominal one (see workflows/other_models). The
nominal spectrum knows nothing of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import measurements
import numpy as np
import yaml
from compare import chi_square, reference

from wmassfit.generation.transverse_momentum import PtRatio, nominal_density
from wmassfit.generation.z_spectrum import z_pt_spectrum
from wmassfit.pdf import PdfSet, load_embedded
from wmassfit.recipe import Recipe

NODES_GEV = (1.0, 3.0, 6.0, 10.0, 15.0, 21.0, 30.0, 42.0, 60.0, 90.0)


def tuned(pdf: PdfSet, data: measurements.Measurement) -> tuple[PtRatio, float]:
    """The ratio that brings the prediction nearest to the data, its mean one, and the χ² with their covariance."""
    modelling = Recipe.load("wmass").generation.nuisances.pt_v
    fraction = z_pt_spectrum(pdf, data.edges, modelling=modelling).fraction
    x, w = np.polynomial.legendre.leggauss(12)
    points = data.edges[:-1, None] + 0.5 * np.diff(data.edges)[:, None] * (x + 1.0)
    density = 0.5 * w * nominal_density("Z", points)  # means over bins
    units = np.eye(len(NODES_GEV))
    basis = np.stack([np.sum(density * PtRatio(NODES_GEV, tuple(unit))(points), axis=1) for unit in units], axis=1)
    root = np.linalg.cholesky(data.covariance)
    response, values = (np.linalg.solve(root, v) for v in (fraction[:, None] * basis, data.value))
    solution, *_ = np.linalg.lstsq(response, values, rcond=None)
    # the norm of the spectrum is not of interest
    found = PtRatio(NODES_GEV, tuple(solution / np.mean(solution)))
    made = z_pt_spectrum(pdf, data.edges, modelling=modelling, shape=found)
    return found, chi_square(data.value - made.pdf.central, data.covariance)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="?", help="folder of the published tables")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    data = measurements.z_pt(reference(options.tables))
    found, chi2 = tuned(load_embedded(), data)
    text = yaml.safe_dump(
        {"pt_gev": list(found.pt_gev), "ratio": [round(float(r), 4) for r in found.ratio]}, default_flow_style=True
    )
    ndf = data.value.size - len(NODES_GEV)
    options.output.write_text(f"# χ² with the data's covariance {chi2:.1f}, {ndf} degrees of freedom\n{text}")


if __name__ == "__main__":
    main()
