"""The whole job of a recipe. Each stage is saved when it is done."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wmassfit.errors import RecipeError
from wmassfit.interchange import read, staged_folder, write
from wmassfit.pipeline.data import make_data
from wmassfit.pipeline.summary import summarise
from wmassfit.pipeline.templates import generate
from wmassfit.templateset import TemplateSet

if TYPE_CHECKING:  # the fit's modules load when a fit is made
    from concurrent.futures import Executor

    from wmassfit.electroweak import Verdict
    from wmassfit.inference import FitResult, Impacts
    from wmassfit.parallel import Progress
    from wmassfit.recipe import Recipe

__all__ = ["RunResult", "run"]


@dataclass
class _Stopwatch:
    """Seconds of each stage, in order; says which stage is at work."""

    progress: Progress | None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        if self.progress is not None:
            self.progress(stage, 0, None)
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 3)
        if self.progress is not None:
            self.progress(stage, 1, 1)


@dataclass(frozen=True)
class RunResult:
    """Everything `run` made; `summary` is what summary.json holds."""

    templates: TemplateSet
    fit: FitResult
    impacts: Mapping[str, Impacts]
    verdict: Verdict | None
    summary: Mapping[str, Any]


def run(
    recipe: Recipe,
    folder: str | Path,
    *,
    data: str | None = None,
    at: Mapping[str, float] | None = None,
    seed: int | None = None,
    histograms: str = "compact",
    workers: int = 2,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> RunResult:
    """The whole job. Leaves templates.root, fit.h5, summary.json, tables and plots in `folder`.

    `data`, `at` and `seed` replace what the recipe says. Each stage is saved in
    `folder`/unfinished when it is done; at the end all files take their places, so that results of two runs never mix.
    Raises FormatError before anything is computed if `folder` is not writable or another run is at work in it.
    """
    from wmassfit.electroweak import confront
    from wmassfit.inference import fit, impacts, pulls
    from wmassfit.likelihood import Model
    from wmassfit.report import report

    seed = recipe.seed if seed is None else seed
    at = {**recipe.fit.at, **(at or {})}
    clock = _Stopwatch(progress)

    kind = data or recipe.fit.data
    if kind == "observed":
        raise RecipeError(
            "--data observed: a recipe makes no real data; choose asimov or pseudo, or `wmassfit fit FILE`"
        )
    for name in ("templates.root", "fit.h5", "summary.json"):
        if (Path(folder) / name).is_dir():
            raise RecipeError(f"-o {folder}: {name} in it is a folder; choose another place")
    with staged_folder(folder) as part:
        with clock("generate"):
            templates = generate(recipe, seed=seed, workers=workers, executor=executor, progress=progress)
        with clock("write"):
            write(templates, part / "templates.root", histograms=histograms)
        with clock("read"):
            templates = read(part / "templates.root")
        with clock("compile"):
            model = Model(templates)
        dataset = make_data(model, kind, seed=seed, at=at, throw=recipe.fit.throw)
        with clock("fit"):
            result = fit(model, dataset, minimizer=recipe.fit.minimizer)
            result.uncertainties()
        write(result, part / "fit.h5")
        with clock("impacts"):
            # a recipe without a parameter of interest asks for the goodness of its fit alone
            poi = templates.pois[0] if templates.pois else None
            found = {kind: impacts(result, of=poi, kind=kind) for kind in ("nominal", "global")} if poi else {}
        write(result, part / "fit.h5", impacts=found)
        verdict = confront(result[poi]) if poi == "m_w" and result[poi].unit == "MeV" else None
        with clock("report"):
            report([templates, result, *found.values(), pulls(result), verdict], folder=part)
        summary = summarise(result, found, at=at if dataset.simulated else None, verdict=verdict)
        summary |= {"recipe": recipe.name, "seed": seed, "timing_s": clock.seconds}
        text = json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False)
        (part / "summary.json").write_text(text + "\n", encoding="utf-8")
    return RunResult(templates, result, found, verdict, summary)
