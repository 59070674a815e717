"""Values of NAME=VALUE options, as the function that takes them wants them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import NoneType, SimpleNamespace, UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from wmassfit.errors import RecipeError

__all__ = ["typed"]

_LISTS = (Sequence, Iterable, list, tuple)


def typed(given: Mapping[str, Any], function: Callable[..., Any], *, option: str) -> dict[str, Any]:
    """The values by name, made what the annotations of `function` say: lists of texts with commas, null of None.

    Raises RecipeError for a value that can be nothing of the kind, and says what can be given.

    >>> def read(*, signals: Sequence[str] = (), bounds: tuple[float, float] = (0, 1)) -> None: ...
    >>> typed({"signals": "W,Z", "bounds": "0,20"}, read, option="--read")
    {'signals': ['W', 'Z'], 'bounds': [0.0, 20.0]}
    """
    parameters = inspect.signature(function).parameters
    out = {}
    for name, value in given.items():
        # One annotation at a time: others of the function may name what is imported for type checkers alone.
        one = SimpleNamespace(__annotations__={name: parameters[name].annotation})
        try:
            hint = get_type_hints(one, globalns=getattr(function, "__globals__", {}))[name]
        except NameError:
            raise RecipeError(f"{option} {name}: takes an object that no text can be; leave it out") from None
        out[name] = _made(value, hint, f"{option} {name}={value}")
    return out


def _made(value: Any, hint: Any, where: str) -> Any:
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
    if NoneType in kinds and value in (None, "None", "none"):
        return None
    if choices:
        shown = [*choices, *(["null"] if NoneType in kinds else [])]
        return value if value in choices else _refuse(where, f"one of {', '.join(shown)}")
    if bool in kinds:
        return value if isinstance(value, bool) else _refuse(where, "true or false")
    if (float in kinds or int in kinds) and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if str in kinds or Path in kinds:
        return value if isinstance(value, str | list) else _refuse(where, "a text") if value is None else str(value)
    for kind in kinds:
        if get_origin(kind) in _LISTS:
            return _list(value, kind, where)
        if get_origin(kind) is Mapping:
            return _mapping(value, where)
    return value if Any in kinds else _refuse(where, "a number")


def _list(value: Any, hint: Any, where: str) -> list[Any]:
    if isinstance(value, str):
        # Bounds such as [0,5] within an item stay whole.
        value = [part.strip() for part in re.split(r",(?![^\[]*\])", value.strip("()"))]
    items = list(value) if isinstance(value, list) else [value]
    kinds = get_args(hint)
    if get_origin(hint) is tuple and Ellipsis not in kinds:
        if len(items) != len(kinds):
            _refuse(where, f"{len(kinds)} values, with commas between")
    else:
        kinds = (kinds[0],) * len(items)
    return [_item(item, kind, where) for item, kind in zip(items, kinds, strict=True)]


def _item(item: Any, kind: Any, where: str) -> Any:
    if kind is float:
        try:
            return float(item)
        except (TypeError, ValueError):
            _refuse(where, "numbers, with commas between")
    return _made(item, kind, where)


def _mapping(value: Any, where: str) -> Any:
    import yaml

    try:
        found = yaml.safe_load(value) if isinstance(value, str) else value
    except yaml.YAMLError:
        found = None
    return found if isinstance(found, dict) else _refuse(where, "a mapping, such as '{name: value}'")


def _refuse(where: str, wanted: str) -> NoReturn:
    raise RecipeError(f"{where}: give {wanted}")
