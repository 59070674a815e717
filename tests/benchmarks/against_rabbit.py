"""rabbit-fit and wmassfit on one tensor of CMS size: a fit with covariance, and an Asimov fit with impacts.

    WMASSFIT_RABBIT=/environment/with/rabbit-fit/bin/python python tests/benchmarks/against_rabbit.py FOLDER

The environment needs rabbit-fit, tensorflow and tf_keras. The tensor (2,880 bins x 6 processes x 4,860 systematics,
Barlow-Beeston lite) holds the numbers of `synthetic.w_like`, written by rabbit's own writer: what rabbit has no form
for, the mass morph and the free normalisation, are symmetric log-normals here, on both sides. Each program runs as a
process of its own, whose time from start to end, CPU time and largest resident size the kernel tells. The lines that
are printed go to FOLDER/against_rabbit.json too. Needs 8 GB of free memory, and some minutes.

Measured with rabbit-fit 0.2.5 (tensorflow, dense tensor) on 2 cores that other work used as well, wmassfit with one
BLAS thread:

| | seconds | CPU seconds | GB |
| --- | --- | --- | --- |
| rabbit_fit, pseudo-data, covariance | 174.6 | 157.2 | 6.21 |
| wmassfit fit | 3.4 | 3.8 | 0.57 |

On an otherwise idle machine rabbit_fit took 88.3 s, and 76.1 s for an Asimov fit with nominal and global impacts, which
takes 1.5 s in process. A third of the command line's CPU time is the reading of the tensor, 0.68 GB behind gzip. m_W is
2.2608395916 ± 0.8881002346 in units of 10 MeV for both, 6e-8 σ apart; all 4,858 nominal and global impacts agree to
1.6e-13 of the uncertainty.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from wmassfit.likelihood import Model
from wmassfit.templateset import Factor, Modifier, Morph, Scale, TemplateSet

HERE = Path(__file__).parent
MASS_UNIT = 10.0  # MeV: what rabbit's parameter of the mass is in units of
NORM = 1.05


class Used(NamedTuple):
    """Seconds from start to end, CPU seconds and largest resident size (GB) of one process."""

    what: str
    seconds: float
    cpu_seconds: float
    gigabytes: float


def straight(modifier: Modifier) -> Modifier:
    """The same as a symmetric log-normal."""
    if isinstance(modifier, Morph):
        up = modifier.ratios[int(np.flatnonzero(modifier.points == MASS_UNIT)[0])]
        return Scale(modifier.parameter, up=up, code="lognormal")
    if isinstance(modifier, Factor):
        return Scale(modifier.parameter, up=NORM, code="lognormal")
    assert isinstance(modifier, Scale)
    return replace(modifier, code="lognormal")


def expressible(templates: TemplateSet) -> TemplateSet:
    """The templates with symmetric log-normals alone; free parameters start at 0."""
    channels = tuple(
        replace(c, processes=tuple(replace(p, modifiers=tuple(map(straight, p.modifiers))) for p in c.processes))
        for c in templates.channels
    )
    return replace(templates, channels=channels, parameters=tuple(replace(p, start=0.0) for p in templates.parameters))


def write_tensor(python: Path, templates: TemplateSet, path: Path) -> None:
    """rabbit's input, with pseudo-data, by rabbit's writer."""
    model = Model(templates)
    data = model.pseudodata(1, at={"m_w": 2.0}, throw="none")
    constrained = {name for constraint in templates.constraints for name in constraint.parameters}
    arrays: dict[str, Any] = {
        "channels": [c.name for c in templates.channels],
        "processes": [p.name for p in templates.channels[0].processes],
        "free": [name for name in templates.parameter_names if name not in constrained],
    }
    for channel in templates.channels:
        arrays[f"{channel.name}/data"] = data.counts[channel.name]
        for process in channel.processes:
            key = f"{channel.name}/{process.name}"
            ratios = np.ones((len(process.modifiers), channel.n_bins))
            for row, modifier in zip(ratios, process.modifiers, strict=True):
                assert isinstance(modifier, Scale)
                row[slice(None) if modifier.bins is None else modifier.bins] = modifier.up
            arrays[f"{key}/nominal"], arrays[f"{key}/variance"] = process.nominal, process.variance
            arrays[f"{key}/names"], arrays[f"{key}/ratios"] = [m.parameter for m in process.modifiers], ratios
    source = path.with_suffix(".npz")
    np.savez(source, **arrays)
    measured("rabbit's writer", [str(python), str(HERE / "rabbit_tensor.py"), str(source), str(path)])
    source.unlink()


def measured(what: str, command: list[str], *, out: Path | None = None) -> Used:
    """Run a command and ask the kernel what it used. Raises RuntimeError with the end of its errors if it fails."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    errors = Path(command[-1] if out is None else out).with_suffix(".log")
    begin = time.perf_counter()
    with errors.open("w") as log, (out or Path(os.devnull)).open("w") as answer:
        process = subprocess.Popen(command, stdout=answer, stderr=log, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise RuntimeError(f"{what} ended with {process.returncode}: {errors.read_text()[-2000:]}")
    # Linux counts in kB.
    used = Used(what, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9)
    print(f"{what:45} {seconds:8.1f} s {used.cpu_seconds:8.1f} CPU s {used.gigabytes:6.2f} GB", flush=True)
    return used


def theirs(python: Path, tensor: Path, folder: Path, what: str, *options: str) -> tuple[Used, dict[str, Any]]:
    """rabbit_fit on the tensor; its numbers as read inside its environment."""
    out = folder / "rabbit"
    command = [str(python.with_name("rabbit_fit")), str(tensor), "--POIMode", "none", "--unblind", "-o", str(out)]
    used = measured(what, [*command, *options, "--outname", "fit.hdf5"], out=folder / "rabbit_fit.txt")
    judge = HERE.parent / "interchange" / "rabbit" / "rabbit_judge.py"
    shown = subprocess.run(
        [str(python), str(judge), "show", str(out / "fit.hdf5")], capture_output=True, text=True, check=True
    )
    return used, json.loads(shown.stdout.splitlines()[-1])


def ours(tensor: Path, folder: Path, what: str, *options: str) -> tuple[Used, dict[str, Any]]:
    """`wmassfit fit` on the tensor."""
    out = folder / "wmassfit_fit.txt"
    main = "from wmassfit.cli import main; main()"
    used = measured(what, [sys.executable, "-c", main, "fit", str(tensor), "--json", *options], out=out)
    return used, json.loads(out.read_text())


def in_process(tensor: Path, folder: Path, what: str, *options: str) -> tuple[Used, dict[str, Any]]:
    """The library on the tensor: fit, constraints, impacts and covariance, in seconds by stage."""
    out = folder / "in_process.txt"
    used = measured(what, [sys.executable, str(HERE / "in_process.py"), str(tensor), *options], out=out)
    return used, json.loads(out.read_text())


def run(python: Path, templates: TemplateSet, folder: Path, *, with_impacts: bool = True) -> dict[str, Any]:
    """Write the tensor unless it is there, let both programs fit it, and compare."""
    tensor = folder / "tensor.hdf5"
    if not tensor.exists():
        write_tensor(python, expressible(templates), tensor)
    here, answer = ours(tensor, folder, "wmassfit fit, covariance")
    library, stages = in_process(tensor, folder, "wmassfit in process, with impacts", "observed")
    there, found = theirs(python, tensor, folder, "rabbit_fit, covariance", "-t", "0")
    mass, sigma = found["values"]["m_w"], found["uncertainties"]["m_w"]
    estimate = answer["parameters"]["m_w"]
    agreement = {
        "rabbit": [mass, sigma],
        "wmassfit": [estimate["value"], estimate["uncertainty"]],
        "difference_over_sigma": (estimate["value"] - mass) / sigma,
        "ratio_of_uncertainties": estimate["uncertainty"] / sigma,
    }
    print(json.dumps(agreement))
    report = {"fit": compared(here, library, there, stages), "m_w": agreement}
    if with_impacts:
        library, stages = in_process(
            tensor, folder, "wmassfit in process, Asimov, impacts", "asimov", "details", "covariance"
        )
        options = ("-t", "-1", "--doImpacts", "--globalImpacts")
        there, found = theirs(python, tensor, folder, "rabbit_fit, Asimov, impacts", *options)
        gaps: dict[str, float] = {}
        for kind, by in (("nominal", found["impacts"]["m_w"]), ("global", found["global_impacts"]["m_w"])):
            mine = stages.pop(kind)
            gaps[kind] = max(abs(abs(mine[k]) - abs(by[k])) for k in mine) / found["uncertainties"]["m_w"]
        print("largest difference of impacts, over sigma", gaps)
        report["impacts"] = compared(None, library, there, stages) | {"largest difference over sigma": gaps}
    return report


def main() -> None:
    """Print and keep the comparison at CMS's size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--skip-impacts", action="store_true", help="leave out the Asimov fits with impacts")
    arguments = parser.parse_args()
    python = Path(os.environ["WMASSFIT_RABBIT"])
    folder: Path = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    spec = importlib.util.spec_from_file_location("synthetic", HERE / "synthetic.py")
    assert spec is not None
    assert spec.loader is not None
    synthetic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(synthetic)
    report = run(python, synthetic.w_like(), folder, with_impacts=not arguments.skip_impacts)
    (folder / "against_rabbit.json").write_text(json.dumps(report, indent=2))


def compared(here: Used | None, library: Used, there: Used, stages: dict[str, Any]) -> dict[str, Any]:
    """Ratios of times and memory."""
    report: dict[str, Any] = {"rabbit": there._asdict(), "wmassfit in process": library._asdict(), "stages": stages}
    for name, used in (("command line", here), ("in process", library)):
        if used is not None:
            report[name] = {
                "times faster": there.seconds / used.seconds,
                "times less memory": there.gigabytes / used.gigabytes,
            }
            print(name, {key: round(value, 1) for key, value in report[name].items()})
    return report


if __name__ == "__main__":
    main()
