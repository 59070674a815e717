"""wmassfit convert: what cannot be read or said is one line, exit code 2, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hist
import numpy as np
import pytest
from click.testing import CliRunner

from wmassfit import interchange
from wmassfit.cli import main
from wmassfit.inference import fit
from wmassfit.likelihood import Model
from wmassfit.templateset import Channel, Dataset, Factor, Gaussian, McStat, Parameter, Process, Scale, TemplateSet


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """The same templates in every format that is damaged here."""
    signal = Process("signal", np.array([3.0, 4.0]), signal=True, modifiers=(Factor("r"),))
    background = Process("background", np.array([30.0, 40.0]), np.array([3.0, 4.0]), modifiers=(Scale("l", up=1.1),))
    region = Channel("region", (hist.axis.Regular(2, 0, 1, name="x"),), (signal, background))
    parameters = Parameter("r", 1.0, bounds=(0, 10)), Parameter("l")
    one = Gaussian("l", ("l",), [0.0], [1.0])
    templates = TemplateSet((region,), parameters, (one,), ("r",), Dataset({"region": [33.0, 44.0]}))
    folder = tmp_path / "whole"
    folder.mkdir()
    interchange.write(templates, folder / "t.root")
    interchange.write(templates, folder / "t.h5")
    interchange.write(templates, folder / "t.hdf5", format="rabbit")
    interchange.write(templates, folder / "t.json", normsys="code1")
    interchange.write(templates, folder / "card.txt")
    return folder


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def strings(data: bytes) -> bytes:
    at = data.index(b"GCOL") + 24
    return data[:at] + b"\xff" * 8 + data[at + 8 :]


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("t.root", half, "truncated"),
        ("t.h5", half, "truncated or damaged"),
        ("t.hdf5", half, "truncated or damaged"),
        ("t.h5", strings, "strings at byte"),
        ("t.hdf5", strings, "strings at byte"),
        ("t.json", half, "JSON"),
        ("card.txt", half, "card"),
    ],
)
def test_damaged_files(whole: Path, name: str, damage: Callable[[bytes], bytes], message: str, tmp_path: Path) -> None:
    source = whole / name
    source.write_bytes(damage(source.read_bytes()))
    folder = tmp_path / "out"
    folder.mkdir()
    result = CliRunner().invoke(main, ["convert", str(source), str(folder / "out.root")])
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert str(source) in result.output
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["t.root", "t.h5", "t.hdf5", "t.json", "card.txt"])
def test_whole_files(whole: Path, name: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["convert", str(whole / name), str(tmp_path / "out.root")])
    assert result.exit_code == 0, result.output
    assert interchange.read(tmp_path / "out.root").parameter_names


def test_what_a_format_cannot_say(whole: Path, tmp_path: Path) -> None:
    templates = interchange.read(whole / "t.root")
    channel = templates.channels[0]
    smeared = Channel(channel.name, channel.axes, channel.processes, mc_stat=McStat())
    interchange.write(
        TemplateSet((smeared,), templates.parameters, templates.constraints, templates.pois, templates.observed),
        tmp_path / "smeared.root",
    )
    result = CliRunner().invoke(main, ["convert", str(tmp_path / "smeared.root"), str(tmp_path / "card.txt")])
    assert result.exit_code == 2
    assert "MC statistics of kind gamma" in result.output
    assert not (tmp_path / "card.txt").exists()
    asked = ["--write", "mc_stat=staterror", "--write", "normsys=code1"]
    target = str(tmp_path / "workspace.json")
    result = CliRunner().invoke(main, ["convert", str(tmp_path / "smeared.root"), target, *asked])
    assert result.exit_code == 0, result.output
    assert "staterror" in Path(target).read_text()
    result = CliRunner().invoke(main, ["convert", str(tmp_path / "smeared.root"), target, "--write", "nonsense=1"])
    assert result.exit_code == 2
    assert "nonsense" in result.output


def test_what_only_others_read_is_refused_by_name(tmp_path: Path) -> None:
    region = Channel(
        "region", (hist.axis.Regular(1, 0, 1, name="x"),), (Process("s", [9.0], modifiers=(Factor("r"),)),)
    )
    model = Model(TemplateSet((region,), (Parameter("r", 1.0),), pois=("r",)))
    result = fit(model, model.asimov())
    interchange.write(model.templates, tmp_path / "out.hs3")
    (tmp_path / "hs3.json").write_bytes((tmp_path / "out.hs3").read_bytes())
    for name in ("out.json", "out.csv"):
        interchange.write(result, tmp_path / name)
    interchange.write(result, tmp_path / "out.root", format="fit_root")
    kinds = {"out.json": "fit_json", "out.csv": "fit_csv", "out.root": "fit_root", "out.hs3": "hs3", "hs3.json": "hs3"}
    for name, kind in kinds.items():
        wrong = CliRunner().invoke(main, ["inspect", str(tmp_path / name)])
        assert wrong.exit_code == 2
        assert f"{name}: a {kind}, which other programs read" in wrong.stderr
    (tmp_path / "out.xyz").write_text("?")
    unknown = CliRunner().invoke(main, ["inspect", str(tmp_path / "out.xyz")])
    assert unknown.stderr.count(".root") == 1
