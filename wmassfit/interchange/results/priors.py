"""Correlated priors of parameters from another fit: values and covariance in a small YAML file.

```yaml
format: wmassfit priors
format_version: "1.0"
origin: what was fitted
pdf: CT18NNLO # the set whose directions the parameters are
parameters: [pdf_01, pdf_02]
values: [0.2, -0.1]
covariance: [[0.9, 0.0], [0.0, 0.8]]
```
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from wmassfit.errors import FormatError, TemplateError
from wmassfit.interchange.atomic import replaced_file
from wmassfit.templateset import Array, Gaussian

__all__ = ["Priors", "read_priors", "write_priors"]

FORMAT, VERSION = "wmassfit priors", "1.0"
_KEYS = {"format", "format_version", "origin", "pdf", "parameters", "values", "covariance"}


@dataclass(frozen=True, eq=False)
class Priors:
    """Values [k] and covariance [k, k] of parameters, the set whose directions they are, and where they are from."""

    parameters: tuple[str, ...]
    values: Array
    covariance: Array
    pdf: str
    origin: str

    def constraint(self, name: str) -> Gaussian:
        """The correlated Gaussian constraint they are."""
        return Gaussian(name, self.parameters, self.values, self.covariance)


def write_priors(priors: Priors, path: str | Path) -> None:
    """Write priors as YAML, the whole file or nothing. Raises TemplateError for values that cannot be a constraint."""
    priors.constraint("priors")
    content = {
        "format": FORMAT,
        "format_version": VERSION,
        "origin": priors.origin,
        "pdf": priors.pdf,
        "parameters": list(priors.parameters),
        "values": [float(v) for v in priors.values],
        "covariance": [[float(v) for v in row] for row in priors.covariance],
    }
    with replaced_file(path) as part:
        part.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120), encoding="utf-8")


def read_priors(path: str | Path) -> Priors:
    """Priors from a file that `write_priors` wrote.

    Raises FormatError, naming file and place, for one that is missing, damaged, of another version, or that holds a
    covariance that is not symmetric and positive definite.
    """
    place = Path(path)
    try:
        content: Any = yaml.load(
            place.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
    except OSError as error:
        raise FormatError(f"{place}: cannot be read: {error}; make it with workflows/published") from error
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise FormatError(f"{place}: not YAML: {' '.join(str(error).split())}; make it again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FormatError(f"{place}: does not say `format: {FORMAT}`; make it with workflows/published")
    version = str(content.get("format_version"))
    if version.split(".")[0] != VERSION.split(".")[0]:
        raise FormatError(
            f"{place}: format_version {version}; this program reads {VERSION}, make the file again with it"
        )
    missing = sorted(_KEYS - content.keys())
    if missing:
        raise FormatError(f"{place}: {missing[0]!r} is missing; make the file again")
    names = content["parameters"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FormatError(f"{place}, parameters: {names!r} is not a list of names")
    try:
        values, covariance = (np.asarray(content[key], dtype=np.float64) for key in ("values", "covariance"))
        made = Priors(tuple(names), values, covariance, str(content["pdf"]), str(content["origin"]))
        if covariance.ndim != 2:
            raise TemplateError(f"covariance must be a matrix, got shape {covariance.shape}")
        made.constraint("priors")
    except (TypeError, ValueError, TemplateError) as error:
        raise FormatError(f"{place}: {error}; make the file again") from error
    return made
