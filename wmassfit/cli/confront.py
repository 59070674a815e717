"""wmassfit confront: what a measured W mass says."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wmassfit.cli import console
from wmassfit.errors import FormatError, PhysicsError, WmassfitError

if TYPE_CHECKING:
    from wmassfit.electroweak.confrontation import Estimate, Verdict
    from wmassfit.electroweak.constants import Array
    from wmassfit.electroweak.inputs import SMInputs

__all__ = ["command"]


def _warn(path: Path, *, converged: bool, simulated: bool, blinded: bool) -> None:
    if not converged:
        click.echo(f"wmassfit: the fit in {path} did not converge: take the verdict with care", err=True)
    if simulated:
        click.echo(f"wmassfit: {path} is a fit of simulated data: this is what such a value would mean", err=True)
    if blinded:
        click.echo(f"wmassfit: the mass in {path} is blinded: the verdict is not one on nature", err=True)


def _from_json(path: Path) -> Estimate:
    from wmassfit.electroweak import WMass

    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        entry = summary["parameters"]["m_w"]
        _warn(
            path,
            converged=bool(summary.get("converged", True)),
            simulated=bool(summary.get("simulated", False)),
            blinded=bool(entry.get("blinded", False)),
        )
        return WMass(float(entry["value"]), float(entry["uncertainty"]))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: not a JSON document ({error})") from error
    except (KeyError, TypeError, ValueError) as error:
        raise FormatError(
            f"{path}: no parameters.m_w.value and .uncertainty in it ({error!r}); it must be the summary of a fit"
        ) from error


def _from_file(path: Path) -> Estimate:
    if not path.is_file():
        raise FormatError(f"{path}: no such file")
    if path.suffix == ".json":
        return _from_json(path)
    from wmassfit.inference.result import FitResult
    from wmassfit.interchange import read

    fit = read(path)
    if not isinstance(fit, FitResult):
        raise FormatError(f"{path} holds no fit result: give the fit.h5 or summary.json of a fit, or --m-w")
    estimate = fit["m_w"]
    _warn(path, converged=fit.converged, simulated=fit.data.simulated, blinded=estimate.blinded)
    return estimate


def _estimate(file: Path | None, m_w: float | None, uncertainty: float | None) -> Estimate:
    from wmassfit.electroweak import WMass

    if file is not None:
        if m_w is not None or uncertainty is not None:
            raise PhysicsError(f"give either the file {file} or --m-w with --uncertainty, not both")
        return _from_file(file)
    if m_w is None or uncertainty is None:
        raise PhysicsError("give the fit.h5 or summary.json of a fit, or both --m-w and --uncertainty in MeV")
    return WMass(m_w, uncertainty)


def _matrix(path: Path | None) -> Array | None:
    """A correlation matrix from a CSV of numbers."""
    if path is None:
        return None
    import numpy as np

    try:
        return np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, ValueError) as error:
        raise FormatError(f"{path}: not a CSV of numbers, one row a line ({error})") from error


def _inputs(assignments: tuple[str, ...]) -> SMInputs:
    from wmassfit.cli.options import numbers
    from wmassfit.electroweak import PDG_2024

    return PDG_2024.with_values(**numbers(assignments, option="--input"))


def _z_pole(correlation: Array | None) -> dict[str, Any]:
    from wmassfit.electroweak.models.stueckelberg_portal import benchmark_observables, z_pole_columns
    from wmassfit.electroweak.zpole import CDF_S2_SHIFT, sm_column, z_pole_chi2

    if correlation is None:
        return {name: column.to_dict() for name, column in z_pole_columns().items()}
    theories = {"lep": sm_column(), "sm_cdf": sm_column(s2_shift=CDF_S2_SHIFT), "portal": benchmark_observables()}
    return {name: z_pole_chi2(theory, correlation=correlation).to_dict() for name, theory in theories.items()}


def _z_prime(m_zprime: float, g_prime: float, pdf: str | None) -> dict[str, Any]:
    """Leading-order σ·BR of the leptophobic Z′ at its representative point, with the densities asked for."""
    import numpy as np

    from wmassfit.electroweak.models.leptophobic import decay_channels, dijet_cross_section
    from wmassfit.electroweak.zprime import partial_widths
    from wmassfit.pdf import load

    chosen = load() if pdf is None else load(path=pdf) if Path(pdf).exists() else load(pdf)

    def xf(flavour: int, x: Array, q_gev: float) -> Array:
        low, high = chosen.x_range
        values = np.asarray(chosen.xf_all(np.clip(x, low, high), q_gev, flavours=(flavour,))[0, 0])
        # sets end at some large x, where next to nothing is left
        return np.where(x <= high, values, 0.0)

    widths = partial_widths(m_zprime, decay_channels(700.0, 700.0), coupling=g_prime)
    total = float(sum(widths.values()))
    try:
        sigma = dijet_cross_section(xf, m_zprime=m_zprime, g_prime=g_prime)
    except PhysicsError as error:
        return {"not_available": str(error)}
    return {
        "m_zprime_gev": m_zprime,
        "g_prime": g_prime,
        "width_gev": total,
        "branching_ratios": {name: float(width) / total for name, width in widths.items()},
        "sqrt_s_gev": 14_000.0,
        "sigma_times_br_jj_fb": sigma,
        "parton_densities": chosen.name,
        "order": "leading order, narrow width"
        + (", densities at 80 GeV whatever the mass" if chosen.name == "embedded" else ""),
    }


def _extras(
    verdict: Verdict, inputs: SMInputs, *, rho: float, world: Array | None, z_pole: Array | None, pdf: str | None
) -> dict[str, Any]:
    """What surrounds the verdict: fits of S, T, U, averages, the Z pole, the Z′ cross section, slips of the sources."""
    from wmassfit.electroweak import WORLD, combine, fit_stu, leave_one_out
    from wmassfit.electroweak.as_printed import SLIPS

    correlation = rho if world is None else world
    fits = {
        "".join(names): fit_stu(
            verdict.m_w_mev, verdict.uncertainty, parameters=names, inputs=inputs, correlation=z_pole
        ).to_dict()
        for names in (("t",), ("s", "t"), ("s", "t", "u"))
    }
    averages = {"all": combine(WORLD, correlation=correlation)} | {
        f"without_{name}": average for name, average in leave_one_out(WORLD, correlation=correlation).items()
    }
    extras: dict[str, Any] = {
        "oblique_fit": fits,
        "world": {name: average.to_dict() for name, average in averages.items()},
        "zpole": _z_pole(z_pole),
        "slips_in_sources": [vars(slip) for slip in SLIPS],
    }
    if "leptophobic_u1r" in verdict.models:
        best = verdict.models["leptophobic_u1r"].region.best
        extras["z_prime"] = _z_prime(best["m_zprime"], best["g_prime"], pdf)
    return extras


def _check_place(folder: Path) -> None:
    """Complain about an impossible folder before the work, not after; nothing is touched."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise FormatError(f"-o {folder}: {existing} is not a folder one may write to; choose another place")


