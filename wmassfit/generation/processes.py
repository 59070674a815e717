"""Names of the processes, and the order of the charge axis."""

__all__ = [
    "CHARGES",
    "DIBOSON",
    "MASS_LABELS",
    "MASS_PARAMETERS",
    "NONPROMPT",
    "PHOTON_INDUCED",
    "PROCESS_LABELS",
    "SIGNAL",
    "SIGNALS",
    "TAU",
    "TOP",
    "TOP_DIBOSON",
    "ZMUMU",
    "ZTAUTAU",
]

CHARGES = (-1, 1)
"""Muon charges in the order of the charge axis."""

SIGNAL, TAU, ZMUMU, TOP, DIBOSON, NONPROMPT = "Wmunu", "Wtaunu", "Zmumu", "top", "diboson", "nonprompt"
PHOTON_INDUCED = "photon_induced"
ZTAUTAU, TOP_DIBOSON = "Ztautau", "top_diboson"

SIGNALS = {"W": SIGNAL, "Z": ZMUMU}
"""The process that is measured, by boson of the recipe."""

MASS_PARAMETERS = {"W": "m_w", "Z": "m_z"}
MASS_LABELS = {"m_w": r"$m_W$", "m_z": r"$m_Z$"}
"""The parameter of interest: a shift in MeV from the recipe's mass."""

PROCESS_LABELS = {
    SIGNAL: r"$W\to\mu\nu$",
    TAU: r"$W\to\tau\nu$",
    ZMUMU: r"$Z\to\mu\mu$",
    TOP: "top",
    DIBOSON: "diboson",
    PHOTON_INDUCED: r"$\gamma\gamma\to\mu\mu$",
    NONPROMPT: "nonprompt",
    ZTAUTAU: r"$Z\to\tau\tau$",
    TOP_DIBOSON: "top, diboson",
}
"""What plots call them."""
