"""Random curvature problems of every structure, with the same matrix built the obvious way."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.sparse import csr_array

from wmassfit.linalg import CurvaturePlan, Jacobian, Prior


@dataclass
class Problem:
    """A pattern, terms on it and a prior."""

    pattern: csr_array
    dense: np.ndarray
    terms: list[tuple[Jacobian, np.ndarray]]
    prior: Prior
    couplings: list[np.ndarray] = field(default_factory=list)
    border: list[int] = field(default_factory=list)

    @property
    def n(self) -> int:
        return self.pattern.shape[1]

    def matrix(self) -> np.ndarray:
        """H by dense numpy."""
        h = np.diag(self.prior.diagonal).astype(float)
        for indices, block in self.prior.blocks:
            h[np.ix_(indices, indices)] += block
        for jacobian, weights in self.terms:
            j = jacobian.sparse.toarray()
            j[:, jacobian.dense_columns] += jacobian.dense
            h += j.T @ (weights[:, None] * j)
        return h

    def plan(self, path: str | None = None) -> CurvaturePlan:
        return CurvaturePlan.analyse(self.pattern, self.dense, couplings=self.couplings, border=self.border, path=path)


def problem(
    rng: np.random.Generator,
    touches: list[list[int]],
    *,
    n_dense: int = 0,
    processes: int = 2,
    couplings: tuple[tuple[int, ...], ...] = (),
    free: int = 0,
    negative: float = 0.0,
    shuffle: bool = True,
) -> Problem:
    """`touches` [bins] lists the local parameters (0 … n_local − 1) in each bin; positions are shuffled.

    `couplings` names local parameters; `free` of the dense ones have no prior and stand in the border by request;
    `negative` is the size of the entry-level weights below zero, relative to the bin-level ones.
    """
    bins = len(touches)
    n_local = 1 + max((p for row in touches for p in row), default=-1)
    n = n_local + n_dense
    place = rng.permutation(n) if shuffle else np.arange(n)
    local, dense = place[:n_local], place[n_local:].astype(np.int32)
    rows = [r for r, row in enumerate(touches) for _ in row]
    columns = [local[p] for row in touches for p in row]
    pattern = csr_array((np.ones(len(rows)), (rows, columns)), shape=(bins, n))

    def term(copies: int, fraction: float) -> Jacobian:
        row, column = [], []
        for r, inside in enumerate(touches):
            for copy in range(copies):
                for p in inside:
                    if rng.random() < fraction:
                        row.append(r * copies + copy)
                        column.append(local[p])
        data = rng.normal(size=len(row))
        sparse = csr_array((data, (row, column)), shape=(bins * copies, n))
        sparse.indices = sparse.indices.astype(np.int32)
        sparse.indptr = sparse.indptr.astype(np.int32)
        return Jacobian(rng.normal(size=(bins * copies, n_dense)), dense, sparse)

    terms = [(term(1, 1.0), rng.uniform(0.2, 2.0, size=bins))]
    entry = term(processes, 0.6)
    weights = rng.uniform(0.0, 0.5, size=bins * processes)
    if negative:
        weights = rng.uniform(-negative, negative, size=bins * processes)
    weights[rng.random(weights.size) < 0.1] = 0.0
    terms.append((entry, weights))
    diagonal = rng.uniform(0.5, 2.0, size=n)
    border = [int(d) for d in dense[:free]]
    diagonal[border] = 0.0
    blocks, sets = [], []
    for members in couplings:
        root = rng.normal(size=(len(members),) * 2)
        indices = local[list(members)].astype(np.int32)
        blocks.append((indices, root @ root.T))
        sets.append(indices)
    built = Problem(pattern, dense, terms, Prior(diagonal, tuple(blocks)), sets, border)
    if negative:
        # Indefinite as a sum of terms; the prior lifts the lowest eigenvalue to one half.
        diagonal += 0.5 - np.linalg.eigvalsh(built.matrix())[0]
    return built


def cells(count: int, bins: int, parameters: int) -> list[list[int]]:
    """Separate cells of some bins each, all of a cell's parameters in each of its bins."""
    return [[c * parameters + p for p in range(parameters)] for c in range(count) for _ in range(bins)]


def singles(count: int) -> list[list[int]]:
    """One parameter a bin."""
    return [[p] for p in range(count)]


def chain(count: int) -> list[list[int]]:
    """Each bin couples two neighbouring parameters."""
    return [[p, p + 1] for p in range(count - 1)]


def grid(side: int) -> list[list[int]]:
    """Each bin couples a parameter of a square grid with its right and upper neighbours."""
    index = np.arange(side * side).reshape(side, side)
    return [
        sorted({int(index[i, j]), int(index[min(i + 1, side - 1), j]), int(index[i, min(j + 1, side - 1)])})
        for i in range(side)
        for j in range(side)
    ]


def percolated(rng: np.random.Generator, bins: int, parameters: int) -> list[list[int]]:
    """A few parameters of any kind in each bin."""
    rows = [sorted(rng.choice(parameters, size=int(rng.integers(0, 4)), replace=False).tolist()) for _ in range(bins)]
    rows[-1] = sorted({*rows[-1], parameters - 1})
    return rows


def mixed(rng: np.random.Generator) -> list[list[int]]:
    """Cells of several sizes, some above what is stacked, with two parameters that span cells."""
    rows, at = [], 0
    for size in (1, 1, 1, 3, 3, 7, 20, 24):
        rows += [[at + p for p in range(size) if size < 16 or rng.random() < 0.7] for _ in range(5)]
        at += size
    return [[*row, at + int(r % 2)] for r, row in enumerate(rows)]


@pytest.fixture(scope="session")
def systems() -> SimpleNamespace:
    """The builders of this file."""
    return SimpleNamespace(
        problem=problem, cells=cells, singles=singles, chain=chain, grid=grid, percolated=percolated, mixed=mixed
    )


def _cases(rng: np.random.Generator) -> dict[str, Problem]:
    return {
        "separate blocks": problem(rng, cells(7, 4, 5), n_dense=6),
        "large blocks": problem(rng, cells(3, 30, 25), n_dense=4),
        "blocks of all sizes": problem(rng, mixed(rng), n_dense=3, free=1),
        "all size one": problem(rng, singles(40), n_dense=3),
        "size one without border": problem(rng, singles(40)),
        "blocks without border": problem(rng, cells(6, 3, 4)),
        "no locals": problem(rng, [[] for _ in range(60)], n_dense=12, free=2),
        "chain": problem(rng, chain(50), n_dense=4),
        "grid": problem(rng, grid(7), n_dense=4, free=1),
        "percolated": problem(rng, percolated(rng, 80, 40), n_dense=5),
        "coupled": problem(rng, cells(6, 4, 3), n_dense=3, couplings=((0, 1, 4), (2, 9, 10, 16))),
        "negative weights": problem(rng, cells(5, 6, 4), n_dense=5, negative=0.4),
        "negative weights, large blocks": problem(rng, cells(2, 25, 20), n_dense=5, negative=0.3),
        "fewer bins than parameters": problem(rng, cells(3, 2, 10), n_dense=20),
        "fewer bins, coupled": problem(rng, cells(3, 2, 20), n_dense=5, couplings=((0, 25), (25, 3, 50))),
        "one parameter": problem(rng, singles(1)),
    }


@pytest.fixture(scope="session")
def cases() -> dict[str, Problem]:
    """One problem of each structure."""
    return _cases(np.random.default_rng(20))
