"""What a user is told where there is no plain number: nothing to test, no signal strength."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from wmassfit.cli import main


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def workspace(path: Path, *, signal: float = 5.0, background: tuple[str, ...] = (), poi: str = "mu") -> Path:
    """One bin with a signal of strength mu, and a background with free normalisations and one nuisance parameter."""
    modifiers: list[dict[str, Any]] = [{"name": name, "type": "normfactor", "data": None} for name in background]
    modifiers.append({"name": "rate", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}})
    samples = [
        {"name": "s", "data": [signal], "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]},
        {"name": "b", "data": [50.0], "modifiers": modifiers},
    ]
    content = {
        "version": "1.0.0",
        "channels": [{"name": "SR", "samples": samples}],
        "observations": [{"name": "SR", "data": [55]}],
        "measurements": [{"name": "m", "config": {"poi": poi, "parameters": []}}],
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_nothing_to_test(tmp_path: Path) -> None:
    path = tmp_path / "fit.h5"
    assert run("fit", workspace(tmp_path / "w.json"), "-o", path).exit_code == 0
    answer = run("gof", path)
    assert answer.exit_code == 0
    assert "nothing to test" in answer.stdout
    assert "nan" not in answer.stdout


def test_limits_are_on_signal_strengths(tmp_path: Path) -> None:
    file = workspace(tmp_path / "w.json")
    assert run("limit", file).exit_code == 0
    answer = run("limit", file, "--poi", "rate")
    assert answer.exit_code == 2
    assert "rate" in answer.stderr
    answer = run("limit", workspace(tmp_path / "none.json", poi=""))
    assert answer.exit_code == 2
    assert "--poi" in answer.stderr
    answer = run("limit", file, "--what", "discovery", "--toys", "10")
    assert answer.exit_code == 2
    assert "--toys" in answer.stderr
