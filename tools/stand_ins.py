"""Tests that run without the program they test: its functions are stand-ins that know what was answered before, or ask.

Everything that crosses between the two is the text of a plain value, checked here by its syntax tree and never evaluated: a
number, text, bytes, None, a boolean, and lists, tuples, dictionaries and sets of them.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..core.sandbox import Execution
from .text import shortened
from .tool import ToolError

_MAX_TEXT = 200_000
_MADE_BY_CALLS = {"set": "set", "frozenset": "frozenset", "Counter": "dict", "OrderedDict": "dict"}
"""What the ``repr`` of a value may call, and what it stands for."""
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What parsing hostile text can raise."""

_PRELUDE = """
def _symposia_text(value):
    kind = type(value)
    if kind in (set, frozenset):
        inner = '{' + ', '.join(sorted([_symposia_text(item) for item in value])) + '}' if value else '()'
        return inner if value and kind is set else kind.__name__ + ('(' + inner + ')' if value else inner)
    if kind is list:
        return '[' + ', '.join([_symposia_text(item) for item in value]) + ']'
    if kind is tuple:
        return '(' + ''.join([_symposia_text(item) + ', ' for item in value]) + ')'
    if kind is dict:
        return '{' + ', '.join([_symposia_text(key) + ': ' + _symposia_text(value[key]) for key in value]) + '}'
    return repr(value)

def _symposia_raise(error):
    raise error

_symposia_question = []

def _symposia_stand_in(name):
    def stand_in(*given, **named):
        told = [_symposia_text(item) for item in given] + [key + '=' + _symposia_text(named[key]) for key in named]
        call = name + '(' + ', '.join(told) + ')'
        if call in _symposia_answers:
            return _symposia_answers[call]()
        _symposia_question.append(call)
        raise BaseException('a question')
    return stand_in

_symposia_problem = None
"""
_GUARD = """
try:
    pass
except BaseException as error:
    _symposia_problem = type(error).__name__ + (': ' + str(error) if str(error) else '')
"""
_END = "{'question': _symposia_question[0] if _symposia_question else None, 'problem': _symposia_problem}"
_STEADY = "import random\nrandom.seed(0)"
"""A test is run anew after each answer and must ask the same again."""


class Call(NamedTuple):
    """A call of a function of the program, all of whose arguments are plain values."""

    told: str
    """As the stand-in named it."""
    source: str
    """As any Python reads it."""


class Returned(NamedTuple):
    """A call gave a plain value."""

    source: str

    @property
    def expression(self) -> str:
        """What stands for the call in a test."""
        return self.source


class Raised(NamedTuple):
    """A call raised an exception that every Python has."""

    name: str
    text: str

    @property
    def expression(self) -> str:
        """What stands for the call in a test."""
        return f"_symposia_raise({self.name}({self.text!r}))"


class Ended(NamedTuple):
    """A call gave nothing that a test can go on with: the test has failed."""

    why: str


Answer = Returned | Raised | Ended


class Test(NamedTuple):
    """A test, parsed together with what is run before it."""

    number: int
    body: list[ast.stmt]
    names: frozenset[str]
    """What it takes from the program."""
    steady: bool
    """Whether it draws random numbers, which must be the same ones each time."""

    @classmethod
    def read(cls, setup: str, test: str, number: int) -> Test:
        """Parse it. Raises :class:`ToolError` where it is no Python."""
        body = _parsed(test, f"test {number}")
        if not body:
            raise ToolError(f"test {number} is empty")
        body = [*_parsed(setup, "the setup"), *body]
        return cls(number, body, frozenset(_free_names(body)), "random" in f"{setup}{test}")

    def source(self, known: Mapping[Call, Answer]) -> str:
        """The program that runs it with what is known of the answers, and ends in a question or a problem."""
        told = [(call, answer) for call, answer in known.items() if not isinstance(answer, Ended)]
        answers = [f"{call.told!r}: lambda: {answer.expression}" for call, answer in told]
        guarded = ast.parse(_GUARD)
        if isinstance(guarded.body[0], ast.Try):
            guarded.body[0].body = self.body
        stand_ins = [f"{name} = _symposia_stand_in({name!r})" for name in sorted(self.names)]
        steady = [_STEADY] if self.steady else []
        table = f"_symposia_answers = {{{', '.join(answers)}}}"
        return "\n".join([*steady, _PRELUDE, table, *stand_ins, ast.unparse(guarded), _END])

    def question(self, execution: Execution) -> Call | None:
        """What it has to know to go on; None where it came to its end. Raises :class:`ToolError` for what cannot be asked."""
        told = execution.value.get("question") if execution.ok and isinstance(execution.value, dict) else None
        if told is None:
            return None
        source = _plain_call(str(told), self.names)
        if source is None:
            raise ToolError(f"test {self.number} gives a function something that is no plain value: {shortened(str(told))}")
        return Call(str(told), source)

    def problem(self, execution: Execution) -> str | None:
        """Why it failed, where it came to its end; None where it passed."""
        if not execution.ok or not isinstance(execution.value, dict):
            return f"it ended with {execution.ending}: {execution.error or 'no reason is known'}"
        problem = execution.value.get("problem")
        return None if problem is None else shortened(str(problem))


