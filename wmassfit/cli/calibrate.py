"""wmassfit calibrate: muon momentum scale and resolution from J/ψ and Z."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from wmassfit.cli import console, options
from wmassfit.errors import RecipeError

__all__ = ["command"]

_SCATTER = ("A=5e-4", "epsilon=2e-3", "M=1e-5")


@click.command("calibrate")
@options.output("calibration.h5", "File to write: parameters with their covariance, for recipes.")
@click.option("--recipe", default=None, help="Take the η bins of this recipe; 48 within |η| < 2.4 if left out.")
@click.option("--jpsi-events", type=click.FloatRange(min=1e4, max=1e8), default=3.1e6, show_default=True)
@click.option("--z-events", type=click.FloatRange(min=1e4, max=1e8), default=9e6, show_default=True)
@click.option(
    "--bias",
    multiple=True,
    metavar="NAME=VALUE",
    help="Bias put into all bins of η: A, epsilon (GeV), M (1/GeV); repeatable. 0 if left out.",
)
@click.option(
    "--scatter",
    multiple=True,
    metavar="NAME=VALUE",
    help=f"Width of the Gaussian that biases each bin on its own; repeatable. {', '.join(_SCATTER)} (assumptions) if "
    "left out, none with --bias.",
)
@click.option(
    "--width",
    type=click.FloatRange(0.5, 1.5),
    default=1.0,
    show_default=True,
    help="Resolution of the pseudo-data over that of the simulation.",
)
@click.option(
    "--simulated",
    type=click.FloatRange(min=0.1, max=100),
    default=2.0,
    show_default=True,
    help="Simulated Z over those of the pseudo-data; their statistics counts.",
)
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path),
    default=None,
    help="Also write tables and plots to this folder.",
)
@options.seed
@options.workers
@options.as_json
def command(
    output: Path,
    recipe: str | None,
    jpsi_events: float,
    z_events: float,
    bias: tuple[str, ...],
    scatter: tuple[str, ...],
    width: float,
    simulated: float,
    folder: Path | None,
    seed: int | None,
    workers: int,
    as_json: bool,
) -> None:
    """Calibrate muon momenta on pseudo-data of J/ψ → μμ and Z → μμ with a biased scale.

    p_T is measured as p_T (1 + A − ε/p_T ± M p_T). The J/ψ give (A, ε, M) in bins of η, the Z corrected by them what is
    left, A′ and M′, and both together the resolution. Recipes take the file as
    nuisances.momentum_scale.calibration.
    """
    import numpy as np

    from wmassfit.calibration import JpsiSample, ZSample
    from wmassfit.calibration.pseudo import PseudoData, calibrate_pseudo_data, drawn_bias
    from wmassfit.interchange import check_writable
    from wmassfit.interchange.results.calibration_file import CalibrationFile, write_calibration
    from wmassfit.recipe import Recipe
    from wmassfit.report import to_text
    from wmassfit.report.calibration_tables import calibration_tables, closure_summary

    edges = np.linspace(-2.4, 2.4, 49) if recipe is None else Recipe.load(recipe).generation.eta.edges
    if edges.size % 2 == 0 or not np.allclose(edges, -edges[::-1], atol=1e-9):
        raise RecipeError(
            f"--recipe {recipe}: its {edges.size - 1} η bins from {edges[0]:g} to {edges[-1]:g} are not an even "
            "number, symmetric about 0, which the resolution in |η| needs"
        )
    common = _named(bias, option="--bias")
    drawn = _named(scatter if scatter or bias else _SCATTER, option="--scatter")
    check_writable(output)
    if output.suffix not in (".h5", ".hdf5"):
        raise RecipeError(f"-o {output}: a calibration is an HDF5 file; call it .h5")
    if folder is not None and folder.exists() and not folder.is_dir():
        raise RecipeError(f"--report {folder}: it is a file; choose a folder")
    seed = 1 if seed is None else seed
    reach = float(edges[-1])
    data = PseudoData(
        edges,
        drawn_bias(edges.size - 1, common, drawn, seed=seed),
        width,
        JpsiSample(events=jpsi_events, eta_max=reach),
        ZSample(events=z_events, eta_max=reach),
        simulated,
        seed,
    )
    start = time.perf_counter()
    with console.progress() as progress:
        found = calibrate_pseudo_data(data, workers=workers, progress=progress)
    seconds = round(time.perf_counter() - start, 3)
    summary = closure_summary(found, data.bias)
    origin = f"pseudo-data: {jpsi_events:.3g} J/psi, {z_events:.3g} Z, seed {seed}"
    description = {
        "origin": origin,
        "seed": seed,
        "jpsi_events": jpsi_events,
        "z_events": z_events,
        "simulated": simulated,
        "width": width,
        "bias": data.bias.tolist(),
        "summary": summary,
    }
    scale = found.scale_calibration(origin)
    write_calibration(CalibrationFile(scale, found.resolution.calibration, description), output)
    tables = calibration_tables(found, data.bias)
    if folder is not None:
        _report(found, data.bias, folder)
    if as_json:
        console.print_json(
            {
                "output": str(output),
                "parameters": _parameters(found.scale, data.bias),
                "closure": _parameters(found.closure, None),
                "summary": summary,
                "seed": seed,
                "timing_s": {"calibrate": seconds},
            }
        )
    else:
        click.echo("\n".join(to_text(table) for table in tables), nl=False)
        click.echo(f"\n{output}: {scale.covariance.shape[0]} parameters with their covariance, {seconds:.1f} s")


def _named(items: tuple[str, ...], *, option: str) -> dict[str, float]:
    """Values of A, epsilon and M; RecipeError for another name or a bias no correction could follow."""
    largest = {"A": 0.05, "epsilon": 0.2, "M": 1e-3}
    found = options.numbers(items, option=option)
    for name, value in found.items():
        if name not in largest:
            raise RecipeError(f"{option} {name}={value:g}: there is no {name}; take A, epsilon (GeV) or M (1/GeV)")
        if abs(value) > largest[name] or (option == "--scatter" and value < 0):
            low = "0" if option == "--scatter" else f"−{largest[name]:g}"
            raise RecipeError(f"{option} {name}={value:g}: take a value from {low} to {largest[name]:g}")
    return found


def _parameters(fit: Any, truth: Any) -> dict[str, Any]:
    """Value, uncertainty and unit of every parameter by name, and what was put in."""
    from wmassfit.calibration.scale_fit import names_of

    units = {"A": "", "epsilon": "GeV", "M": "1/GeV"}
    names = names_of(fit.terms, fit.values.shape[1])
    found: dict[str, Any] = {}
    for k, name in enumerate(names):
        term, i = divmod(k, fit.values.shape[1])
        found[name] = {
            "value": float(fit.values[term, i]),
            "uncertainty": float(fit.errors[term, i]),
            "unit": units[fit.terms[term]],
        }
        if truth is not None:
            found[name]["truth"] = float(truth[term, i])
    return found


def _report(found: Any, truth: Any, folder: Path) -> None:
    """Tables as text, CSV and JSON, and figures."""
    from wmassfit.interchange.atomic import replaced_files
    from wmassfit.report import save_table
    from wmassfit.report.calibration_plots import calibration_figures
    from wmassfit.report.calibration_tables import calibration_tables
    from wmassfit.report.style import save

    with replaced_files(folder) as part:
        for table in calibration_tables(found, truth):
            save_table(table, part)
        save(calibration_figures(found, truth), part)
