"""Follows a formula with numbers in place of names, brackets first, as one would by hand."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def _sigmoid(number: float) -> float:
    return 1 / (1 + math.exp(-number))


FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "sqrt": math.sqrt,
    "max": max,
    "sigmoid": _sigmoid,
    "tanh": math.tanh,
    "erf": math.erf,
    "exp": math.exp,
}
"""Functions that a formula may call."""
STRENGTH: Mapping[type[ast.operator], int] = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.Div: 2, ast.Pow: 3}
"""How tightly an operation binds; an operand that binds less stands in brackets."""
ROUNDING = 1e-12
"""What is smaller came from rounding, and is shown as 0."""


class Shown(float):
    """A number that is written with six digits, in brackets if it is negative, while all its digits are kept."""

    def __repr__(self) -> str:
        text = number_text(self)
        return f"({text})" if text.startswith("-") else text


def number_text(value: float) -> str:
    """Return a number with six significant digits.

    Example:
        >>> number_text(-1.0690434), number_text(1e-05), number_text(-1e-17)
        ('-1.06904', '1e-05', '0')
    """
    return "0" if abs(value) < ROUNDING else f"{value:.6g}"


def substituted(formula: str, values: Mapping[str, float]) -> str:
    """Return a formula with numbers in place of its names.

    Example:
        >>> substituted("(1 - momentum) * mean", {"momentum": 0.3, "mean": -2})
        '(1 - 0.3) * (-2)'
    """
    return _text(_with_numbers(formula, values))


def steps(formula: str, values: Mapping[str, float]) -> tuple[tuple[str, ...], float]:
    """Return the lines from a formula with numbers down to its value, and the value.

    Each line works out the innermost brackets and functions of the one before; no digit is lost between them.

    Example:
        >>> steps("(x - mean) / sqrt(var)", {"x": 1, "mean": 3, "var": 4})
        (('(1 - 3) / sqrt(4)', '-2 / 2', '-1'), -1.0)
    """
    node = _with_numbers(formula, values)
    lines = [_text(node)]
    while not isinstance(node, ast.Constant):
        node = _step(node)
        lines.append(_text(node))
    return tuple(lines), float(_number(node))


def value_of(formula: str, values: Mapping[str, float]) -> float:
    """Return what a formula gives for the values of its names."""
    return steps(formula, values)[1]


def names_in(formula: str) -> list[str]:
    """Return the names of values in a formula, in order of appearance, without functions."""
    tree = ast.parse(formula, mode="eval")
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id not in FUNCTIONS]
    return list(dict.fromkeys(node.id for node in sorted(found, key=lambda node: node.col_offset)))


def without(formula: str, names: AbstractSet[str]) -> str:
    """Return a formula without the factors and summands of these names.

    Example:
        >>> without("(x - mean) * weight + bias", {"weight", "bias"})
        'x - mean'
    """
    return ast.unparse(_Without(names).visit(ast.parse(formula, mode="eval")))


class _Without(ast.NodeTransformer):
    def __init__(self, names: AbstractSet[str]) -> None:
        self.names = names

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        dropped = isinstance(node.right, ast.Name) and node.right.id in self.names
        return self.visit(node.left) if dropped else self.generic_visit(node)


def _with_numbers(formula: str, values: Mapping[str, float]) -> ast.expr:
    tree: ast.Expression = _Numbers(values).visit(ast.parse(formula, mode="eval"))
    return tree.body


class _Numbers(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, float]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return node if node.id in FUNCTIONS else ast.Constant(Shown(self.values[node.id]))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(Shown(node.value))  # type: ignore[arg-type]


def _text(node: ast.expr) -> str:
    text = number_text(_number(node)) if isinstance(node, ast.Constant) else ast.unparse(node)
    head, bracket, rest = text.partition(")")
    is_number = head.startswith("(-") and " " not in head
    return head[1:] + rest if bracket and is_number and not rest.startswith(" **") else text


def _number(node: ast.expr) -> float:
    assert isinstance(node, ast.Constant)
    return float(node.value)  # type: ignore[arg-type]


def _step(node: ast.expr) -> ast.expr:
    """Work out the innermost brackets, or where there are none the whole."""
    if not _brackets(node):
        return ast.Constant(Shown(_worked_out(node)))
    if isinstance(node, ast.Call):
        return ast.Call(node.func, [_step(one) if _is_open(one) else one for one in node.args], [])
    assert isinstance(node, ast.BinOp)
    return ast.BinOp(_operand_step(node, node.left), node.op, _operand_step(node, node.right))


def _operand_step(node: ast.BinOp, operand: ast.expr) -> ast.expr:
    return _step(operand) if _brackets(operand) or _stands_in_brackets(node, operand) else operand


def _brackets(node: ast.expr) -> bool:
    """Return whether something inside must be worked out first."""
    if isinstance(node, ast.Call):
        return any(_is_open(one) for one in node.args)
    if not isinstance(node, ast.BinOp):
        return False
    return any(_brackets(operand) or _stands_in_brackets(node, operand) for operand in (node.left, node.right))


def _is_open(argument: ast.expr) -> bool:
    return not isinstance(argument, ast.Constant)


def _stands_in_brackets(node: ast.BinOp, operand: ast.expr) -> bool:
    if isinstance(operand, ast.Call):
        return True
    if not isinstance(operand, ast.BinOp):
        return False
    outer, inner = STRENGTH[type(node.op)], STRENGTH[type(operand.op)]
    return inner < outer or (inner == outer and operand is node.right)


def _worked_out(node: ast.expr) -> float:
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return FUNCTIONS[node.func.id](*map(_number, node.args))
    if isinstance(node, ast.BinOp):
        return OPERATIONS[type(node.op)](_worked_out(node.left), _worked_out(node.right))
    return _number(node)
