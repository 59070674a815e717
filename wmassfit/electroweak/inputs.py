"""Inputs of the Standard Model prediction: value, uncertainty and source of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from wmassfit.electroweak.constants import M_HIGGS, M_TOP, M_Z_PDG
from wmassfit.errors import PhysicsError

__all__ = ["PDG_2024", "Input", "SMInputs"]


@dataclass(frozen=True)
class Input:
    """One measured number with its standard uncertainty."""

    value: float
    uncertainty: float = 0.0
    unit: str = ""
    source: str = ""


_PLAUSIBLE = {
    "m_z": (90.0, 92.5),
    "m_h": (1.0, 10000.0),
    "m_t": (140.0, 210.0),
    "alpha_s": (0.05, 0.25),
    "delta_alpha_had": (0.02, 0.04),
}
"""Where the parametrisations mean anything; outside, a unit is wrong."""


@dataclass(frozen=True)
class SMInputs:
    """The five numbers the Standard Model needs: m_Z, m_H, m_t (pole) in GeV, α_s(M_Z) and Δα_had⁽⁵⁾(M_Z)."""

    m_z: Input = Input(M_Z_PDG, 0.0020, "GeV", "PDG 2024")
    m_h: Input = Input(M_HIGGS, 0.11, "GeV", "PDG 2024")
    m_t: Input = Input(M_TOP, 0.29, "GeV", "PDG 2024, direct measurements")
    alpha_s: Input = Input(0.1180, 0.0009, "", "PDG 2024")
    delta_alpha_had: Input = Input(0.02768, 0.0001, "", "PDG 2022, uncertainty widened to cover PDG 2024")

    def __post_init__(self) -> None:
        for name, entry in self.items():
            if not entry.value > 0 or not entry.uncertainty >= 0:
                raise PhysicsError(
                    f"Standard Model input {name} = {entry.value} ± {entry.uncertainty}: the value must be positive "
                    "and the uncertainty at least zero"
                )
            low, high = _PLAUSIBLE[name]
            if not low <= entry.value <= high:
                limits = f"{low:g} … {high:g} {entry.unit}".rstrip()
                raise PhysicsError(
                    f"Standard Model input {name} = {entry.value:g} lies outside {limits}: check its unit"
                )

    def items(self) -> Iterator[tuple[str, Input]]:
        """(name, input) in the order of the fields."""
        return ((field.name, getattr(self, field.name)) for field in fields(self))

    def values(self) -> dict[str, float]:
        """Central values by name, ready to be passed on as keyword arguments."""
        return {name: entry.value for name, entry in self.items()}

    def with_values(self, **values: float) -> SMInputs:
        """The same inputs with some central values replaced.

        >>> PDG_2024.with_values(m_t=173.0).m_t.value
        173.0

        Raises `PhysicsError` for a name that is not an input, or a value that is not positive.
        """
        known = dict(self.items())
        for name in values:
            if name not in known:
                raise PhysicsError(f"unknown Standard Model input {name!r}: choose among {', '.join(known)}")
        return replace(self, **{name: replace(known[name], value=value) for name, value in values.items()})


PDG_2024 = SMInputs()
"""Masses and α_s of PDG 2024; Δα_had⁽⁵⁾ = 0.02768 ± 0.0001."""
