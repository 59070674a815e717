"""Every error wmassfit raises on purpose: one family, each message with place, value and remedy."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

__all__ = [
    "ConvergenceError",
    "FormatError",
    "PhysicsError",
    "RecipeError",
    "TemplateError",
    "UnsupportedFeature",
    "WmassfitError",
    "listed",
]


# What stands between words.
_BETWEEN = r"\s:;,()"


class WmassfitError(Exception):
    """Base class. The command line prints its message and leaves with exit code 2."""


class RecipeError(WmassfitError):
    """A recipe, an override or an option asks for something that cannot be."""


class TemplateError(WmassfitError):
    """A template, a parameter or a data set is inconsistent: a NaN yield, a wrong bin count, an unknown name."""


class FormatError(WmassfitError):
    """A file cannot be read or written: missing, truncated, of another version, or not what its name says."""


class UnsupportedFeature(FormatError):
    """A file is valid in its own format and asks for something that cannot be expressed here."""


def listed(problems: Iterable[str], between: str = "; ", *, most: int = 20, names: Collection[str] = ()) -> str:
    """What is wrong, each thing once; beyond so many, how many more there are.

    What differs in `names` alone is one thing: the first of them stands for all.

    >>> listed(["no axis", "no data", "no axis"]), listed("abc", ", ", most=2)
    ('no axis; no data', 'a, b, and 1 more')
    >>> listed(["W: jes is bent", "t jets: jer is bent", "W is odd"], names={"W", "t jets", "jes", "jer"})
    'W: jes is bent (and 1 more like this); W is odd'
    """
    # A number may be a name, and is a bin's as well.
    words = {name for name in names if not name.isdigit()}
    broken = sorted((re.escape(name) for name in words if re.search(f"[{_BETWEEN}]", name)), key=len, reverse=True)
    word = re.compile("|".join([*broken, f"[^{_BETWEEN}]+"]))
    alike: dict[str, list[str]] = {}
    for problem in dict.fromkeys(problems):
        kind = word.sub(lambda found: "…" if found[0] in words else found[0], problem)
        alike.setdefault(kind, []).append(problem)
    distinct = [
        found[0] + (f" (and {len(found) - 1} more like this)" if len(found) > 1 else "") for found in alike.values()
    ]
    more = [f"and {len(distinct) - most} more"] if len(distinct) > most else []
    return between.join([*distinct[:most], *more])


class PhysicsError(WmassfitError):
    """A physics input lies outside the domain of the formula asked for (tachyonic, singular, out of range)."""


class ConvergenceError(WmassfitError):
    """Raised on request when a fit did not converge; `result` holds everything the fit found."""

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result
