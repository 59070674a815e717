"""A small LHAPDF set made for these tests: two sub-grids, three flavours, a Hessian pair."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

X = np.geomspace(1e-4, 1.0, 9)
Q = (np.array([1.3, 2.0, 3.1, 4.75]), np.array([4.75, 10.0, 80.0, 200.0, 1000.0]))
FLAVOURS = (-2, 2, 21)

INFO = """\
SetDesc: 'a set for tests'
Format: lhagrid1
NumMembers: 3
Flavors: [-2, 2, 21]
ErrorType: hessian
ErrorConfLevel: 90
XMin: 1.0e-04
XMax: 1
QMin: 1.3
QMax: 1.0e+03
AlphaS_MZ: 0.118
AlphaS_Qs: [1.3, 2.0, 4.75, 4.75, 91.1876, 1000]
AlphaS_Vals: [0.38, 0.30, 0.216, 0.214, 0.118, 0.088]
"""


def density(member: int, x: np.ndarray, q: np.ndarray, flavour: int) -> np.ndarray:
    """Smooth in ln x and ln Q, different for members and flavours, with a step at the threshold."""
    value = (1.0 + 0.1 * member) * x**-0.2 * (1 - x) ** (2 + abs(flavour) % 20) * (1 + 0.1 * np.log(q))
    return value + 0.01 * flavour * (q > 4.75)


def write_set(folder: Path, name: str = "Toy", *, info: str = INFO) -> Path:
    """Write the set to folder/name and return that folder."""
    place = folder / name
    place.mkdir(parents=True)
    (place / f"{name}.info").write_text(info)
    for member in range(3):
        lines = ["PdfType: error", "Format: lhagrid1", "---"]
        for part, q in enumerate(Q):
            above = q + (1e-9 if part else 0.0)  # the threshold itself belongs to the upper sub-grid
            rows = [
                " ".join(f"{density(member, np.array(xi), np.array(qi), f):.15e}" for f in FLAVOURS)
                for xi in X
                for qi in above
            ]
            knots = [" ".join(f"{k:.15e}" for k in X), " ".join(f"{k:.15e}" for k in q)]
            lines += [*knots, " ".join(map(str, FLAVOURS)), *rows, "---"]
        (place / f"{name}_{member:04d}.dat").write_text("\n".join(lines) + "\n")
    return place


@pytest.fixture(scope="session")
def toy() -> SimpleNamespace:
    """Its knots, its function, its .info text, and how to write it."""
    return SimpleNamespace(x=X, q=Q, flavours=FLAVOURS, info=INFO, density=density, write=write_set)
