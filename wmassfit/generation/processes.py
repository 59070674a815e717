"""Names of the processes, and the order of the charge axis."""

__all__ = ["CHARGES", "DIBOSON", "NONPROMPT", "PROCESS_LABELS", "SIGNAL", "TAU", "TOP", "ZMUMU"]

CHARGES = (-1, 1)
"""Muon charges in the order of the charge axis."""

SIGNAL, TAU, ZMUMU, TOP, DIBOSON, NONPROMPT = "Wmunu", "Wtaunu", "Zmumu", "top", "diboson", "nonprompt"

PROCESS_LABELS = {
    SIGNAL: r"$W\to\mu\nu$",
    TAU: r"$W\to\tau\nu$",
    ZMUMU: r"$Z\to\mu\mu$",
    TOP: "top",
    DIBOSON: "diboson",
    NONPROMPT: "nonprompt",
}
"""What plots call them."""
