"""The nonprompt background from a fit of its sidebands, with the engine that fits m_W."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wmassfit.errors import RecipeError
from wmassfit.generation.abcd import COEFFICIENTS
from wmassfit.generation.expectation import expect
from wmassfit.generation.scale import ScaleCalibration
from wmassfit.generation.settings import GenerationConfig
from wmassfit.generation.sideband_templates import coefficient_names
from wmassfit.generation.sidebands import Sidebands, expect_sidebands
from wmassfit.generation.tag_and_probe import polynomials
from wmassfit.inference import FitResult, fit
from wmassfit.likelihood import Model
from wmassfit.pdf import PdfSet
from wmassfit.templateset import Array, Dataset

__all__ = ["NonpromptEstimate", "expected_sidebands", "fit_sidebands"]


@dataclass(frozen=True, eq=False)
class NonpromptEstimate:
    """What the sidebands say of the signal region.

    `predicted` [η, p_T, charge] are the events of D; `coefficients` [η, charge, 4] those of ln D, as changes from where
    the templates start, and `covariance` [η, charge, 4, 4] theirs. Cells share nothing, so there are no others.
    """

    predicted: Array
    coefficients: Array
    covariance: Array
    fit: FitResult

    def uncertainty(self) -> Array:
        """Of ln D, [η, p_T, charge]."""
        design = polynomials(self.predicted.shape[1], COEFFICIENTS)
        return np.asarray(np.sqrt(np.einsum("pk,eckl,pl->epc", design, self.covariance, design)))


def expected_sidebands(config: GenerationConfig, pdf: PdfSet, *, seed: int, workers: int = 2) -> Sidebands:
    """Sidebands of a recipe's prediction. Raises RecipeError where its nonprompt group is missing."""
    group = getattr(config.nuisances, "nonprompt", None)
    if group is None:
        raise RecipeError("generation.nuisances.nonprompt: missing; this group of a recipe says what sidebands hold")
    unused = ScaleCalibration(config.eta.edges, np.eye(3 * config.eta.bins), "sidebands need none")
    expectation = expect(
        config,
        pdf,
        unused,
        copies=group.copies(config),
        background_copies=group.background_copies(config),
        seed=seed,
        workers=workers,
    )
    return expect_sidebands(expectation, group.truth)


def fit_sidebands(model: Model, data: Dataset) -> NonpromptEstimate:
    """Fit `sideband_templates`. Raises ConvergenceError where that does not converge."""
    result = fit(model, data, strict=True)
    shape = model.templates.channel("D").shape
    names = coefficient_names(shape[0])
    flat = [name for row in names for cell in row for name in cell]
    cells = (shape[0], shape[2])
    values = np.array([result.values[model.index(name)] for name in flat])
    matrix = result.covariance(flat).reshape(-1, COEFFICIENTS, len(flat) // COEFFICIENTS, COEFFICIENTS)
    covariance = matrix[np.arange(len(matrix)), :, np.arange(len(matrix)), :]
    return NonpromptEstimate(
        model.expected(result.values, channel="D").reshape(shape),
        values.reshape(*cells, COEFFICIENTS),
        covariance.reshape(*cells, COEFFICIENTS, COEFFICIENTS),
        result,
    )
