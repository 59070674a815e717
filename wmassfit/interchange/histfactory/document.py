"""HistFactory JSON as it lies on disk: workspaces, JSON patches (RFC 6902) and patch sets, with limits.

The files come from anywhere, so nothing in them may cost more than their size: a file has a largest size, nesting
that exhausts the interpreter's stack is refused, and the `copy` operations of a patch, which could double a document
again and again, may copy no more than `MAX_COPIED` values in all.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from wmassfit.errors import FormatError
from wmassfit.interchange.registry import existing_file

__all__ = ["MAX_BYTES", "MAX_COPIED", "Patch", "load_json", "patched"]

MAX_BYTES = 256 * 2**20
MAX_COPIED = 1_000_000
_MAX_OPERATIONS = 100_000

Patch: TypeAlias = str | Path | Sequence[dict[str, Any]]


def _not_a_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


def load_json(path: str | Path, *, max_bytes: int = MAX_BYTES) -> Any:
    """The document in a file. Raises FormatError if it is missing, too large, too deep, or not strict JSON."""
    file = existing_file(path)
    size = file.stat().st_size
    if size > max_bytes:
        raise FormatError(f"{file} has {size} bytes, more than {max_bytes}; give max_bytes={size} if you trust it")
    try:
        return json.loads(file.read_bytes(), parse_constant=_not_a_number)
    except RecursionError as error:
        raise FormatError(f"{file}: lists within lists too deep to be read; no workspace needs that") from error
    except ValueError as error:
        # UnicodeDecodeError is one too.
        raise FormatError(f"{file} is not JSON: {error}") from error
    except OSError as error:
        raise FormatError(f"{file} cannot be read: {error.strerror or error}") from error


def patched(
    workspace: dict[str, Any], patch: Patch, *, patch_name: str | None = None, max_bytes: int = MAX_BYTES
) -> dict[str, Any]:
    """A copy of the workspace with a patch applied.

    `patch` is a file with a JSON patch or a patch set, or a list of operations. Of a patch set, `patch_name` chooses
    one by its name or by its values separated by commas; its digests must fit the workspace.
    """
    where, loaded = "patch", patch
    if isinstance(patch, str | Path):
        where, loaded = str(patch), load_json(patch, max_bytes=max_bytes)
    if isinstance(loaded, dict):
        loaded = _chosen(loaded, workspace, patch_name, where)
    elif patch_name is not None:
        raise FormatError(f"{where} is a single patch, so patch_name={patch_name!r} has no meaning; leave it out")
    return _apply(workspace, loaded, where)


def _chosen(patch_set: dict[str, Any], workspace: dict[str, Any], name: str | None, where: str) -> Any:
    try:
        patches = {
            str(one["metadata"]["name"]): (one["patch"], [float(v) for v in one["metadata"]["values"]])
            for one in patch_set["patches"]
        }
        digests = dict(patch_set["metadata"]["digests"])
        count = len(patch_set["patches"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(
            f"{where} is neither a JSON patch (a list of operations) nor a patch set ({type(error).__name__}: {error})"
        ) from error
    if len(patches) != count:
        raise FormatError(f"{where}: a patch name comes twice")
    listed = f"{', '.join(list(patches)[:8])}{' …' if len(patches) > 8 else ''}"
    if name is None and len(patches) == 1:
        name = next(iter(patches))
    if name is None:
        raise FormatError(f"{where} is a set of {len(patches)} patches; choose one with patch_name: {listed}")
    if name not in patches:
        by_value = [key for key, (_, values) in patches.items() if values == _values(name)]
        if len(by_value) != 1:
            raise FormatError(f"{where} has no patch {name!r}; there are {listed}")
        name = by_value[0]
    _verify(digests, workspace, where)
    return patches[name][0]


def _values(text: str) -> list[float] | None:
    try:
        return [float(part) for part in text.strip("()[] ").split(",")]
    except ValueError:
        return None


def _verify(digests: dict[str, Any], workspace: dict[str, Any], where: str) -> None:
    # The digest of a workspace is that of its JSON with sorted keys and Python's default separators.
    text = json.dumps(workspace, sort_keys=True, ensure_ascii=False).encode()
    for algorithm, expected in digests.items():
        if algorithm not in ("md5", "sha256"):
            raise FormatError(f"{where}: unknown digest {algorithm!r}; there are md5 and sha256")
        found = hashlib.new(algorithm, text, usedforsecurity=False).hexdigest()
        if found != expected:
            raise FormatError(f"{where} was made for another workspace: its {algorithm} is {expected}, here {found}")


def _apply(workspace: dict[str, Any], operations: Any, where: str) -> dict[str, Any]:
    import jsonpatch
    import jsonpointer

    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise FormatError(f"{where}: a JSON patch is a list of operations")
    if len(operations) > _MAX_OPERATIONS:
        raise FormatError(f"{where}: {len(operations)} operations, more than {_MAX_OPERATIONS}")
    document = copy.deepcopy(workspace)
    left = MAX_COPIED
    for i, operation in enumerate(operations):
        try:
            if operation.get("op") == "copy":
                left -= _size(jsonpointer.resolve_pointer(document, operation["from"]), left)
                if left < 0:
                    raise FormatError(f"{where}, operation {i}: the patch copies more than {MAX_COPIED} values")
            document = jsonpatch.apply_patch(document, [copy.deepcopy(operation)], in_place=True)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, KeyError, TypeError) as error:
            raise FormatError(
                f"{where}, operation {i} ({operation.get('op')} {operation.get('path')}) cannot be applied: {error}"
            ) from error
        except RecursionError as error:
            raise FormatError(f"{where}, operation {i}: lists within lists too deep") from error
    if not isinstance(document, dict):
        raise FormatError(f"{where}: what is left of the workspace is a {type(document).__name__}")
    return document


def _size(value: Any, limit: int) -> int:
    """Number of values in a document, or anything above `limit` as soon as there are more."""
    stack, count = [value], 0
    while stack and count <= limit:
        item = stack.pop()
        count += 1
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return count