def _write(folder: Path, verdict: Verdict, content: dict[str, Any], inputs: SMInputs, averages: Any) -> None:
    """Everything into a new folder beside the target, which takes its place when complete."""
    from wmassfit.interchange import replaced_files
    from wmassfit.report import electroweak_plots, electroweak_regions, electroweak_tables
    from wmassfit.report.electroweak_style import save_figures

    tables = {
        "measurements": electroweak_tables.measurements(verdict),
        "required": electroweak_tables.required(verdict),
        "zpole": electroweak_tables.z_pole(),
        "world": electroweak_tables.averages(averages),
        "slips": electroweak_tables.slips(),
    }
    figures = {
        "ladder": electroweak_plots.ladder(verdict),
        "m_w_m_t": electroweak_plots.mass_against_top(verdict, inputs=inputs),
        "m_w_sin2theta": electroweak_plots.mass_against_angle(verdict, inputs=inputs),
        "zpole_g_y": electroweak_regions.portal_scan(),
    }
    if verdict.models:
        tables["models"] = electroweak_tables.models(verdict)
        tables["constraints"] = electroweak_tables.constraints(verdict)
        figures |= {f"region_{name}": electroweak_regions.region(m.region) for name, m in verdict.models.items()}
    with replaced_files(folder) as target:
        (target / "confront.json").write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
        (target / "summary.txt").write_text(verdict.summary() + "\n", encoding="utf-8")
        electroweak_tables.write_tables(tables, target)
        save_figures(figures, target)


