"""Formulas over named scores, as a multigrader has them: `0.7 * exact + 0.3 * max(a, b)`."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from typing import Final

Formula = Callable[[Mapping[str, float]], float]

_OPERATORS: Final[Mapping[type[ast.AST], Callable[..., float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_FUNCTIONS: Final[Mapping[str, Callable[..., float]]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "log": math.log,
}


def parse_formula(text: str, names: Collection[str]) -> Formula:
    """A function that computes a formula from the values of its names.

    Args:
        text: numbers, names, `+ - * / ^`, parentheses, and the functions min, max, abs, floor,
            ceil, exp, sqrt and log.
        names: those that may occur.

    Raises:
        ValueError: anything else; says what.
    """
    try:
        # In Python ^ binds more loosely than +; the vocabulary means a power.
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval").body
        return _compile(tree, names)
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"the formula {text!r} cannot be read") from None


def _compile(node: ast.expr, names: Collection[str]) -> Formula:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            number = float(value)
            return lambda _: number
        case ast.Name(id=name) if name in names:
            return lambda values: values[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _applied(_OPERATORS[type(op)], [_compile(part, names) for part in (left, right)])
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _applied(_OPERATORS[type(op)], [_compile(operand, names)])
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if (
            name in _FUNCTIONS and args
        ):
            return _applied(_FUNCTIONS[name], [_compile(part, names) for part in args])
    raise ValueError(
        f"the formula holds {ast.unparse(node)!r}, expected numbers, + - * / ^, "
        f"{', '.join(_FUNCTIONS)}, and the graders {', '.join(sorted(names))}"
    )


def _applied(function: Callable[..., float], parts: list[Formula]) -> Formula:
    return lambda values: function(*(part(values) for part in parts))
