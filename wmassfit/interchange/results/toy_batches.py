"""Batches of pseudo-experiments as files, so that a long job survives a kill and goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from wmassfit.errors import FormatError
from wmassfit.inference.result import FitResult
from wmassfit.inference.toys import ToyBatch
from wmassfit.interchange.atomic import replaced_file

__all__ = ["BatchFolder"]

_NAME = "batch_{:06d}.npz"


class BatchFolder(MutableMapping[int, ToyBatch]):
    """A mapping from batch number to `ToyBatch` that lives in a folder, one file a batch.

    `toys(..., batches=BatchFolder(...))` writes each batch when it is done and skips those that are there. The folder
    belongs to one job: `identity` (anything JSON can hold: seed, throw, truth, …) and the fit it starts from are kept
    in job.json, and another job in the same folder is refused with FormatError.
    """

    def __init__(self, folder: str | Path, fit: FitResult, identity: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FormatError(f"{self.folder}: the folder cannot be made ({error.strerror}); choose another") from error
        job = {**identity, "fit": _digest(fit)}
        place = self.folder / "job.json"
        if place.exists():
            try:
                before = json.loads(place.read_text(encoding="utf-8"))
            except ValueError as error:
                raise FormatError(f"{place}: not the JSON of a job; empty the folder or choose another") from error
            changed = sorted(key for key in {*before, *job} if before.get(key) != job.get(key))
            if changed:
                raise FormatError(
                    f"{self.folder} holds batches of another job ({', '.join(changed)} differ): "
                    "choose another folder, or empty this one"
                )
        else:
            with replaced_file(place) as part:
                part.write_text(json.dumps(job, indent=2) + "\n", encoding="utf-8")

    def __getitem__(self, number: int) -> ToyBatch:
        path = self.folder / _NAME.format(number)
        if not path.exists():
            raise KeyError(number)
        try:
            with np.load(path, allow_pickle=False) as file:
                content: dict[str, Any] = dict(file)
                return ToyBatch(**content | {"first": int(content["first"])})
        except (ValueError, OSError, TypeError, BadZipFile, KeyError) as error:
            raise FormatError(f"{path}: damaged ({error}); delete it and the batch is made again") from error

    def __setitem__(self, number: int, batch: ToyBatch) -> None:
        with replaced_file(self.folder / _NAME.format(number)) as part:
            np.savez(part, **asdict(batch))

    def __delitem__(self, number: int) -> None:
        try:
            (self.folder / _NAME.format(number)).unlink()
        except FileNotFoundError as error:
            raise KeyError(number) from error

    def __iter__(self) -> Iterator[int]:
        found = (re.fullmatch(r"batch_(\d{6})\.npz", path.name) for path in sorted(self.folder.iterdir()))
        return (int(match[1]) for match in found if match)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _digest(fit: FitResult) -> str:
    """Names, values and data of a fit, as a fingerprint."""
    digest = hashlib.sha256("\n".join(fit.model.names).encode())
    digest.update(np.ascontiguousarray(fit.values).tobytes())
    for name in sorted(fit.data.counts):
        digest.update(fit.data.counts[name].tobytes())
    return digest.hexdigest()
