"""Whether a text may be handed to a scorer that evaluates it as Python.

Some scorers of reasoning-gym call ``eval`` or sympy's ``parse_expr``, which is the same, on what a model wrote. Only
literals and bounded arithmetic may get there: no attribute, no subscript, no call but of elementary functions, no power
that fills the memory.
"""

from __future__ import annotations

import ast
import math
import re
import warnings

MAX_CHARS = 4_000
MAX_EXPONENT = 100
"""Of powers of powers the product."""
_MAX_NUMBER = 10**50
_FUNCTIONS = frozenset(
    {"sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "ln", "sqrt"}
)
_WORDS = re.compile(r"(?:(?!__)[\w\s.,:-])*")
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.UAdd, ast.USub)
_SEQUENCES = (ast.List, ast.Tuple, ast.Set, ast.Dict)
_PLAIN = (ast.Expression, *_SEQUENCES, ast.BinOp, ast.UnaryOp, ast.Load, *_OPERATORS)


def is_harmless(text: str) -> bool:
    """Whether evaluating ``text`` can do nothing but make a value: literals, words, arithmetic of bounded size."""
    if len(text) > MAX_CHARS:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of "1 is 1" and the like: it is not our program
            tree = ast.parse(text.strip(), mode="eval")
        nodes = list(ast.walk(tree))
        return all(map(_is_plain, nodes)) and not _repeats(nodes) and _power(tree) <= MAX_EXPONENT
    except SyntaxError:
        return bool(_WORDS.fullmatch(text))
    except (ValueError, RecursionError, MemoryError):
        return False


def _is_plain(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str() | bool() | None):
            return True
        case ast.Constant(value=int() | float() as value):
            return abs(value) < _MAX_NUMBER
        case ast.Name(id=name):
            return "__" not in name
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            return name in _FUNCTIONS
        case _:
            return isinstance(node, _PLAIN)


def _repeats(nodes: list[ast.AST]) -> bool:
    """Whether there may be arithmetic on strings or lists, which fills the memory: ``"a" * 10**9``."""
    sequences = any(
        isinstance(node, _SEQUENCES) or (isinstance(node, ast.Constant) and isinstance(node.value, str)) for node in nodes
    )
    return sequences and any(isinstance(node, ast.BinOp) for node in nodes)


def _power(node: ast.AST) -> float:
    """A bound of the largest power that any part of the tree is raised to; infinite for a power in an exponent."""
    inner = max(map(_power, ast.iter_child_nodes(node)), default=0)
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)):
        return inner
    exponent = list(ast.walk(node.right))
    if any(isinstance(each, ast.Pow) for each in exponent):
        return float("inf")
    sizes = [abs(each.value) for each in exponent if isinstance(each, ast.Constant) and isinstance(each.value, int | float)]
    return max(inner, 1) * math.prod(max(size, 1) for size in sizes)
