"""wmassfit fill: from a tree of muons to templates that are fitted; bad events are one message and leave nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from click.testing import CliRunner

from wmassfit.cli import main
from wmassfit.interchange import read

NAMES = ("--branch", "pt=pt", "--branch", "eta=eta", "--branch", "charge=q")
FEW = ("--set", "generation.eta.bins=6")
QUICK = (*FEW, "--set", "generation.kernel.log2_points=9", "--workers", "1")


def muons(n: int = 4000, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.5, 1.5, n)
    pt = np.clip(rng.normal(40.0, 7.0, n), 26.5, 55.5)
    eta = rng.uniform(-2.4, 2.4, n)
    charge = rng.choice(np.array([-1, 1], dtype=np.int32), n)
    up = weight * (1 + 0.01 * eta)
    return {"pt": pt, "eta": eta, "q": charge, "mt": 1.9 * pt, "w": weight, "w_etaUp": up, "w_etaDown": weight**2 / up}


def write(path: Path, columns: dict[str, np.ndarray], *, tree: str = "Events") -> Path:
    with uproot.recreate(path) as file:
        made = file.mktree(tree, {key: values.dtype for key, values in columns.items()})
        if len(columns["pt"]):
            made.extend(columns)
    return path


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def test_alone_and_fitted(tmp_path: Path) -> None:
    events, output = write(tmp_path / "e.root", muons()), tmp_path / "t.root"
    options = ("--weight", "w", "--vary", "detector=w_*", "--where", "pt > 30", "--cross-section", 2.0, "--alone")
    done = run("fill", "small", events, *NAMES, *options, "-o", output, "--json")
    summary = json.loads(done.stdout)
    assert summary["entries"] == 4000
    assert summary["groups"] == {"detector": 1}
    templates = read(output)
    # 2 pb at 16.8/fb, of what is generated above 30 GeV
    taken = muons()["w"][muons()["pt"] > 30].sum() / muons()["w"].sum()
    assert templates.channels[0].processes[0].nominal.sum() == pytest.approx(2e3 * 16.8 * taken)
    assert summary["yields"]["Wmunu"] == pytest.approx(2e3 * 16.8 * taken)
    run("fit", output, "--json")


def test_among_the_processes_of_the_recipe(tmp_path: Path) -> None:
    events = write(tmp_path / "e.root", muons())
    output, fit = tmp_path / "t.root", tmp_path / "fit.h5"
    run("fill", "small", events, *NAMES, "--weight", "w", *QUICK, "-o", output, "--data", "asimov")
    templates = read(output)
    signal = templates.channel("muon").process("Wmunu")
    assert signal.nominal.sum() == pytest.approx(muons()["w"].sum())
    assert signal.variance is not None
    assert signal.variance.sum() == pytest.approx((muons()["w"] ** 2).sum())
    assert "m_w" in {m.parameter for m in signal.modifiers}  # the recipe's relative variations
    assert json.loads(run("fit", output, "-o", fit, "--json").stdout)["parameters"]["m_w"]["value"] == pytest.approx(
        80379
    )


def test_a_cut_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    events = write(tmp_path / "e.root", muons())
    silent = run("fill", "small", events, *NAMES, "--branch", "mt=mt", "--alone", "-o", tmp_path / "a.root")
    told = run("fill", "small", events, *NAMES, "--alone", "-o", tmp_path / "b.root")
    assert "m_T" not in silent.stderr
    assert "no branch is mt: the recipe's cut on m_T, 40 GeV, is taken as applied to the events" in told.stderr


def test_into_templates_and_as_data(tmp_path: Path) -> None:
    events, recipe, made = write(tmp_path / "e.root", muons()), tmp_path / "r.root", tmp_path / "t.root"
    run("generate", "small", *QUICK, "-o", recipe)
    run("fill", "small", events, *NAMES, *FEW, "--weight", "w", "--into", recipe, "--process", "extra", "-o", made)
    assert [p.name for p in read(made).channel("muon").processes][-1] == "extra"
    assert not read(made).channel("muon").process("extra").modifiers
    run("fill", "small", events, *NAMES, *FEW, "--into", recipe, "--observed", "-o", made)
    data = read(made).observed
    assert data is not None
    assert not data.simulated
    assert data.counts["muon"].sum() == 4000
    finer = (*FEW, "--set", "generation.pt.bins=30")
    result = CliRunner().invoke(
        main, ["fill", "small", str(events), *NAMES, *finer, "--into", str(recipe), "-o", str(tmp_path / "no.root")]
    )
    assert result.exit_code == 2
    assert "the templates have 15 bins of pt from 26 to 56, the recipe 30 of pt" in result.stderr
    assert not (tmp_path / "no.root").exists()


def test_a_description_in_yaml(tmp_path: Path) -> None:
    events = write(tmp_path / "e.root", muons(), tree="muons")
    description = tmp_path / "events.yaml"
    description.write_text(
        """
tree: muons
branches: { pt: pt, eta: eta, charge: q, mt: mt }
weight: w
variations:
  - { group: detector, branch: w_*, kind: weight, origin: a test }