@click.command("confront")
@click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FIT]")
@click.option("--m-w", type=float, default=None, help="Measured W mass in MeV, instead of a file.")
@click.option("--uncertainty", type=float, default=None, help="Its total uncertainty in MeV.")
@click.option("--observables", type=click.Choice(["zpole"]), default=None, help="Only χ² and pulls of the Z pole.")
@click.option("--sm", default="computed", show_default=True, help="Prediction: computed, or one published: CMS, CDF, …")
@click.option("--input", "assignments", multiple=True, metavar="NAME=VALUE", help="Standard Model input; repeatable.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="Scan this model only; repeatable.")
@click.option("--no-models", is_flag=True, help="Standard Model and measurements alone.")
@click.option("--points", type=click.IntRange(10, 500), default=160, show_default=True, help="Grid points an axis.")
@click.option("--world-rho", type=float, default=0.0, help="Correlation between any two measurements.")
@click.option("--world-correlation", type=click.Path(path_type=Path), help="Their correlation matrix, 6 × 6 CSV.")
@click.option("--zpole-correlation", type=click.Path(path_type=Path), help="Z-pole correlation matrix, 19 × 19 CSV.")
@click.option("--pdf", default=None, help="Parton densities of the Z′ cross section: name or path.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=None, help="Folder for JSON, CSV, PNG, PDF.")
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output; all else on standard error.")
def command(
    file: Path | None,
    m_w: float | None,
    uncertainty: float | None,
    observables: str | None,
    sm: str,
    assignments: tuple[str, ...],
    models: tuple[str, ...],
    no_models: bool,
    points: int,
    world_rho: float,
    world_correlation: Path | None,
    zpole_correlation: Path | None,
    pdf: str | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Hold the W mass of FIT (fit.h5, summary.json) or --m-w against the Standard Model, measurements, and models.

    For each model: the parameters that give this mass, and whether its other constraints allow them.
    """
    try:
        z_pole_matrix, world_matrix = _matrix(zpole_correlation), _matrix(world_correlation)
        if observables is not None:
            _show_z_pole(_z_pole(z_pole_matrix), as_json=as_json)
            return
        from wmassfit.electroweak import combine, confront, leave_one_out, published

        if output is not None:
            _check_place(output)
        inputs = _inputs(assignments)
        verdict = confront(
            _estimate(file, m_w, uncertainty),
            inputs=inputs,
            sm=None if sm == "computed" else published(sm),
            models=() if no_models else models or "all",
            points=points,
        )
        extras = _extras(verdict, inputs, rho=world_rho, world=world_matrix, z_pole=z_pole_matrix, pdf=pdf)
        content = verdict.to_dict() | extras
        if output is not None:
            correlation = world_rho if world_matrix is None else world_matrix
            rest = leave_one_out(correlation=correlation)
            averages = {"all": combine(correlation=correlation)} | {f"without {k}": v for k, v in rest.items()}
            _write(output, verdict, content, inputs, averages)
    except WmassfitError as error:
        click.echo(f"wmassfit: {error}", err=True)
        sys.exit(2)
    if as_json:
        console.print_json(content)
        return
    click.echo(verdict.summary())
    fit = content["oblique_fit"]["t"]
    t = fit["parameters"]["t"]
    click.echo(
        f"T from m_W and the Z pole: {t['value']:.3f} ± {t['uncertainty']:.3f}, χ² {fit['chi2']:.1f}/{fit['ndf']}"
    )
    if output is not None:
        click.echo(f"tables and plots in {output}", err=True)


def _show_z_pole(columns: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        console.print_json({"zpole": columns})
        return
    names = list(columns)
    click.echo("observable      " + "".join(f"{name:>10}" for name in names))
    for observable in columns[names[0]]["pulls"]:
        click.echo(f"{observable:16}" + "".join(f"{columns[name]['pulls'][observable]:10.2f}" for name in names))
    click.echo("χ²              " + "".join(f"{columns[name]['chi2']:10.2f}" for name in names))
