"""How time and memory grow with bins, nuisance parameters and toys: a table, a plot, and exponents.

    python tests/benchmarks/growth.py FOLDER [--quick]

Every point is a process of its own, which compiles a model of `structured`, fits pseudo-data and gives the
uncertainties of all parameters (or throws and fits toys), and tells its CPU seconds and its largest resident size. The
table goes to FOLDER/growth.csv, the plot to FOLDER/growth.pdf. Exponents are those of the upper half of each series,
where what does not grow (some 0.1 GB for the interpreter and its libraries) counts least. One BLAS thread.

Measured on 2 shared cores, CPU seconds from compiling to uncertainties (power) and GB:

| | smallest | largest, alone | chain | grid |
| --- | --- | --- | --- | --- |
| 500-50,000 bins, 400 nuisances | 0.03 s, 0.10 | 0.18 s (0.6), 0.16 | 0.21 s (0.6), 0.17 | 0.22 s (0.6), 0.17 |
| 50,000 bins, 100-20,000 nuisances | 0.14 s, 0.16 | 0.70 s (0.5), 0.20 | 0.90 s (0.4), 0.22 | 1.31 s (0.5), 0.28 |
| 1-5,000 toys, 500 bins, 100 nuisances | 0.01 s, 0.10 | | 4.1 s (1.0), 0.12 | |

Powers below one say that the constant parts, and what grows with the other size, are still larger than the growth.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from wmassfit.inference import fit, toys
from wmassfit.likelihood import Model

HERE = Path(__file__).parent
BINS = (500, 1_500, 5_000, 15_000, 50_000)
NUISANCES = (100, 300, 1_000, 3_000, 10_000, 20_000)
TOYS = (1, 10, 100, 1_000, 5_000)
COLUMNS = ("series", "kind", "bins", "nuisances", "toys", "path", "compile_s", "fit_s", "toys_s", "gigabytes")


def peak_gigabytes() -> float:
    """The largest this process has been. ru_maxrss counts what it was a copy of, too: the test run that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def points(*, quick: bool) -> list[dict[str, Any]]:
    """What to run: series, kind, bins, nuisances, toys."""
    found: list[dict[str, Any]] = []
    largest = 5_000 if quick else 50_000
    for kind in ("alone", "chain", "grid"):
        found += [
            {"series": "bins", "kind": kind, "bins": b, "nuisances": 400, "toys": 0} for b in BINS if b <= largest
        ]
        found += [
            {"series": "nuisances", "kind": kind, "bins": largest, "nuisances": n, "toys": 0}
            for n in NUISANCES
            if n <= (2 * largest) // 5
        ]
    found += [
        {"series": "toys", "kind": "chain", "bins": 500, "nuisances": 100, "toys": t}
        for t in TOYS
        if t <= largest // 10
    ]
    return found


def load(name: str) -> ModuleType:
    """A module of this folder, which is not a package."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measure(point: dict[str, Any]) -> dict[str, Any]:
    """One point, in this process."""
    templates = load("structured").structured(point["kind"], point["bins"], point["nuisances"])
    marks = [time.process_time()]
    model = Model(templates)
    path = model.plan.path
    marks.append(time.process_time())
    result = fit(model, model.pseudodata(1), strict=True)
    assert np.all(np.isfinite(list(result.uncertainties().values())))
    marks.append(time.process_time())
    if point["toys"]:
        assert toys(result, point["toys"], seed=1).failures == 0
    marks.append(time.process_time())
    seconds = np.diff(marks)
    memory = peak_gigabytes()
    times = dict(zip(("compile_s", "fit_s", "toys_s"), seconds.round(4).tolist(), strict=True))
    return point | {"path": path} | times | {"gigabytes": round(memory, 3)}


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The power with which values grow over the upper half of a series."""
    half = max(2, len(sizes) // 2 + 1)
    return float(np.polyfit(np.log(sizes[-half:]), np.log(values[-half:]), 1)[0])


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Time and memory of each series, with the exponents in the legend."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(13, 7), sharex="col", layout="constrained")
    for column, series in enumerate(("bins", "nuisances", "toys")):
        kinds = list(dict.fromkeys(r["kind"] for r in rows if r["series"] == series))
        for kind in kinds:
            chosen = [r for r in rows if r["series"] == series and r["kind"] == kind]
            x = [r[series] for r in chosen]
            seconds = [r["toys_s"] if series == "toys" else r["compile_s"] + r["fit_s"] for r in chosen]
            for axis, values in zip(axes[:, column], (seconds, [r["gigabytes"] for r in chosen]), strict=True):
                axis.loglog(x, values, "o-", label=f"{kind}: power {exponent(x, values):.2f}")
        what = "toys" if series == "toys" else "compile, fit, uncertainties"
        axes[0, column].set_title(f"{what}")
        axes[1, column].set_xlabel({"nuisances": "nuisance parameters"}.get(series, series))
        for axis, label in zip(axes[:, column], ("CPU seconds", "largest resident size [GB]"), strict=True):
            axis.set_ylabel(label)
            axis.legend()
    figure.savefig(path)
    plt.close(figure)


def main() -> None:
    """Run all points, one process after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help="up to 5,000 bins, 2,000 nuisance parameters, 500 toys")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.point is not None:
        print(json.dumps(measure(json.loads(arguments.point))))
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for point in points(quick=arguments.quick):
        command = [sys.executable, __file__, str(arguments.folder), "--point", json.dumps(point)]
        answer = subprocess.run(
            command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        rows.append(json.loads(answer.stdout))
        print("  ".join(f"{rows[-1][c]}" for c in COLUMNS), flush=True)
    with (arguments.folder / "growth.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    plot(rows, arguments.folder / "growth.pdf")


if __name__ == "__main__":
    main()
