"""What is to be read: the tree, its branches and its pieces, found out before the first event is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from wmassfit.errors import FormatError, RecipeError
from wmassfit.interchange.events.config import EventsConfig, WeightsConfig
from wmassfit.interchange.events.expressions import Expression
from wmassfit.interchange.registry import existing_file
from wmassfit.interchange.root.file import opened_root
from wmassfit.templateset.arrays import nearest

__all__ = ["Column", "Piece", "Plan", "Variation", "plan", "tree_in"]

_PIECE_BYTES = 64_000_000
"""Of all branches of one piece in memory, as float64: what a worker needs, whatever the size of the files."""
_MOST_ENTRIES = 500_000
_SIDE = re.compile(r"_?(up|down)$", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """One weight of each event: a branch, or an element of one."""

    branch: str
    element: int | None = None


@dataclass(frozen=True)
class Variation:
    """A nuisance parameter: the weights of its upper and, unless it is the mirror image, its lower side.

    `over`: what they are divided by.
    """

    name: str
    config: WeightsConfig
    up: Column
    down: Column | None = None
    over: Expression | None = None


@dataclass(frozen=True)
class Piece:
    """Entries of a tree that are read at once."""

    path: Path
    tree: str
    start: int
    stop: int


@dataclass(frozen=True)
class Plan:
    """All pieces of all files and what is read of them. Picklable, and the same whoever carries it out."""

    config: EventsConfig
    axes: Mapping[str, Expression]
    weight: Expression | None
    where: Expression | None
    transverse_mass: Expression | None
    variations: tuple[Variation, ...]
    pieces: tuple[Piece, ...]

    @property
    def branches(self) -> tuple[str, ...]:
        """Every branch that is read."""
        return _branches(self.expressions, self.variations)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """All formulas but those that ratios are divided by."""
        given = (*self.axes.values(), self.weight, self.where, self.transverse_mass)
        return tuple(one for one in given if one is not None)

    @property
    def entries(self) -> int:
        """Of all files."""
        return sum(piece.stop - piece.start for piece in self.pieces)


def _branches(expressions: Sequence[Expression], variations: Sequence[Variation]) -> tuple[str, ...]:
    names = [name for one in expressions for name in one.branches]
    for variation in variations:
        names += [side.branch for side in (variation.up, variation.down) if side is not None]
        names += variation.over.branches if variation.over is not None else ()
    return tuple(dict.fromkeys(names))


def plan(files: Sequence[str | Path], config: EventsConfig, axes: Sequence[str]) -> Plan:
    """Look into all files: trees, branches, numbers of entries; `axes` are the names of the axes to fill.

    Raises RecipeError for a description that lacks an axis, FormatError for a file that is missing, truncated, without
    the tree, without a branch, or empty.
    """
    missing = [name for name in axes if name not in config.branches]
    if missing:
        raise RecipeError(
            f"branches: nothing says what {missing[0]} is; add `{missing[0]}: BRANCH` or --branch {missing[0]}=BRANCH"
        )
    unknown = [name for name in config.branches if name not in (*axes, "mt")]
    if unknown:
        raise RecipeError(f"branches, {unknown[0]}: the recipe has no such axis; it has {', '.join(axes)}, and mt")
    expressions = {name: Expression(text, f"branches, {name}") for name, text in config.branches.items()}
    weight = None if config.weight is None else Expression(config.weight, "weight")
    where = None if config.where is None else Expression(config.where, "where")
    given = (*expressions.values(), *(one for one in (weight, where) if one is not None))
    pieces: list[Piece] = []
    variations: tuple[Variation, ...] | None = None
    for name in files:
        path = existing_file(name)
        with opened_root(path) as file:
            tree = tree_in(file, config.tree, path)
            if tree.num_entries == 0:
                raise FormatError(f"{path}, tree {tree.name}: has no entries; leave the file out, or make it again")
            if variations is None:
                variations = _variations(tree, config, path)
            needed = _branches(given, variations)
            width = sum(_width(tree, branch, path) for branch in needed)
            step = int(np.clip(_PIECE_BYTES // (8 * width), 1000, _MOST_ENTRIES))
            pieces += [
                Piece(path, tree.name, a, min(a + step, tree.num_entries)) for a in range(0, tree.num_entries, step)
            ]
    assert variations is not None
    return Plan(
        config,
        {name: expressions[name] for name in axes},
        weight,
        where,
        expressions.get("mt"),
        variations,
        tuple(pieces),
    )


def tree_in(file: Any, name: str | None, path: Path) -> Any:
    """The tree called `name`, or the only one, or Events. FormatError where there is none, or a choice."""
    kinds = file.classnames(cycle=False)
    trees = [key for key, kind in kinds.items() if kind == "TTree"]
    tuples = [key for key, kind in kinds.items() if kind.endswith("RNTuple")]
    if tuples and not trees:
        raise FormatError(
            f"{path}: {tuples[0]} is an RNTuple, and events are read from a TTree; write one (uproot: mktree)"
        )
    if name is None:
        if not trees:
            raise FormatError(f"{path}: has no tree; events come in a TTree")
        if len(trees) != 1 and "Events" not in trees:
            raise FormatError(f"{path}: has the trees {', '.join(trees[:8])}; choose one with --tree")
        name = trees[0] if len(trees) == 1 else "Events"
    if name not in trees:
        raise FormatError(f"{path}: has no tree {name!r}; {nearest(name, trees) if trees else 'it has none at all'}")
    return file[name]


def _width(tree: Any, branch: str, path: Path) -> int:
    """How many numbers an entry of a branch has, by its first entries. FormatError for one that is not there."""
    if branch not in tree:
        raise FormatError(
            f"{path}, tree {tree.name}: has no branch {branch!r}; {nearest(branch, tree.keys())} "
            "(--branch, --weight and --where say which branch is what)"
        )
    import awkward

    first = tree[branch].array(entry_stop=min(100, tree.num_entries), library="ak")
    if first.ndim == 1:
        return 1
    return max(1, round(float(awkward.mean(awkward.num(first)))))


def _variations(tree: Any, config: EventsConfig, path: Path) -> tuple[Variation, ...]:
    found: list[Variation] = []
    for weights in config.variations:
        over = None if weights.over is None else Expression(weights.over, f"variations, {weights.group}, over")
        found += [replace(one, over=over) for one in _of_group(tree, weights, config.weight, path)]
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RecipeError(f"variations: two parameters would be called {twice}; give them groups of different names")
    return tuple(found)


def _of_group(tree: Any, config: WeightsConfig, nominal: str | None, path: Path) -> list[Variation]:
    """The parameters that the branches of one description make."""
    branches = [key for key in tree.keys() if fnmatchcase(key, config.branch) and key != nominal]  # noqa: SIM118
    if not branches:
        raise FormatError(
            f"{path}, tree {tree.name}: no branch is called {config.branch!r}, the weights of {config.group}; "
            f"{nearest(config.branch, tree.keys())}"
        )
    start = config.branch.partition("*")[0]
    if config.is_array:
        return [
            one
            for branch in branches
            for one in _of_array(config, branch, _name(branch, start, config), _width(tree, branch, path), path)
        ]
    sides: dict[str, dict[str, str]] = {}
    for branch in branches:
        side = _SIDE.search(branch)
        if side is None:
            sides.setdefault(branch, {})["up"] = branch
            continue
        partner = _other_side(branch, side)
        of = {side[1].lower(): branch, **({_other(side[1]): partner} if partner in tree else {})}
        if "up" not in of:
            raise FormatError(f"{path}, tree {tree.name}: has {branch}, but no {partner}; add it, or leave both out")
        sides[branch[: side.start()]] = of
    return [
        Variation(_name(base, start, config), config, Column(of["up"]), Column(of["down"]) if "down" in of else None)
        for base, of in sides.items()
    ]


def _other(side: str) -> str:
    return "down" if side.lower() == "up" else "up"


def _other_side(branch: str, side: re.Match[str]) -> str:
    """The name of the branch with the other direction, written in the same case."""
    word = side[1]
    other = _other(word)
    other = other.upper() if word.isupper() else other.capitalize() if word[0].isupper() else other
    return branch[: side.start(1)] + other


def _name(branch: str, start: str, config: WeightsConfig) -> str:
    """What stands for the *, or the group's name."""
    rest = _SIDE.sub("", branch.removeprefix(start)).strip("_") if "*" in config.branch else ""
    return rest or config.group


