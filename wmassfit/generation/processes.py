"""Names of the processes, and the order of the charge axis."""

__all__ = ["CHARGES", "DIBOSON", "NONPROMPT", "SIGNAL", "TAU", "TOP", "ZMUMU"]

CHARGES = (-1, 1)
"""Muon charges in the order of the charge axis."""

SIGNAL, TAU, ZMUMU, TOP, DIBOSON, NONPROMPT = "Wmunu", "Wtaunu", "Zmumu", "top", "diboson", "nonprompt"
