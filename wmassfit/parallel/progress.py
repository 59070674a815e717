"""How long jobs report: a callback, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Progress"]

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called as progress(stage, done, total); total is None where it is not known beforehand."""
