"""Files with flipped bytes: read whole or refused in one line, never a traceback, a hang or a crash of the program."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import h5py
import hist
import numpy as np
import pytest
import uproot

from wmassfit import interchange
from wmassfit.errors import FormatError
from wmassfit.inference import fit
from wmassfit.interchange.hdf5.datasets import opened
from wmassfit.interchange.hdf5.heaps import heaps_of
from wmassfit.likelihood import Model
from wmassfit.templateset import (
    Channel,
    Dataset,
    Factor,
    Gaussian,
    McStat,
    Parameter,
    Process,
    Scale,
    TemplateSet,
)

# Reads what it is told on standard input and says how it went, a line each.
READER = """
import sys, warnings
warnings.simplefilter("ignore")
from wmassfit import interchange
from wmassfit.errors import WmassfitError
for line in sys.stdin:
    try:
        interchange.read(line.strip())
    except WmassfitError as error:
        print("refused", ascii(str(error)))
    else:
        print("read")
"""

FILES = ("sparse.hdf5", "dense.hdf5", "fit.h5", "templates.root", "workspace.json", "card.txt")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    rng, n = np.random.default_rng(0), 20
    nominal = rng.uniform(20, 90, (2, n))
    names = [f"nuisance{i}" for i in range(4)]
    processes = [
        Process(
            f"process{i}",
            nominal[i],
            nominal[i] / 5,
            signal=i == 0,
            modifiers=(
                *((Factor("r"),) if i == 0 else ()),
                *(Scale(name, *np.exp(rng.normal(0, 0.05, (2, n)))) for name in names[:3]),
                Scale(names[3], up=np.array([1.1, 1.2]), bins=np.array([3, 4])),
            ),
        )
        for i in range(2)
    ]
    templates = TemplateSet(
        (Channel("region", (hist.axis.Regular(n, 0, 1, name="x"),), processes, mc_stat=McStat()),),
        (Parameter("r", 1.0, bounds=(0, 10)), *(Parameter(name) for name in names)),
        tuple(Gaussian(name, (name,), [0.0], [1.0]) for name in names),
        ("r",),
        Dataset({"region": nominal.sum(axis=0).round()}),
    )
    interchange.write(templates, folder / "sparse.hdf5", format="rabbit", sparse=True)
    interchange.write(templates, folder / "dense.hdf5", format="rabbit")
    interchange.write(templates, folder / "templates.root")
    interchange.write(fit(Model(templates), templates.observed), folder / "fit.h5")
    plain = TemplateSet(
        (
            Channel(
                "region",
                (hist.axis.Regular(n, 0, 1, name="x"),),
                [
                    Process("signal", nominal[0], signal=True, modifiers=(Factor("r"),)),
                    Process("background", nominal[1], modifiers=(Scale("lumi", up=1.1),)),
                ],
            ),
        ),
        (Parameter("r", 1.0, bounds=(0, 10)), Parameter("lumi")),
        (Gaussian("lumi", ("lumi",), [0.0], [1.0]),),
        ("r",),
        templates.observed,
    )
    interchange.write(plain, folder / "workspace.json", normsys="code1")
    interchange.write(plain, folder / "card.txt")
    return folder


def damaged(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(8, len(changed))] ^= rng.randrange(1, 256)
    return bytes(changed)


def outcomes(paths: list[Path]) -> list[str]:
    text = "".join(f"{path}\n" for path in paths)
    # 1,500 files take 40 s: a limit for what hangs, not for a busy machine.
    done = subprocess.run([sys.executable, "-c", READER], input=text, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, (done.returncode, done.stdout.splitlines()[-1:], done.stderr[-2000:])
    return done.stdout.splitlines()


def check(files: Path, name: str, folder: Path, *, count: int, seed: int) -> None:
    data, rng = (files / name).read_bytes(), random.Random(seed)
    paths = [folder / f"{i}-{name}" for i in range(count)]
    for path in paths:
        path.write_bytes(damaged(data, rng))
    if name == "card.txt":
        (folder / "card.root").write_bytes((files / "card.root").read_bytes())
    said = outcomes(paths)
    assert len(said) == count
    assert any(line.startswith("refused") for line in said)


@pytest.mark.parametrize("name", FILES)
def test_flipped_bytes(files: Path, name: str, tmp_path: Path) -> None:
    check(files, name, tmp_path, count=40, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_many_flipped_bytes(files: Path, name: str, tmp_path: Path) -> None:
    check(files, name, tmp_path, count=1500, seed=2)


@pytest.mark.parametrize("name", ["sparse.hdf5", "fit.h5"])
def test_every_length_among_the_strings(files: Path, name: str, tmp_path: Path) -> None:
    """Lengths of strings that are wrong: the library itself would loop for ever, or write beyond its buffer."""
    data = (files / name).read_bytes()
    heaps = heaps_of(files / name)
    assert heaps
    with h5py.File(files / name) as file:
        # References of attributes cannot be seen from outside; one byte more goes into what pads them.
        attributes = [str(value).encode() for value in file.attrs.values()]
    paths: list[Path] = []
    for start, sizes in heaps.items():
        at = start + 16
        for size in [*sizes.values()][:12]:
            for wrong in (size + 1, size + 64, 1 << 40) if data[at + 16 : at + 16 + size] not in attributes else ():
                path = tmp_path / f"{len(paths)}.h5"
                path.write_bytes(data[: at + 8] + wrong.to_bytes(8, "little") + data[at + 16 :])
                paths.append(path)
            at += 16 + (size + 7) // 8 * 8
    assert all(line.startswith("refused") for line in outcomes(paths))


@pytest.mark.parametrize("name", ["sparse.hdf5", "fit.h5"])
def test_a_dataset_that_points_elsewhere(files: Path, name: str, tmp_path: Path) -> None:
    whole = files / name
    with h5py.File(whole) as file:
        stored = file["hprocs" if name == "sparse.hdf5" else "fit/names"]
        start = stored.id.get_offset()
    data = whole.read_bytes()
    for shift, wrong in ((0, 9999), (4, 12345), (12, 777)):
        path = tmp_path / f"{shift}.h5"
        path.write_bytes(data[: start + shift] + wrong.to_bytes(4, "little") + data[start + shift + 4 :])
        with pytest.raises(FormatError, match="points at strings that are not there"):
            interchange.read(path, format="rabbit" if name == "sparse.hdf5" else None)


def test_a_truncated_root_file(files: Path, tmp_path: Path) -> None:
    data = (files / "templates.root").read_bytes()
    paths = [tmp_path / f"{i}.root" for i in range(1, 20)]
    for i, path in enumerate(paths, 1):
        path.write_bytes(data[: len(data) * i // 20])
    assert all(line.startswith("refused") for line in outcomes(paths))
    with uproot.open(files / "templates.root") as file:
        assert "wmassfit" in file


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_strings_in_chunks_are_read(tmp_path: Path, compression: str | None) -> None:
    """As rabbit's own writer stores them."""
    import h5py

    path = tmp_path / "chunks.h5"
    names = [f"name {i}" * (i % 3) for i in range(50)]
    with h5py.File(path, "w") as file:
        text = h5py.string_dtype()
        file.create_dataset("names", data=names, dtype=text, compression=compression, chunks=(16,))
        lists = file.create_dataset(
            "lists", (3,), dtype=h5py.vlen_dtype(np.int32), compression=compression, chunks=(2,)
        )
        for i in range(3):
            lists[i] = np.arange(i, dtype=np.int32)
    with opened(path) as file:
        assert [name.decode() for name in file["names"][()]] == names
    # A reference in a chunk that leads nowhere is refused; without compression it lies there in the open.
    if compression is None:
        raw = bytearray(path.read_bytes())
        with h5py.File(path) as file:
            at = file["names"].id.get_chunk_info(1).byte_offset
        raw[at + 16 : at + 20] = (10**6).to_bytes(4, "little")
        path.write_bytes(raw)
        with pytest.raises(FormatError, match="damaged"), opened(path):
            pass


def test_a_string_type_that_became_a_list_of_bytes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file.create_dataset("names", (1,), dtype=h5py.vlen_dtype(np.int8))[0] = np.arange(3, dtype=np.int8)
    with pytest.raises(FormatError, match="holds lists of int8"), opened(tmp_path / "t.h5"):
        pass