def answer_of(execution: Execution) -> Answer:
    """What a call of the program came to, its value being told as text."""
    if execution.ok:
        source = plain(execution.value) if isinstance(execution.value, str) else None
        return Ended("gave something that is no plain value") if source is None else Returned(source)
    found = re.match(r"(\w+)(?:: (.*))?$", re.sub(r" \(line \d+\)$", "", execution.error or ""), re.DOTALL)
    if found and _can_be_raised(found[1]):
        return Raised(found[1], found[2] or "")
    return Ended(f"ended with {execution.ending}: {shortened(execution.error or 'no reason is known')}")


def plain(text: str) -> str | None:
    """The source of a plain value by its ``repr``; None where ``text`` is anything else.

    A ``Counter``, an ``OrderedDict`` and a ``defaultdict`` become the dictionaries that they are equal to.
    """
    if text.startswith("defaultdict(<"):
        text = "OrderedDict(" + text.partition(">, ")[2]
    try:
        return ast.unparse(_plain_tree(ast.parse(text, mode="eval").body)) if len(text) <= _MAX_TEXT else None
    except _UNREADABLE:
        return None


def _plain_call(text: str, names: frozenset[str]) -> str | None:
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in names:
            return None
        call.args = [_plain_tree(argument) for argument in call.args]
        call.keywords = [ast.keyword(keyword.arg, _plain_tree(keyword.value)) for keyword in call.keywords]
        return ast.unparse(call)
    except _UNREADABLE:
        return None


def _plain_tree(node: ast.expr) -> ast.expr:
    """The tree of a plain value. Raises :class:`ValueError` for anything else."""
    plain: ast.expr
    match node:
        case ast.Constant(value=value) if value is not ...:
            plain = node
        case ast.List() | ast.Tuple() | ast.Set():
            node.elts = [_plain_tree(item) for item in node.elts]
            plain = node
        case ast.Dict(keys=keys, values=values):
            plain = ast.Dict([_plain_tree(key) for key in keys if key], [_plain_tree(value) for value in values])
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            plain = ast.UnaryOp(node.op, _plain_tree(operand))
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=left, right=ast.Constant(value=complex())):
            plain = ast.BinOp(_plain_tree(left), node.op, node.right)
        case ast.Name(id="inf"):
            plain = ast.Constant(float("inf"))
        case ast.Name(id="nan"):
            plain = ast.BinOp(ast.Constant(float("inf")), ast.Sub(), ast.Constant(float("inf")))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _MADE_BY_CALLS and len(args) < 2:
            plain = ast.Call(ast.Name(_MADE_BY_CALLS[name]), [_plain_tree(argument) for argument in args], [])
        case _:
            raise ValueError("no plain value")
    return plain


def _parsed(code: str, what: str) -> list[ast.stmt]:
    try:
        return ast.parse(code).body
    except _UNREADABLE as error:
        raise ToolError(f"{what} is no Python: {shortened(str(error))}") from None


def _free_names(body: list[ast.stmt]) -> Iterator[str]:
    """The names that code uses and nothing gives: neither itself nor Python."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    given = {name for node in nodes for name in _bound(node)} | set(dir(builtins))
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in given:
            yield node.id


def _bound(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.alias(name=name, asname=other):
            yield other or name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case _:
            pass


def _can_be_raised(name: str) -> bool:
    kind = getattr(builtins, name, None)
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        return False
    try:
        kind("")
    except TypeError:  # UnicodeDecodeError and its like take more than a text
        return False
    return True