""",
        encoding="utf-8",
    )
    output = tmp_path / "t.root"
    run("fill", "small", events, "--events", description, "--where", "pt > 40", "--alone", "-o", output)
    templates = read(output)
    assert templates.groups == {"detector": ("eta",)}
    assert templates.metadata["group_origins"] == {"detector": "a test"}
    kept = muons()["w"][muons()["pt"] > 40].sum()
    assert templates.channels[0].processes[0].nominal.sum() == pytest.approx(kept)
    description.write_text("brunches: {pt: pt}\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["fill", "small", str(events), "--events", str(description), "-o", str(output)])
    assert result.exit_code == 2
    assert "brunches: unknown key; did you mean branches?" in result.stderr


def test_sum_of_weights_of_another_tree(tmp_path: Path) -> None:
    path = tmp_path / "e.root"
    with uproot.recreate(path) as file:
        events = muons()
        file.mktree("Events", {key: values.dtype for key, values in events.items()}).extend(events)
        file.mktree("Runs", {"genEventSumw": "float64"}).extend({"genEventSumw": np.array([3000.0, 5000.0])})
    output = tmp_path / "t.root"
    normal = ("--weight", "w", "--cross-section", 1.0, "--sum-of-weights", "Runs/genEventSumw", "--alone")
    run("fill", "small", path, *NAMES, *normal, "-o", output)
    expected = 16.8e3 * muons()["w"].sum() / 8000.0
    assert read(output).channels[0].processes[0].nominal.sum() == pytest.approx(expected)


def without(columns: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {key: values for key, values in columns.items() if key != name}


def spoilt(name: str, value: float) -> dict[str, np.ndarray]:
    columns = muons()
    columns[name] = columns[name].astype(float)
    columns[name][17] = value
    return columns


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (without(muons(), "eta"), NAMES, "has no branch 'eta'"),
        (without(muons(), "w"), (*NAMES, "--weight", "w"), "has no branch 'w'"),
        (muons(), NAMES[:4], "nothing says what charge is"),
        (muons(), (*NAMES, "--branch", "mass=pt"), "the recipe has no such axis"),
        (spoilt("pt", np.nan), NAMES, "nan in entry 17 (1 such"),
        (spoilt("w", np.inf), (*NAMES, "--weight", "w"), "inf in entry 17"),
        (spoilt("w_etaUp", np.nan), (*NAMES, "--weight", "w", "--vary", "g=w_*"), "w_etaUp: nan in entry 17"),
        (muons(0), NAMES, "has no entries"),
        (spoilt("q", 13), NAMES, "13 in entry 17, which is not 1 or -1"),
        (muons(), (*NAMES, "--where", "pt > 1000"), "no muon of 4000 entries passes"),
        (muons(), (*NAMES, "--branch", "pt=pt*1000"), "pt=mu_pt/1000"),
        (muons(), (*NAMES, "--where", "pt >"), "is no formula of branches"),
        (muons(), (*NAMES, "--tree", "muons"), "has no tree 'muons'"),
        (muons(), (*NAMES, "--vary", "g=weight_*"), "no branch is called 'weight_*'"),
        (muons(), (*NAMES, "--vary", "weight_*"), "write it as --vary NAME=VALUE"),
        (muons(), (*NAMES, "--alone", "--observed"), "--alone: leaves no other templates"),
        (muons(), (*NAMES, "--sum-of-weights", "3"), "has a meaning with --cross-section only"),
        (muons(), (*NAMES, "--weight", "w - w", "--cross-section", "1"), "add up to 0"),
        (muons(), (*NAMES, "--cross-section", "0"), "--cross-section 0: is in pb, and positive"),
        (muons(), (*NAMES, "--cross-section", "nan"), "--cross-section nan: is in pb, and positive"),
        (muons(), (*NAMES, "--level", "generated", "--set", "generation.boson=Z"), "generation"),
    ],
)
def test_bad_events_are_one_message_and_leave_nothing(
    tmp_path: Path, columns: dict[str, np.ndarray], options: tuple[str, ...], message: str
) -> None:
    events, output = write(tmp_path / "e.root", columns), tmp_path / "t.root"
    refused(["fill", "small", str(events), *options, *QUICK, "-o", str(output)], message, tmp_path)


def refused(arguments: list[str], message: str, folder: Path) -> None:
    before = sorted(folder.iterdir())
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert "Traceback" not in result.output
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_damaged_file_among_others(tmp_path: Path, workers: str) -> None:
    """Truncated: found before anything is filled. Damaged within a basket: by whoever reads it."""
    good, bad = write(tmp_path / "good.root", muons()), write(tmp_path / "bad.root", muons())
    arguments = ["fill", "small", str(good), str(bad), *NAMES, "--workers", workers, "-o", str(tmp_path / "t.root")]
    whole = bad.read_bytes()
    bad.write_bytes(whole[: len(whole) * 2 // 3])
    refused(arguments, "is truncated", tmp_path)
    with uproot.open(good) as file:
        seek = int(file["Events"]["pt"].member("fBasketSeek")[0])
    bad.write_bytes(whole[: seek + 90] + bytes(3000) + whole[seek + 3090 :])
    refused(arguments, "bad.root", tmp_path)
    bad.write_bytes(b"no ROOT file at all")
    refused(arguments, "is not a ROOT file", tmp_path)
    bad.unlink()
    refused(arguments, "there is no file", tmp_path)


def test_the_output_is_not_an_input(tmp_path: Path) -> None:
    events = write(tmp_path / "e.root", muons())
    refused(["fill", "small", str(events), *NAMES, "-o", str(events)], "is the input", tmp_path)
    assert events.stat().st_size > 0
