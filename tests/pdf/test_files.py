"""The reader of LHAPDF sets: what it reads, and what it says about broken ones."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace as Toy

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from wmassfit.errors import FormatError, PhysicsError, UnsupportedFeature
from wmassfit.pdf import load, read_lhapdf


def spline(knots: np.ndarray, values: np.ndarray, point: float) -> float:
    """scipy's Hermite spline with the mean of the divided differences as slopes, one-sided at the ends."""
    differences = np.diff(values) / np.diff(knots)
    inner = 0.5 * (differences[1:] + differences[:-1])
    slopes = np.concatenate([differences[:1], inner, differences[-1:]])
    return float(CubicHermiteSpline(knots, values, slopes)(point))


def bicubic(toy: Toy, member: int, flavour: int, x: float, q: float) -> float:
    """Slow reference: x first on every Q knot, then Q."""
    knots = toy.q[1] if q >= 4.75 else toy.q[0]
    part = knots + (1e-9 if q >= 4.75 else 0.0)
    at_knots = []
    for qk in part:
        column = toy.density(member, toy.x, np.full(toy.x.size, qk), flavour)
        at_knots.append(spline(np.log(toy.x), column, np.log(x)))
    return spline(np.log(knots), np.array(at_knots), np.log(q))


def test_values_against_a_slow_reference(toy: Toy, tmp_path: Path) -> None:
    pdf = read_lhapdf(toy.write(tmp_path))
    x = np.array([1e-4, 1.2e-4, 0.003, 0.11, 0.5, 0.93])
    for q in (1.3, 1.4, 4.0, 4.75, 5.0, 91.0, 1000.0):
        values = pdf.xf_all(x, q, flavours=(21, 2, -2))
        expected = [[[bicubic(toy, m, f, xi, q) for xi in x] for f in (21, 2, -2)] for m in range(3)]
        # files hold 16 digits
        np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-13)


def test_shapes_unknown_flavours_and_knots(toy: Toy, tmp_path: Path) -> None:
    pdf = read_lhapdf(toy.write(tmp_path))
    assert pdf.xf_all(0.1, 10.0).shape == (3, 10)
    assert pdf.xf_all(np.full((2, 5), 0.1), 10.0).shape == (3, 10, 2, 5)
    assert np.all(pdf.xf_all(0.1, 10.0, flavours=(5, 1)) == 0)
    knots = pdf.xf_all(toy.x, 80.0, flavours=toy.flavours)
    expected = [[toy.density(m, toy.x, np.full(toy.x.size, 80.0 + 1e-9), f) for f in toy.flavours] for m in range(3)]
    np.testing.assert_allclose(knots, expected, rtol=1e-14)


def test_metadata_and_alphas(toy: Toy, tmp_path: Path) -> None:
    pdf = read_lhapdf(toy.write(tmp_path))
    assert (pdf.name, pdf.members, pdf.error_type, pdf.confidence_level) == ("Toy", 3, "hessian", 90.0)
    assert (pdf.x_range, pdf.q_range_gev) == ((1e-4, 1.0), (1.3, 1000.0))
    assert pdf.alphas(91.1876) == pytest.approx(0.118, rel=1e-14)
    assert pdf.alphas(4.75) == 0.214  # a threshold belongs to the side above
    assert 0.216 < pdf.alphas(4.7) < 0.23


@pytest.mark.parametrize("where", ["folder", "parent", "archive", "name"])
def test_ways_to_a_set(toy: Toy, tmp_path: Path, where: str) -> None:
    folder = toy.write(tmp_path)
    if where == "name":
        toy.write(tmp_path, "Other")
    archive = tmp_path.parent / f"{tmp_path.name}.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname="./Toy")
    path = {"folder": folder, "parent": tmp_path, "archive": archive, "name": tmp_path}[where]
    pdf = load("Toy", path) if where == "name" else load(path=path)
    assert pdf.name == "Toy"
    np.testing.assert_array_equal(pdf.xf_all(0.1, 91.0), read_lhapdf(folder).xf_all(0.1, 91.0))


