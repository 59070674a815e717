"""wmassfit calibrate: its file, its JSON, its report; and recipes that take the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from wmassfit.cli import main
from wmassfit.errors import RecipeError
from wmassfit.interchange.results.calibration_file import read_calibration, write_calibration
from wmassfit.pipeline import generate
from wmassfit.recipe import Recipe
from wmassfit.templateset import Scale, TemplateSet

FAST = ("--jpsi-events", "6e4", "--z-events", "6e4", "--workers", "1", "--simulated", "1")
SCALE = "generation.nuisances.momentum_scale"


def calibrate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["calibrate", *FAST, *arguments])


def recipe(path: Path, bins: int = 12) -> Path:
    """The small recipe with fewer bins and the momentum scale alone."""
    content = Recipe.load("small").model_dump(mode="json")
    content["generation"]["eta"]["bins"] = bins
    scale = content["generation"]["nuisances"]["momentum_scale"]
    content["generation"]["nuisances"] = {"momentum_scale": scale}
    content["generation"]["kernel"]["log2_points"] = 8
    file = path / f"bins_{bins}.yaml"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    folder = tmp_path_factory.mktemp("calibration")
    answer = calibrate(
        "-o", str(folder / "calibration.h5"), "--recipe", str(recipe(folder)), "--report", str(folder / "report"),
        "--bias", "A=2e-3", "--scatter", "M=1e-4", "--width", "1.05", "--seed", "4", "--json",
    )  # fmt: skip
    assert answer.exit_code == 0, answer.output
    return folder, json.loads(answer.stdout)


def test_json_and_file_say_the_same(made: tuple[Path, dict[str, object]]) -> None:
    folder, found = made
    content = read_calibration(folder / "calibration.h5")
    parameters = found["parameters"]
    assert isinstance(parameters, dict)
    assert len(parameters) == 36
    assert content.scale.values is not None
    assert [p["value"] for p in parameters.values()] == list(content.scale.values.ravel())
    assert parameters["epsilon_03"]["unit"] == "GeV"
    assert parameters["A_01"]["truth"] == 2e-3
    assert parameters["epsilon_01"]["truth"] == 0
    assert parameters["M_01"]["truth"] != parameters["M_02"]["truth"]
    truth = np.array([p["truth"] for p in parameters.values()])
    np.testing.assert_array_equal(np.ravel(content.description["bias"]), truth)
    summary = found["summary"]
    assert isinstance(summary, dict)
    assert summary["truth_ndf"] == 36
    # the common bias of 0.2% is twenty times its error: it was found, and what was found is what was put in
    values = content.scale.values.ravel()
    unit = np.sqrt(np.diag(content.scale.covariance))
    correlation = content.scale.covariance / np.outer(unit, unit)
    for shift, largest in ((values - truth, 90.0), (values, None)):
        chi_square = float((shift / unit) @ np.linalg.solve(correlation, shift / unit))
        if largest is None:
            assert chi_square > 400
        else:
            # 36 ± 8.5 expected, six standard deviations allowed
            assert chi_square < largest
            assert chi_square == pytest.approx(summary["truth_chi2"])


def test_report(made: tuple[Path, dict[str, object]]) -> None:
    names = {path.name for path in (made[0] / "report").iterdir()}
    for stem in ("scale", "closure", "resolution", "pulls"):
        assert (made[0] / "report" / f"calibration_{stem}.png").stat().st_size > 10_000
    for stem in ("scale", "resolution", "summary"):
        assert {f"calibration_{stem}{suffix}" for suffix in (".txt", ".csv", ".json")} <= names
    lines = (made[0] / "report" / "calibration_scale.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 13
    found = read_calibration(made[0] / "calibration.h5").scale
    assert found.values is not None
    row = dict(zip(lines[0].split(","), map(float, lines[1].split(",")), strict=True))
    assert row["eta_low"] == pytest.approx(-2.4)
    assert row["a"] == pytest.approx(1e4 * found.values[0, 0])
    assert row["epsilon"] == pytest.approx(1e3 * found.values[1, 0])
    assert row["m_error"] == pytest.approx(1e3 * np.sqrt(found.covariance[24, 24]))


def test_text_and_threads(tmp_path: Path) -> None:
    files = []
    for workers in ("1", "2"):
        path = tmp_path / f"{workers}.h5"
        answer = calibrate("-o", str(path), "--recipe", str(recipe(tmp_path)), "--workers", workers)
        assert answer.exit_code == 0, answer.output
        assert "Momentum scale from J/ψ" in answer.stdout
        assert "pulls of 36 parameters" in answer.stdout
        files.append(read_calibration(path).scale)
    first, second = files
    assert first.values is not None
    assert second.values is not None
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.covariance, second.covariance)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--bias", "B=1"), "--bias B=1: there is no B; take A, epsilon (GeV) or M (1/GeV)"),
        (("--bias", "A=0.2"), "--bias A=0.2: take a value from −0.05 to 0.05"),
        (("--scatter", "M=-1e-5"), "--scatter M=-1e-05: take a value from 0 to 0.001"),
        (("--bias", "A=nan"), "is not a finite number"),
        (("--jpsi-events", "10"), "10"),
        (("--width", "9"), "9"),
        (("-o", "missing/calibration.h5"), "cannot be written"),
        (("--recipe", "nothing"), "there is no such file"),
        (("-o", "calibration.root"), "-o calibration.root: a calibration is an HDF5 file; call it .h5"),
    ],
)
def test_bad_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    answer = calibrate("-o", "calibration.h5", *arguments)
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "calibration.h5").exists()


def test_bins_that_cannot_be_folded(tmp_path: Path) -> None:
    answer = calibrate("-o", str(tmp_path / "c.h5"), "--recipe", str(recipe(tmp_path, bins=13)))
    assert answer.exit_code == 2
    assert "its 13 η bins from -2.4 to 2.4 are not an even number" in answer.stderr


def effect(templates: TemplateSet, name: str) -> np.ndarray:
    """ln of the ratio one standard deviation up, [bin]; 0 where the modifier does not act."""
    process = templates.channel("muon").process("Wmunu")
    out = np.zeros(process.nominal.size)
    (found,) = [m for m in process.modifiers if isinstance(m, Scale) and m.parameter == name]
    out[slice(None) if found.bins is None else found.bins] = np.log(found.up)
    return out


def test_a_recipe_takes_the_file(made: tuple[Path, dict[str, object]]) -> None:
    folder, _ = made
    plain = Recipe.load(folder / "bins_12.yaml")
    taken = generate(plain.override({f"{SCALE}.calibration": str(folder / "calibration.h5")}))
    expected = generate(plain)
    assert [p.name for p in taken.parameters] == [p.name for p in expected.parameters]
    scale = read_calibration(folder / "calibration.h5").scale
    assert scale.closure is not None
    # 60,000 J/ψ say less than 3.1 million, by the root of their number and by the noise of few pairs in a cell
    ratio = np.linalg.norm(effect(taken, "scale_jpsi_001")) / np.linalg.norm(effect(expected, "scale_jpsi_001"))
    assert ratio > np.sqrt(3.1e6 / 6e4)
    group = plain.generation.nuisances.chosen()[0]
    z_events, width = group.model_dump()["z_events"], group.model_dump()["z_relative_width"]
    formula = 2.0 * width / np.sqrt(2.0 * z_events / 12)
    closure = effect(taken, "scale_closure_03")
    moved = closure != 0
    np.testing.assert_allclose(
        np.expm1(closure[moved]) / np.expm1(effect(expected, "scale_closure_03")[moved]),
        scale.closure.errors[0, 2] / formula,
        rtol=1e-6,
    )


def test_all_directions_carry_the_covariance(made: tuple[Path, dict[str, object]]) -> None:
    """The sum of squares of all effects in a bin is its variance, by the covariance in the file × inflation²."""
    folder, _ = made
    chosen = Recipe.load(folder / "bins_12.yaml").override({f"{SCALE}.calibration": str(folder / "calibration.h5")})
    scale = read_calibration(folder / "calibration.h5").scale
    directions = scale.eigenvariations().reshape(36, 36)
    unit = np.sqrt(np.diag(scale.covariance))
    np.testing.assert_allclose(
        directions.T @ directions / np.outer(unit, unit), scale.covariance / np.outer(unit, unit), atol=1e-9
    )
    few = chosen.override({f"{SCALE}.inflation": 1.0, f"{SCALE}.closure_factor": 0.0, f"{SCALE}.common": 0.0})
    many = few.override({f"{SCALE}.inflation": 2.1})
    one, two = (
        sum(np.expm1(effect(t, f"scale_jpsi_{k:03d}")) ** 2 for k in range(1, 37))
        for t in (generate(few), generate(many))
    )
    np.testing.assert_allclose(two, 2.1**2 * np.asarray(one), rtol=1e-9)


def test_files_that_do_not_fit(made: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    folder, _ = made
    path = str(folder / "calibration.h5")
    other = Recipe.load(recipe(tmp_path, bins=24)).override({f"{SCALE}.calibration": path})
    with pytest.raises(RecipeError, match=r"it has 12 η bins from -2\.4 to 2\.4, the recipe 24 uniform ones"):
        generate(other)
    reach = Recipe.load(folder / "bins_12.yaml").override({f"{SCALE}.calibration": path, "generation.eta.high": 2.2})
    with pytest.raises(RecipeError, match=r"the recipe 12 uniform ones from -2\.4 to 2\.2; calibrate with"):
        generate(reach)
    answer = CliRunner().invoke(
        main,
        ["generate", str(folder / "bins_12.yaml"), "--set", f"{SCALE}.calibration={tmp_path / 'no.h5'}",
         "-o", str(tmp_path / "templates.root")],
    )  # fmt: skip
    assert answer.exit_code == 2
    assert "there is no file" in answer.stderr
    assert "no.h5" in answer.stderr


def test_the_file_is_found_beside_the_recipe(made: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    content = read_calibration(made[0] / "calibration.h5")
    write_calibration(content, tmp_path / "mine.h5")
    file = recipe(tmp_path)
    text = json.loads(file.read_text(encoding="utf-8"))
    text["generation"]["nuisances"]["momentum_scale"] = {
        "origin": "a file", "inflation": 2.1, "closure_factor": 1.5, "common": 2.3e-5, "calibration": "mine.h5",
    }  # fmt: skip
    file.write_text(json.dumps(text), encoding="utf-8")
    (group,) = Recipe.load(file).generation.nuisances.chosen()
    assert group.model_dump()["calibration"] == tmp_path / "mine.h5"


def test_without_file_or_numbers() -> None:
    with pytest.raises(RecipeError, match="z_events: missing; give it a value, or a file as calibration"):
        Recipe.load("small").override({f"{SCALE}.z_events": None})
