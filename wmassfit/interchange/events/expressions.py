"""Expressions of branches, `Muon_charge * genWeight / 1000`: arithmetic, comparisons and some functions, nothing else.

`&`, `|`, `~` (or `and`, `or`, `not`) join conditions; `get("name")` is a branch whose name is no identifier. Values are
arrays with one entry an event, or lists of one entry a muon; the two mix as expected. An expression is never run as
code: only the operations listed here are carried out.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np

from wmassfit.errors import RecipeError

__all__ = ["Expression"]


def _power(base: Any, exponent: Any) -> Any:
    """In floating point: whole numbers of Python would grow without end."""
    return base ** (float(exponent) if isinstance(exponent, int) else exponent)


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: _power,
    ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: np.logical_not,
    ast.Not: np.logical_not,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.absolute,
    "arctan2": np.arctan2,
    "cos": np.cos,
    "cosh": np.cosh,
    "exp": np.exp,
    "hypot": np.hypot,
    "log": np.log,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "sign": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
}


@dataclass(frozen=True)
class Expression:
    """A formula of branches; RecipeError when it is made for what it may not hold. `what` is what errors call it.

    >>> Expression("-pdgId / 13", what="charge").branches
    ('pdgId',)
    """

    text: str
    what: str

    def __post_init__(self) -> None:
        assert isinstance(self.branches, tuple)

    @cached_property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches it needs."""
        names: dict[str, None] = {}
        self._evaluate(self._tree, lambda name: names.setdefault(name), dry=True)
        return tuple(names)

    def __call__(self, values: Mapping[str, Any]) -> Any:
        """Its value for arrays by branch name. What cannot be computed raises as numpy does: the caller knows where."""
        return self._evaluate(self._tree, values.__getitem__, dry=False)

    @cached_property
    def _tree(self) -> ast.expr:
        try:
            return ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise self._refusal("is no formula of branches") from None

    def _refusal(self, reason: str) -> RecipeError:
        known = ", ".join(_FUNCTIONS)
        return RecipeError(
            f"{self.what}: {self.text!r} {reason}; write branches, numbers, + - * / ** < > == & | ~ and {known}"
        )

    def _evaluate(self, node: ast.expr, get: Callable[[str], Any], *, dry: bool) -> Any:
        def value(part: ast.expr) -> Any:
            return self._evaluate(part, get, dry=dry)

        def apply(function: Callable[..., Any], *parts: ast.expr) -> Any:
            found = [value(part) for part in parts]
            return None if dry else function(*found)

        match node:
            case ast.Constant(value=bool() | int() | float() as number):
                return number
            case ast.Name(id=name):
                return get(name)
            case ast.Attribute():
                return get(self._dotted(node))
            case ast.Call(func=ast.Name(id="get"), args=[ast.Constant(value=str(name))], keywords=[]):
                return get(name)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
                function = _FUNCTIONS[name]
                if len(arguments) != getattr(function, "nin", 1):
                    raise self._refusal(f"gives {name} {len(arguments)} arguments")
                return apply(function, *arguments)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                return apply(_BINARY[type(op)], left, right)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                return apply(_UNARY[type(op)], operand)
            case ast.BoolOp(op=op, values=parts):
                function = np.logical_and if isinstance(op, ast.And) else np.logical_or
                found = [value(part) for part in parts]
                return None if dry else reduce(function, found)
            case ast.Compare(left=left, ops=ops, comparators=rights) if all(type(op) in _COMPARE for op in ops):
                operands = [value(part) for part in (left, *rights)]
                if dry:
                    return None
                steps = [_COMPARE[type(op)](a, b) for op, a, b in zip(ops, operands[:-1], operands[1:], strict=True)]
                return reduce(np.logical_and, steps)
        raise self._refusal(f"has {ast.unparse(node)!r} in it")

    def _dotted(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute):
            return f"{self._dotted(node.value)}.{node.attr}"
        raise self._refusal(f"has {ast.unparse(node)!r} in it")
