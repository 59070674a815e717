"""HistFactory XML: ROOT's own example, and what is broken, hostile or beyond."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wmassfit import interchange
from wmassfit.errors import FormatError, UnsupportedFeature
from wmassfit.inference import fit, minos
from wmassfit.likelihood import Model
from wmassfit.templateset import Gaussian, Poisson


@pytest.fixture
def example(reference: Callable[[str], Path], tmp_path: Path) -> Path:
    folder = tmp_path / "histfactory"
    # Without modes: the original may be read-only.
    shutil.copytree(reference("histfactory"), folder, copy_function=shutil.copyfile)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_interval_of_the_example(reference: Callable[[str], Path]) -> None:
    """SigXsecOverSM −0.5968/+0.6116 (ROOT's minimiser).

    The ends depend on where the minimiser stops: its μ̂ is some 4e-4 below ours, 6e-4 of an uncertainty; the length
    of the interval does not, and distinguishes the Poisson constraint of the bins (1.2084) from a normal one (1.2081).
    """
    templates = interchange.read(reference("histfactory/config/example.xml"))
    interval = minos(fit(Model(templates)), "SigXsecOverSM")
    lower, upper = interval.lower, interval.upper
    assert lower == pytest.approx(-0.5968, abs=1e-3)
    assert upper == pytest.approx(0.6116, abs=1e-3)
    assert upper - lower == pytest.approx(0.5968 + 0.6116, abs=1e-4)


def test_statistical_errors_have_the_constraint_of_the_file(example: Path) -> None:
    channel = example / "config" / "example_channel.xml"
    kinds = [type(c) for c in interchange.read(example / "config" / "example.xml").constraints]
    assert kinds.count(Poisson) == 2
    edit(channel, 'ConstraintType="Poisson"', 'ConstraintType="Gaussian"')
    templates = interchange.read(example / "config" / "example.xml")
    (stat,) = [c for c in templates.constraints if c.name == "staterror_channel1"]
    assert isinstance(stat, Gaussian)
    assert np.sqrt(stat.covariance) == pytest.approx([0.05, 0.1], rel=1e-7)
    edit(channel, 'RelErrorThreshold="0.05"', 'RelErrorThreshold="0.07"')
    templates = interchange.read(example / "config" / "example.xml")
    assert [templates.parameter(f"staterror_channel1[{i}]").fixed for i in range(2)] == [True, False]


def test_a_measurement_is_chosen_by_name(reference: Callable[[str], Path]) -> None:
    path = reference("histfactory/config/example.xml")
    assert interchange.read(path, measurement="ConstExample").pois == ("SigXsecOverSM",)
    with pytest.raises(FormatError, match="no measurement 'Other'; there are GaussExample"):
        interchange.read(path, measurement="Other")
    with pytest.raises(UnsupportedFeature, match="LogNormExample: the LogNormal constraint of syst2"):
        interchange.read(path, measurement="LogNormExample")


EDITS = {
    "climbs out": ("example.xml", "./config/example_channel.xml", "../../../etc/passwd", "leads out of"),
    "an absolute path": ("example_channel.xml", "./data/example.root", "/etc/passwd", "leads out of"),
    "climbs out for a histogram": ("example_channel.xml", "./data/example.root", "../../x.root", "leads out of"),
    "a missing channel": ("example.xml", "example_channel.xml", "nowhere.xml", "--read folder="),
    "a missing ROOT file": ("example_channel.xml", "./data/example.root", "./data/no.root", "there is no file"),
    "a missing histogram": (
        "example_channel.xml",
        'HistoName="background1"',
        'HistoName="background7"',
        "no histogram background7; there are",
    ),
    "a missing attribute": ("example_channel.xml", 'HistoName="signal"', "", "sample signal names no HistoName"),
    "an unclosed tag": ("example.xml", "</Combination>", "", "is not XML"),
    "entities": ("example.xml", "<Combination ", '<!DOCTYPE a [<!ENTITY b "c">]><Combination ', "XML entities"),
    "another document": ("example.xml", "Combination", "Workspace", "is a Workspace, where"),
    "a function": ("example_channel.xml", "<StatErrorConfig", "<Function/><StatErrorConfig", "channel1: Function"),
    "an unknown modifier": ("example_channel.xml", "OverallSys", "StrangeSys", "sample signal: StrangeSys syst1"),
    "a strange constraint": ("example_channel.xml", '"Poisson"', '"Uniform"', "a Uniform constraint"),
    "a strange threshold": ("example_channel.xml", '"0.05"', '"much"', "'much' is not a number"),
    "no number": (
        "example_channel.xml",
        'High="1.05"',
        'High="more"',
        "OverallSys syst1 has High='more'",
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_wrong_files_are_refused(what: str, example: Path) -> None:
    name, old, new, message = EDITS[what]
    edit(example / "config" / name, old, new)
    with pytest.raises(FormatError, match=message):
        interchange.read(example / "config" / "example.xml")


def test_a_link_that_leads_out_is_refused(example: Path) -> None:
    outside = example.parent / "outside.root"
    shutil.move(example / "data" / "example.root", outside)
    (example / "data" / "example.root").symlink_to(outside)
    with pytest.raises(FormatError, match="leads out of"):
        interchange.read(example / "config" / "example.xml")


def test_a_folder_given_by_the_user(example: Path) -> None:
    shutil.copytree(example / "config", example / "a" / "b" / "c")
    path = example / "a" / "b" / "c" / "example.xml"
    with pytest.raises(FormatError, match="--read folder="):
        interchange.read(path)
    assert interchange.read(path, folder=example).pois == ("SigXsecOverSM",)


def test_a_truncated_root_file(example: Path) -> None:
    path = example / "data" / "example.root"
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(FormatError, match="cannot be read"):
        interchange.read(example / "config" / "example.xml")


def test_templates_with_poisson_staterrors_do_not_go_into_json(example: Path, tmp_path: Path) -> None:
    templates = interchange.read(example / "config" / "example.xml")
    with pytest.raises(UnsupportedFeature, match=r"staterror_channel1\[…\] have Poisson constraints and act on 2"):
        interchange.write(templates, tmp_path / "out.json")
    edit(example / "config" / "example_channel.xml", 'ConstraintType="Poisson"', 'ConstraintType="Gaussian"')
    templates = interchange.read(example / "config" / "example.xml")
    interchange.write(templates, tmp_path / "out.json")
    again = Model(interchange.read(tmp_path / "out.json"))
    ours = Model(templates)
    for seed in range(3):
        x = dict(zip(ours.names, ours.start + 0.1 * np.random.default_rng(seed).standard_normal(ours.n), strict=True))
        assert templates.observed is not None
        assert again.value(again.vector(x), templates.observed) == pytest.approx(
            ours.value(ours.vector(x), templates.observed), rel=1e-10
        )


def test_known_by_its_content_alone(example: Path) -> None:
    path = example / "config" / "example.xml"
    path.rename(path.with_suffix(".combination"))
    assert interchange.read(path.with_suffix(".combination")).pois == ("SigXsecOverSM",)


def test_compressed_files_are_of_no_known_format(tmp_path: Path) -> None:
    (tmp_path / "patchset.json.gz").write_bytes(gzip.compress(b"[" + b"0," * 1_000_000 + b"0]"))
    with pytest.raises(FormatError, match=r"patchset\.json\.gz: no known format; known are .*json"):
        interchange.read(tmp_path / "patchset.json.gz")
