"""Which reader takes a file: by --from, by content, by an option that it alone has; what it has not is refused."""

from __future__ import annotations

from pathlib import Path

import hist
import numpy as np
import pytest
from click.testing import CliRunner, Result

from wmassfit import interchange
from wmassfit.cli import main
from wmassfit.templateset import Channel, Dataset, Factor, Gaussian, Parameter, Process, Scale, TemplateSet

from ..interchange.combine_cards import put_histograms

CARD = """
imax 1
jmax 1
kmax 1
bin sr
observation 12
bin sr sr
process sig bkg
process 0 1
rate 3 9
lumi lnN 1.1 1.1
"""


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(*arguments: str | Path) -> str:
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr


@pytest.fixture
def templates() -> TemplateSet:
    signal = Process("sig", np.array([3.0, 4.0]), signal=True, modifiers=(Factor("r"),))
    background = Process("bkg", np.array([30.0, 40.0]), modifiers=(Scale("l", up=1.1, code="code4"),))
    region = Channel("region", (hist.axis.Regular(2, 0, 1, name="x"),), (signal, background))
    one = Gaussian("l", ("l",), [0.0], [1.0])
    parameters = Parameter("r", 1.0, bounds=(0, 10)), Parameter("l", bounds=(-5, 5))
    return TemplateSet((region,), parameters, (one,), ("r",), Dataset({"region": [33.0, 44.0]}))


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Histograms without a variation that ends in Up and Down, in a folder."""
    return put_histograms(tmp_path / "bare.root", {"sr/sig": [1.0], "sr/bkg": [9.0], "sr/data_obs": [10.0]})


def test_plain_histograms_are_named_or_known_by_an_option(bare: Path, tmp_path: Path) -> None:
    pattern = "pattern={channel}/{process}_{systematic}{direction}"
    assert "--from plain_root" in refused("inspect", bare)
    for how in ([], ["--from", "plain_root"]):
        result = invoke("inspect", bare, *how, "--read", pattern, "--read", "signals=sig")
        assert result.exit_code == 0, result.stderr
        assert "of interest: r" in result.stdout
        assert "data: observed" in result.stdout
    und = put_histograms(tmp_path / "und.root", {"W": [1.0], "W_jes_up": [1.1], "W_jes_down": [0.9]})
    pattern = "pattern={process}_{systematic}_{direction}"
    found = invoke("inspect", und, "--read", pattern, "--read", "directions=down,up", "--read", "mc_stat=None")
    assert "1 nuisance parameters" in found.stdout, found.stderr


def test_from_says_the_format(bare: Path, tmp_path: Path) -> None:
    assert "there is no format 'nosuch' to read; there are root, " in refused("fit", bare, "--from", "nosuch")
    (tmp_path / "card").write_text(CARD)
    result = invoke("inspect", tmp_path / "card", "--from", "combine")
    assert "channel sr" in result.stdout, result.stderr
    (tmp_path / "wrong").write_text("?")
    assert "--from FORMAT" in refused("inspect", tmp_path / "wrong")


def test_content_before_suffix_and_options(templates: TemplateSet, tmp_path: Path) -> None:
    interchange.write(templates, tmp_path / "t.json")
    interchange.write(templates, tmp_path / "t.h5")
    (tmp_path / "card.txt").write_text(CARD)
    (tmp_path / "t.json").rename(tmp_path / "t.txt")
    assert "channel region" in invoke("inspect", tmp_path / "t.txt", "--measurement", "measurement").stdout
    for file, option, kind, owner in (
        ("t.txt", ["--mass", "125"], "histfactory", "combine"),
        ("t.txt", ["--card-line", "a rateParam * * 1"], "histfactory", "combine"),
        ("card.txt", ["--patch", "p.json"], "combine", "histfactory"),
        ("t.h5", ["--measurement", "m"], "hdf5", "histfactory, histfactory_xml"),
        ("t.h5", ["--systematic-type", "normal"], "hdf5", "rabbit"),
        ("card.txt", ["--read", "flow=add"], "combine", "plain_root"),
    ):
        message = refused("inspect", tmp_path / file, *option)
        assert f"{file} is read as {kind}, whose reader has no such option" in message
        assert f"belongs to {owner} (--from FORMAT)" in message
        assert message.startswith(
            f"wmassfit: {' '.join(option).partition('=')[0] if 'flow=add' in option else option[0]}"
        )


def test_options_of_readers_and_files_of_two_formats(templates: TemplateSet, tmp_path: Path) -> None:
    interchange.write(templates, tmp_path / "t.json")
    interchange.write(templates, tmp_path / "t.h5")
    message = refused("inspect", tmp_path / "t.json", tmp_path / "t.h5", "--read", "normsys=code1")
    assert "t.h5: is read as hdf5" in message


def test_cards_are_named(tmp_path: Path) -> None:
    card = tmp_path / "card.txt"
    card.write_text(CARD)
    assert "name=card.txt" in refused("inspect", card, card)
    result = invoke("inspect", f"one={card}", f"two={card}")
    assert "channel one" in result.stdout, result.stderr
    assert "channel two" in result.stdout
    names = invoke("inspect", card, card, "--read", "names=x,y")
    assert "channel x" in names.stdout, names.stderr
    assert "channel y" in names.stdout
    assert "is the input" in refused("convert", f"one={card}", card)
    assert card.read_text() == CARD
    assert "there is no file" in refused("inspect", f"one={tmp_path / 'nosuch.txt'}")


def test_only_cards_are_named(templates: TemplateSet, tmp_path: Path) -> None:
    interchange.write(templates, tmp_path / "t.h5")
    assert "can be named" in refused("inspect", f"one={tmp_path / 't.h5'}")


def test_to_is_asked_before_the_suffix(templates: TemplateSet, tmp_path: Path) -> None:
    interchange.write(templates, tmp_path / "t.h5")
    assert "there is no format 'foo' to write; there are root" in refused(
        "convert", tmp_path / "t.h5", tmp_path / "out", "--to", "foo"
    )
    assert "hepdata cannot hold a TemplateSet" in refused(
        "convert", tmp_path / "t.h5", tmp_path / "hep", "--to", "hepdata"
    )
    assert not (tmp_path / "hep").exists()
    assert invoke("convert", tmp_path / "t.h5", tmp_path / "card", "--to", "histfactory").exit_code == 0
    assert "measurements" in (tmp_path / "card").read_text()