def _of_array(config: WeightsConfig, branch: str, name: str, size: int, path: Path) -> list[Variation]:
    """The parameters in an array of weights of `size` elements."""
    for label, pair in config.elements.items():
        if max(pair) >= size:
            raise FormatError(f"{path}, branch {branch}: has {size} elements, but {label} is to be number {max(pair)}")
    if config.elements:
        return [
            Variation(label, config, Column(branch, pair[0]), Column(branch, pair[1]) if len(pair) > 1 else None)
            for label, pair in config.elements.items()
        ]
    if size < 3 or (config.members == "hessian" and size % 2 == 0):
        shape = "a nominal one and pairs" if config.members == "hessian" else "a nominal one and at least two"
        raise FormatError(
            f"{path}, branch {branch}: has {size} elements, {config.members} members are {shape}; name parameters "
            "with `elements` instead"
        )
    members = range(1, size)
    pairs = zip(members[::2], members[1::2], strict=True) if config.members == "hessian" else ((m,) for m in members)
    digits = len(str(size))
    return [
        Variation(
            f"{name}_{k:0{digits}d}",
            config,
            Column(branch, pair[0]),
            Column(branch, pair[1]) if len(pair) > 1 else None,
        )
        for k, pair in enumerate(pairs, start=1)
    ]
