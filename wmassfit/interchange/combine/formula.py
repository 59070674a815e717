"""Formulas of rateParam that are products: numbers and parameters, multiplied, divided, to integer powers."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Sequence

from wmassfit.errors import UnsupportedFeature

__all__ = ["product_of"]


def product_of(formula: str, arguments: Sequence[str], *, name: str) -> tuple[float, dict[str, int]]:
    """Coefficient and powers of the parameters in a product, "@i" being the i-th argument.

    Raises UnsupportedFeature, with the name of the rateParam, for any other formula.

    >>> product_of("(2*@0*@1/@2)", ["beta", "gamma", "delta"], name="alpha")
    (2.0, {'beta': 1, 'gamma': 1, 'delta': -1})
    """
    refusal = UnsupportedFeature(
        f"rateParam {name} = {formula} of {', '.join(arguments)}: only numbers and products of parameters have a "
        "counterpart here"
    )
    named = re.sub(r"@(\d+)", r"argument_\1", formula.strip().strip("'\""))
    try:
        tree = ast.parse(named.replace("^", "**"), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise refusal from None
    known = {f"argument_{i}": argument for i, argument in enumerate(arguments)} | {a: a for a in arguments}
    powers: Counter[str] = Counter()

    def visit(node: ast.expr, power: int) -> float:
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
            sign = 1 if isinstance(node.op, ast.Mult) else -1
            return visit(node.left, power) * visit(node.right, sign * power)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            exponent = node.right
            sign = -1 if isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub) else 1
            exponent = exponent.operand if sign < 0 and isinstance(exponent, ast.UnaryOp) else exponent
            if isinstance(exponent, ast.Constant) and type(exponent.value) is int and 0 < exponent.value <= 8:
                return visit(node.left, sign * exponent.value * power)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return float((-1) ** power) * visit(node.operand, power)
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            value = float(ast.literal_eval(node))
            if math.isfinite(value) and value != 0:
                return float(value**power)
        if isinstance(node, ast.Name) and node.id in known:
            powers[known[node.id]] += power
            return 1.0
        raise refusal

    try:
        coefficient = visit(tree.body, 1)
    except RecursionError:
        raise refusal from None
    return coefficient, {argument: power for argument, power in powers.items() if power != 0}
