"""The JSON summary of a fit, with one schema whichever verb made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wmassfit._version import __version__

if TYPE_CHECKING:  # the fit's modules load when a fit is made
    from wmassfit.electroweak import Verdict
    from wmassfit.inference import FitResult, Impacts, LinearFunction

__all__ = ["summarise"]


def summarise(
    result: FitResult,
    found: Mapping[str, Impacts] | None = None,
    *,
    at: Mapping[str, float] | None = None,
    verdict: Verdict | None = None,
    functions: Sequence[LinearFunction] = (),
) -> dict[str, Any]:
    """The one JSON schema of results. `at`: true parameter values of simulated data (others are at their start).

    A parameter that ended at a bound has `at_bound`. `functions` come under their own key, a difference of two
    parameters with its correlation to their average.
    """
    from wmassfit.inference import goodness_of_fit

    templates = result.model.templates
    parameters = {}
    for name in templates.pois:
        estimate = result[name]
        entry: dict[str, Any] = {
            "value": estimate.value,
            "uncertainty": estimate.uncertainty,
            "unit": estimate.unit,
        }
        if result.at_bound is not None and result.at_bound[result.model.index(name)]:
            entry["at_bound"] = True
        if estimate.blinded:
            entry["blinded"] = True
        elif at is not None:
            parameter = templates.parameter(name)
            entry["truth"] = parameter.display.offset + parameter.display.scale * at.get(name, parameter.start)
        parameters[name] = entry
    quality = goodness_of_fit(result, parts=False)
    p_value = quality.p_value if quality.ndf > 0 else None
    summary: dict[str, Any] = {
        "parameters": parameters,
        "converged": result.converged,
        "reason": result.reason,
        "simulated": result.data.simulated,
        "goodness_of_fit": {"statistic": quality.statistic, "ndf": quality.ndf, "p_value": p_value},
        "edm": result.edm,
        "nll": result.nll,
        "n_bins": templates.n_bins,
        "n_nuisances": len(templates.nuisances),
        "version": __version__,
    }
    if functions:
        summary["functions"] = {function.name: _function(result, function, at) for function in functions}
    if found:
        summary["impacts"] = {f"{kind}_mev": dict(table.by_group()) for kind, table in found.items()}
    if verdict is not None:
        summary["verdict"] = verdict.to_dict()
    return summary


def _function(result: FitResult, function: LinearFunction, at: Mapping[str, float] | None) -> dict[str, Any]:
    from wmassfit.inference.functions import average

    estimate = result.linear(function)
    entry: dict[str, Any] = {
        "coefficients": dict(function.coefficients),
        "value": estimate.value,
        "uncertainty": estimate.uncertainty,
        "unit": estimate.unit,
    }
    middle = average(function)
    if middle is not None:
        entry["correlation_with_average"] = float(result.linear_correlation([function, middle])[0, 1])
    if estimate.blinded:
        entry["blinded"] = True
    elif at is not None:
        templates = result.model.templates
        entry["truth"] = function.constant(templates) + float(
            function.vector(templates) @ result.model.vector(dict(at))
        )
    return entry
