"""Blinding: fits of real data give some parameters shifted by an amount that only a key knows.

Templates ask for it (`blind: [m_w]` in a recipe, `metadata["blind"]`). The model that is fitted then has x + o for x
in every parametrisation of the parameter named (m_w, m_w_plus, m_w_eta_0, …: the same o, so that comparing them tells
nothing). So values, scans, refits, toys, verdicts and files all hold shifted numbers, and there is no true one to hide;
yields, −ln L, uncertainties, impacts, pulls and goodness of fit do not change. A parameter that is itself a difference
(`m_w_diff`, `delta_m_w`), and a linear function whose coefficients add up to zero, get another shift. Whoever subtracts
two blinded masses by hand sees their true difference.

o is uniform in ±100 MeV: HMAC-SHA256(key, parameter). Simulated data are blinded only if `blind_simulated` asks for it,
and then by another o, since their truth is known. The key comes from WMASSFIT_BLIND_KEY, or from the file that
WMASSFIT_BLIND_KEY_FILE names. Files hold a fingerprint of the key, so that another key is refused.

This keeps honest people from seeing: templates and data are in the file, and a fit without the request shows all.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wmassfit.errors import RecipeError
from wmassfit.inference.functions import LinearFunction
from wmassfit.likelihood import Model
from wmassfit.templateset import Array, Dataset, TemplateSet

if TYPE_CHECKING:
    from wmassfit.inference.result import FitResult

__all__ = ["KEY", "KEY_FILE", "Blinding", "asked", "blind", "restore", "stored", "unblind"]

KEY, KEY_FILE = "WMASSFIT_BLIND_KEY", "WMASSFIT_BLIND_KEY_FILE"

_RANGE_MEV = 100.0
_UNITS = {"MeV": 1.0, "GeV": 1e-3}
_DIFFERENCE = re.compile(r"(^|_)(diff|difference|delta)(_|$)")
_SHORTEST = 8


@dataclass(frozen=True)
class Blinding:
    """What a blinded fit knows of it: parameters by name, with the physical one each belongs to; a fingerprint of the
    key; `differences`, the shift of functions of a physical parameter's blinded parameters that add up to zero [MeV];
    `simulated`, whether the data were. Nothing of it but `differences` is secret, and that is written nowhere."""

    parameters: Mapping[str, str]
    fingerprint: str
    simulated: bool
    differences: Mapping[str, float]

    def shift(self, function: LinearFunction, templates: TemplateSet) -> float:
        """What a linear function gets besides what its parameters have, in its unit: 0 unless they cancel in it."""
        total = 0.0
        for physical, difference in self.differences.items():
            inside = [a for p, a in function.coefficients.items() if a and self.parameters.get(p) == physical]
            if len(inside) > 1 and abs(sum(inside)) < 1e-6 * max(map(abs, inside)):
                total += difference * _UNITS.get(function.shown_unit(templates), 1.0)
        return total


def asked(templates: TemplateSet, data: Dataset) -> dict[str, str]:
    """The parameters that a fit of these data has to blind, each with the physical one it is a parametrisation of."""
    metadata = templates.metadata
    names = metadata.get("blind") or ()
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise RecipeError(f"blind: {names!r} is not a list of names; write it as blind: [m_w]")
    if data.simulated and not metadata.get("blind_simulated", False):
        return {}
    found: dict[str, str] = {}
    for physical in names:
        mine = [p for p in templates.parameter_names if _is(p, physical)]
        if not mine:
            raise RecipeError(
                f"blind: the templates have no parameter {physical}, nor one that begins with {physical}_"
            )
        found |= dict.fromkeys(mine, physical)
    return found


def _is(name: str, physical: str) -> bool:
    bare = name.removeprefix("delta_").removeprefix("diff_")
    return bare == physical or bare.startswith(f"{physical}_")


def secret(key: str | None = None) -> str:
    """The key: as given, or from the environment. Raises RecipeError without one, and for one that is too short."""
    where = "--unblind"
    if key is None:
        key, where = os.environ.get(KEY), KEY
    if key is None and (path := os.environ.get(KEY_FILE)):
        where = f"{KEY_FILE}={path}"
        try:
            key = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"{where}: cannot be read ({error})") from error
    if key is None:
        raise RecipeError(f"these templates blind their result, which needs a key: set {KEY}, or {KEY_FILE} to a file")
    if len(key) < _SHORTEST:
        raise RecipeError(f"{where}: a key of {len(key)} characters can be guessed; take {_SHORTEST} or more")
    return key


def _hash(key: str, text: str) -> bytes:
    return hmac.new(key.encode(), f"wmassfit blinding 1: {text}".encode(), hashlib.sha256).digest()


def fingerprint(key: str) -> str:
    """What tells keys apart without telling them."""
    return _hash(key, "fingerprint").hex()[:16]


def _shift_mev(key: str, physical: str, *, difference: bool, simulated: bool) -> float:
    text = f"{physical}{', difference' * difference}{', simulated' * simulated}"
    return _RANGE_MEV * (2 * int.from_bytes(_hash(key, text)[:8]) / 2**64 - 1)


def origin(templates: TemplateSet, parameters: Mapping[str, str], key: str, *, simulated: bool) -> Array:
    """o [n] in the model's own units. Raises RecipeError for what cannot be blinded."""
    out = np.zeros(len(templates.parameters))
    tied = {name for c in (*templates.constraints, *templates.external) for name in c.parameters}
    for i, parameter in enumerate(templates.parameters):
        physical = parameters.get(parameter.name)
        if physical is None:
            continue
        unit = parameter.display.unit
        reason = (
            f"it is shown in {unit or 'no unit'}, and shifts are in MeV or GeV"
            if unit not in _UNITS
            else "it is fixed"
            if parameter.fixed
            else "its bounds would show the shift"
            if np.any(np.isfinite(parameter.bounds))
            else "it has a constraint or an external term, which would show the shift"
            if parameter.name in tied
            else ""
        )
        if reason:
            raise RecipeError(f"blind {physical}: {parameter.name} cannot be blinded: {reason}")
        shift = _shift_mev(key, physical, difference=bool(_DIFFERENCE.search(parameter.name)), simulated=simulated)
        out[i] = shift * _UNITS[unit] / parameter.display.scale
    return out


