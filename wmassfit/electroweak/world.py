"""Direct measurements of m_W by experiment."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WORLD", "Measurement"]


@dataclass(frozen=True)
class Measurement:
    """A published m_W: value and total uncertainty in MeV."""

    name: str
    value_mev: float
    uncertainty_mev: float
    reference: str


WORLD: tuple[Measurement, ...] = (
    Measurement("LEP", 80376.0, 33.0, "ALEPH, DELPHI, L3, OPAL, arXiv:1302.3415"),
    Measurement("D0", 80375.0, 23.0, "D0, arXiv:1310.8628"),
    Measurement("CDF", 80433.5, 9.4, "CDF, Science 376 (2022) 170"),
    Measurement("LHCb", 80354.0, 32.0, "LHCb, arXiv:2109.01113"),
    Measurement("ATLAS", 80366.5, 15.9, "ATLAS, arXiv:2403.15085"),
    Measurement("CMS", 80360.2, 9.9, "CMS, arXiv:2412.13872"),
)
"""One measurement an experiment (LEP's four combined), in the order of publication."""
