"""Combine datacards: counting experiments and ROOT histograms, without ROOT or CMSSW.

What the lines mean is taken from Combine's documentation and arXiv:2404.06614.

| card | here |
| --- | --- |
| process ids ≤ 0 | signal, multiplied by `r`, the parameter of interest |
| lnN κ, a/b | log-normal κ^θ; asymmetric log-normal, smooth within |θ| = ½ |
| lnU, shapeU | as lnN and shape, with θ free in [−1, 1] |
| shape, shape? | fractions of events interpolated as differences (a polynomial within the smooth region, straight \
outside; its width is the smallest effect of the process, at most 1), and the normalisation as an asymmetric \
log-normal, left out where it changes by less than 10⁻³ both ways, as Combine does |
| shapeN, shapeN2, shapeN? | the same with logarithms of the fractions, normalised again |
| gmN N α | Poisson constraint on the N events, factor α |
| rateParam, param, extArg | factors: numbers and products of parameters; Gaussian constraints |
| autoMCStats | see `mcstats` |
| group, nuisance edit | groups; rename, add, drop, changepdf, freeze |

Without autoMCStats the rate multiplies the shape; with it the histogram is the yield. Negative yields are cropped as
Combine crops them, but for yields that become negative by a variation in a channel with autoMCStats. Refused by name:
RooFit workspaces, formulas other than products, the types trG, unif, dFD, gmM, constr and discrete, edits
split, merge and flip.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from wmassfit.errors import FormatError, TemplateError
from wmassfit.interchange.combine.build import build
from wmassfit.interchange.combine.edits import edited
from wmassfit.interchange.combine.merge import merged, renamed
from wmassfit.interchange.combine.parse import parse_card, with_lines
from wmassfit.interchange.combine.write import write_combine
from wmassfit.interchange.registry import Format, split_name
from wmassfit.templateset import TemplateSet

__all__ = ["FORMAT", "read_combine", "write_combine"]


def read_combine(
    *paths: str | Path,
    names: Sequence[str] | None = None,
    mass: float | str | None = None,
    keywords: Mapping[str, str] | None = None,
    poi_bounds: tuple[float, float] = (0.0, 20.0),
    lines: Sequence[str] = (),
    outside: bool = False,
) -> TemplateSet:
    """Templates from a datacard, or from several whose channels are put side by side.

    Parameters
    ----------
    paths
        Cards. "name=card.txt" names the channel of a card (with several channels: its prefix). Without, a card that
        stands alone keeps its names, and several take the names of their files.
    names
        The same names, apart.
    mass, keywords
        What $MASS and other $WORDs in shapes lines stand for.
    poi_bounds
        Bounds of r.
    lines
        More lines, as if they stood at the end of the (combined) card: "rate_top rateParam * top 1 [0,5]".
    outside
        Whether cards may name files outside of their own folder.

    Raises
    ------
    FormatError
        A missing file or histogram, contradictions within a card, with the line or the histogram.
    UnsupportedFeature
        Something that a card may ask for and that has no counterpart here.
    """
    if names is not None and len(names) != len(paths):
        raise FormatError(f"{len(names)} names for {len(paths)} cards")
    cards = []
    for i, given in enumerate(paths):
        name, path = split_name(given)
        if names is not None:
            name = names[i]
        card = edited(parse_card(path))
        if name is None and len(paths) > 1:
            name = re.sub(r"\W", "_", path.stem)
            name = name if re.match(r"[A-Za-z_]", name) else f"_{name}"
        cards.append(card if name is None else renamed(card, name))
    words = dict(keywords or {})
    if mass is not None:
        words["MASS"] = str(int(mass)) if isinstance(mass, float) and mass.is_integer() else str(mass)
    whole = edited(with_lines(merged(cards), lines))
    try:
        return build(whole, keywords=words, poi_bounds=poi_bounds, outside=outside)
    except TemplateError as error:
        raise FormatError(f"{cards[0].path}: {error}") from error


def _is_card(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="strict") as file:
            return re.search(r"^\s*(imax|process)\s", file.read(1 << 20), re.MULTILINE) is not None
    except (OSError, UnicodeDecodeError):
        return False


FORMAT = Format(
    name="combine",
    approximation=("bounded", {"mc_stat": "autoMCStats"}),
    suffixes=(".txt", ".card"),
    read=read_combine,
    write=write_combine,
    recognises=_is_card,
    several=True,
    writes=lambda thing: isinstance(thing, TemplateSet),
)
