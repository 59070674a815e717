"""Fixtures every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference() -> Callable[[str], Path]:
    """Path of an outside input: a skip where WMASSFIT_REFERENCE is unset, a failure where the file is missing."""

    def find(name: str) -> Path:
        folder = os.environ.get("WMASSFIT_REFERENCE")
        if not folder:
            pytest.skip(f"needs the outside input {name}: set WMASSFIT_REFERENCE to the folder that holds it")
        path = Path(folder).resolve() / name
        assert path.exists(), f"WMASSFIT_REFERENCE is set, but {path} is missing"
        return path

    return find
