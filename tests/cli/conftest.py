"""Templates of the small recipe with few bins and points, as the command line makes them, for tests that read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from wmassfit.cli import main


@pytest.fixture(scope="session")
def quick() -> tuple[str, ...]:
    """Options of `wmassfit generate` that make the small recipe smaller."""
    return ("--set", "generation.kernel.log2_points=8", "--set", "generation.eta.bins=6")


@pytest.fixture(scope="session")
def without_data(quick: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the templates alone, to be read only."""
    return _made(tmp_path_factory.mktemp("small") / "bare.root", quick)


@pytest.fixture(scope="session")
def with_data(quick: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the templates and pseudo-data at m_W of 40 MeV more, to be read only."""
    return _made(tmp_path_factory.mktemp("small") / "t.root", (*quick, "--data", "pseudo", "--at", "m_w=40"))


def _made(path: Path, options: tuple[str, ...]) -> Path:
    answer = CliRunner().invoke(main, ["generate", "small", *options, "-o", str(path)])
    assert answer.exit_code == 0, answer.output
    return path