def test_found_by_name_as_lhapdf_does(toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.write(tmp_path)
    monkeypatch.setenv("LHAPDF_DATA_PATH", f"/nonexistent:{tmp_path}")
    assert load("Toy").name == "Toy"
    with pytest.raises(FormatError, match=r"'NoSuchSet'.*LHAPDF_DATA_PATH.*embedded"):
        load("NoSuchSet")


@pytest.mark.parametrize(
    ("x", "q", "message"),
    [
        (1e-5, 10.0, "x = 1e-05"),
        ([0.1, 1.1], 10.0, r"x = 1\.1"),
        (np.nan, 10.0, "x = nan"),
        (0.1, 1.0, r"Q \[GeV\] = 1 "),
        (0.1, 1001.0, r"Q \[GeV\] = 1001"),
    ],
)
def test_outside_the_grid(toy: Toy, tmp_path: Path, x: object, q: float, message: str) -> None:
    with pytest.raises(PhysicsError, match=message):
        read_lhapdf(toy.write(tmp_path)).xf_all(x, q)


def edit(file: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_text(change((folder / file).read_text())) and None


def line_of(text: str, number: int, new: str) -> str:
    lines = text.split("\n")
    lines[number - 1] = new
    return "\n".join(lines)


DAT, INFO = "Toy_0000.dat", "Toy.info"

BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no info": (lambda f: (f / "Toy.info").unlink(), "no .info file"),
    "no member": (lambda f: (f / "Toy_0002.dat").unlink(), r"Toy_0002\.dat is missing.*NumMembers"),
    "truncated": (edit("Toy_0001.dat", lambda t: t[: len(t) // 2]), r"Toy_0001\.dat, line \d+: truncated"),
    "cut at the end": (edit("Toy_0001.dat", lambda t: t[:-5]), r"Toy_0001\.dat, line 91: truncated"),
    "second block lost": (edit(DAT, lambda t: t[: t.index("---", 60) + 4]), "other knots"),
    "empty": (edit(DAT, lambda _: ""), r"Toy_0000\.dat, line 1: truncated"),
    "too few values": (edit(DAT, lambda t: line_of(t, 20, "")), r"from line 7: 105 values.*9 x × 4 Q × 3.*108"),
    "word": (edit(DAT, lambda t: line_of(t, 20, "1.0 zwei 3.0")), r"line 20: 'zwei' is not a finite number"),
    "NaN": (edit("Toy_0002.dat", lambda t: line_of(t, 50, "1.0 nan 3.0")), r"Toy_0002\.dat, line 50: 'nan'"),
    "knots": (edit(DAT, lambda t: line_of(t, 4, t.split("\n")[4])), r"from line 7"),
    "unordered": (edit(DAT, lambda t: line_of(t, 5, "1.3 3.1 2.0 4.75")), r"line 5: Q knots must"),
    "overlap": (edit(DAT, lambda t: line_of(t, 5, "1.3 2.0 3.1 5.0")), r"overlap at Q = 4\.75"),
    "other knots": (edit("Toy_0001.dat", lambda t: line_of(t, 5, "1.3 2.0 3.2 4.75")), r"1\.dat has other knots"),
    "count": (edit(INFO, lambda t: t.replace("bers: 3", "bers: three")), r"Toy\.info: NumMembers is 'three'"),
    "no count": (edit(INFO, lambda t: t.replace("NumMembers: 3", "")), "NumMembers is None"),
    "odd pairs": (edit(INFO, lambda t: t.replace("NumMembers: 3", "NumMembers: 2")), "do not make Hessian pairs"),
    "level": (edit(INFO, lambda t: t.replace("Level: 90", "Level: 900")), "ErrorConfLevel = 900"),
    "yaml": (edit(INFO, lambda t: t + "\nAuthors: [a, b\n"), r"Toy\.info is not readable"),
    "no keys": (edit(INFO, lambda _: "just text"), "holds no keys"),
    "alphas": (edit(INFO, lambda t: t.replace("0.30, ", "")), "AlphaS_Qs"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_sets_are_named(toy: Toy, tmp_path: Path, name: str) -> None:
    folder = toy.write(tmp_path)
    damage, message = BROKEN[name]
    damage(folder)
    with pytest.raises(FormatError, match=message) as caught:
        read_lhapdf(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [("Format: lhagrid1", "Format: lhagrid2"), ("ErrorType: hessian", "ErrorType: hessian+mc")],
)
def test_other_formats_are_unsupported(toy: Toy, tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(UnsupportedFeature):
        read_lhapdf(toy.write(tmp_path, info=toy.info.replace(old, new)))


def test_missing_and_ambiguous_paths(toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such folder or archive"):
        read_lhapdf(tmp_path / "nothing")
    (tmp_path / "not.tar.gz").write_bytes(b"plainly not an archive")
    with pytest.raises(FormatError, match="not a readable tar archive"):
        read_lhapdf(tmp_path / "not.tar.gz")
    toy.write(tmp_path)
    toy.write(tmp_path, "Other")
    with pytest.raises(FormatError, match=r"several sets, \['Other', 'Toy'\]"):
        read_lhapdf(tmp_path)
    with pytest.raises(FormatError, match="not 'Third'"):
        read_lhapdf(tmp_path, name="Third")


def test_truncated_archive(toy: Toy, tmp_path: Path) -> None:
    archive = tmp_path / "set.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(toy.write(tmp_path), arcname="Toy")
    archive.write_bytes(archive.read_bytes()[:-2000])
    with pytest.raises(FormatError, match="tar archive"):
        read_lhapdf(archive)


def test_positivity_and_missing_alphas(toy: Toy, tmp_path: Path) -> None:
    info = "\n".join(line for line in toy.info.split("\n") if "AlphaS" not in line) + "ForcePositive: 2\n"
    pdf = read_lhapdf(toy.write(tmp_path, info=info))
    assert pdf.xf_all(1.0, 10.0, flavours=(-2,))[0, 0] == 1e-10  # the file says −0.02
    with pytest.raises(UnsupportedFeature, match="no α_s table"):
        pdf.alphas(91.0)
