"""From sums of weights to expected events: cross section, luminosity, and what all weights add up to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wmassfit.errors import FormatError, RecipeError
from wmassfit.interchange.events.filling import Filled
from wmassfit.interchange.events.planning import Plan, tree_in
from wmassfit.interchange.root.file import opened_root

__all__ = ["normalisation"]


def normalisation(
    filled: Filled, plan: Plan, *, cross_section_pb: float | None, sum_of_weights: str | None, luminosity_fb: float
) -> float:
    """Factor σ L/Σw from weights to events at a luminosity; 1 without a cross section: weights are events already.

    `sum_of_weights`: a number, TREE/BRANCH whose entries add up to it (Runs/genEventSumw), or None: the nominal weights
    of all entries of the files, which have to be all that were generated. Raises RecipeError for sums that are not
    positive, FormatError for branches that are not there.
    """
    if cross_section_pb is None:
        if sum_of_weights is not None:
            raise RecipeError(f"--sum-of-weights {sum_of_weights}: has a meaning with --cross-section only")
        return 1.0
    total = _total(filled, plan, sum_of_weights)
    if not (math.isfinite(total) and total > 0):
        raise RecipeError(
            f"--cross-section {cross_section_pb:g}: the weights of all entries add up to {total:g}, which normalises "
            "nothing; give --sum-of-weights"
        )
    return 1e3 * luminosity_fb * cross_section_pb / total


def _total(filled: Filled, plan: Plan, given: str | None) -> float:
    if given is None:
        return filled.total_weight
    try:
        return float(given)
    except ValueError:
        pass
    tree_name, _, branch = given.partition("/")
    paths: Sequence[Path] = list(dict.fromkeys(piece.path for piece in plan.pieces))
    total = 0.0
    for path in paths:
        with opened_root(path) as file:
            tree = tree_in(file, tree_name, path)
            if branch not in tree:
                raise FormatError(
                    f"{path}, tree {tree_name}: has no branch {branch!r}; write --sum-of-weights TREE/BRANCH or a "
                    "number"
                )
            total += float(np.sum(tree[branch].array(library="np")))
    return total
