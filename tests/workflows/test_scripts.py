"""Every script of the studies finds what it imports; the studies themselves run in slow tests."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "workflows").glob("*/*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_imports(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(script.parent))
    try:
        assert runpy.run_path(str(script), run_name="imported")["__doc__"]
    finally:
        for sibling in script.parent.glob("*.py"):
            sys.modules.pop(sibling.stem, None)
