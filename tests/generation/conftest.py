"""What the tests of generation share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def brute() -> ModuleType:
    """The event loop of one muon. One module name for all tests: compiled loops are cached with it."""
    spec = importlib.util.spec_from_file_location("brute_force", Path(__file__).with_name("brute_force.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