def blind(model: Model, data: Dataset, *, unblind: str | None = None) -> Model:
    """The model to fit; the given one where nothing is to be blinded, or where that has been decided.

    `unblind` is the key, and says that the true result is wanted.
    """
    if model.origin is not None:
        return model
    parameters = asked(model.templates, data)
    if not parameters:
        return model
    if unblind is not None:
        key = secret(unblind)
        known = os.environ.get(KEY) is not None or os.environ.get(KEY_FILE) is not None
        if known and not hmac.compare_digest(secret(), key):
            raise RecipeError("--unblind: this is not the key that the environment holds")
        return model.shifted(np.zeros(model.n))
    return _shifted(model, parameters, secret(), simulated=data.simulated)


def _shifted(model: Model, parameters: Mapping[str, str], key: str, *, simulated: bool) -> Model:
    shift = origin(model.templates, parameters, key, simulated=simulated)
    return model.shifted(shift, reason=_blinding(parameters, key, simulated=simulated))


def _blinding(parameters: Mapping[str, str], key: str, *, simulated: bool) -> Blinding:
    physical = dict.fromkeys(parameters.values())
    differences = {p: _shift_mev(key, p, difference=True, simulated=simulated) for p in physical}
    return Blinding(dict(parameters), fingerprint(key), simulated, differences)


def stored(model: Model) -> dict[str, Any] | None:
    """What the file of a fit has to hold; None for one that nobody asked to blind."""
    blinding = model.shifted_for
    if not isinstance(blinding, Blinding):
        return None if model.origin is None else {"lifted": True}
    return {
        "parameters": dict(blinding.parameters),
        "fingerprint": blinding.fingerprint,
        "simulated": blinding.simulated,
    }


def restore(model: Model, content: Mapping[str, Any], *, where: str) -> Model:
    """The model of a stored fit, blinded again with the key of the environment."""
    if content.get("lifted"):
        return model.shifted(np.zeros(model.n))
    try:
        key = secret()
    except RecipeError as error:
        raise RecipeError(f"{where} is blinded: {error}") from error
    if not hmac.compare_digest(fingerprint(key), content["fingerprint"]):
        raise RecipeError(f"{where} was blinded with another key than the one given")
    return _shifted(model, dict(content["parameters"]), key, simulated=bool(content["simulated"]))


def unblind(fit: FitResult, key: str) -> FitResult:
    """A blinded fit with the true values; one that is not blinded as it is. Raises RecipeError for another key."""
    blinding = fit.blinding
    if blinding is None:
        return fit
    if not hmac.compare_digest(fingerprint(secret(key)), blinding.fingerprint):
        raise RecipeError("unblind: the fit was blinded with another key")
    assert fit.model.origin is not None
    return replace(fit, model=fit.model.shifted(np.zeros(fit.model.n)), values=fit.values - fit.model.origin)
