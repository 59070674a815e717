"""The command line as a whole: help, exit codes, one clear message for bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from wmassfit._version import __version__
from wmassfit.cli import VERBS, main


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(runner: CliRunner, verb: str) -> None:
    result = runner.invoke(main, [verb, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from wmassfit.cli import main; "
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0; "
        "print([m for m in ('numpy', 'scipy', 'matplotlib', 'hist', 'numba', 'pyhf', 'rich') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_version(runner: CliRunner) -> None:
    assert __version__ in runner.invoke(main, ["--version"]).output


def test_a_mistyped_verb_gets_a_hint(runner: CliRunner) -> None:
    result = runner.invoke(main, ["impact"])
    assert result.exit_code == 2
    assert "Did you mean impacts?" in result.output


def test_schema_is_json(runner: CliRunner) -> None:
    assert json.loads(runner.invoke(main, ["schema"]).output)["title"] == "Recipe"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nothing.yaml", "-o", "OUT"], "there is no such file"),
        (["run", "small", "-o", "OUT", "--set", "generation.lumi=3"], "unknown key"),
        (["run", "small", "-o", "OUT", "--set", "novalue"], "write it as --set NAME=VALUE"),
        (["run", "small", "-o", "OUT", "--at", "m_w=fast"], "'fast' is not a finite number"),
        (["run", "small", "-o", "FILE"], "is a file"),
        (["run", "small", "-o", "OUT", "--data", "observed"], "makes no real data"),
        (["run", "small", "-o", "FILE/below"], "cannot be written"),
        (["generate", "small", "-o", "t.root", "--set", "generation.pdf.path=OUT/none"], "generation.pdf"),
        (["generate", "small", "-o", "missing/t.root"], "there is no folder"),
        (["generate", "small", "-o", "t.docx"], "t.docx"),
        (["fit", "none.root"], "none.root"),
        (["fit", "FILE"], "FILE"),
    ],
)
def test_bad_input_is_one_message_and_leaves_nothing(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("not a folder", encoding="utf-8")
    result = runner.invoke(main, arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    left = {p.name for p in tmp_path.rglob("*")} - {"FILE", "OUT"}
    assert not left
