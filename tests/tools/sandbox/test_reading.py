"""What comes back from behind a wall, read as something that may be a lie; and what monty says, told apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from symposia.core.sandbox import Ending, Limits
from symposia.tools.sandbox.inside.values import MOST_BYTES, ValueTooLargeError, to_json
from symposia.tools.sandbox.monty_endings import Raised, ending_of
from symposia.tools.sandbox.reports import Record, execution_of

LIMITS = Limits(output=10, files=99)


def record(**fields: Any) -> Record:
    return Record(**{"seconds": 0.5, "exit_code": 0, "over": None, "clean": True, "sizes": (0, 0, 0), **fields})


def told(report: bytes, **fields: Any) -> tuple[Ending, Any, str | None]:
    execution = execution_of(record(**fields), b"", b"", report, LIMITS)
    return execution.ending, execution.value, execution.error


def test_a_report_is_its_ending_its_error_and_its_value() -> None:
    assert told(b'{"ending": "ok", "error": null}\n[1, "a"]') == (Ending.OK, [1, "a"], None)
    assert told(b'{"ending": "denied", "error": "no\\nway"}\nnull') == (Ending.DENIED, None, "no way")


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b"nonsense",
        b'{"ending": "ok", "error": null}',
        b'{"ending": "ok", "error": null}\n',
        b'{"ending": "time", "error": null}\n1',
        b'{"ending": "ok", "error": null, "cpu_seconds": 0}\n1',
        b'{"ending": "ok", "error": 1}\n1',
        b'{"ending": "ok", "error": null}\nNaN',
        b'{"ending": "ok", "error": null}\n' + b"[" * 100_000,
        b'{"ending": "ok", "error": null}\n' + b"1" * 5000,
        b'{"ending": "ok", "error": null}\n"\xff"',
        b"\xff\n1",
    ],
)
def test_a_report_that_is_none_is_a_crash(forged: bytes) -> None:
    assert told(forged) == (Ending.CRASHED, None, "its process ended without saying what came of it")


def test_what_the_zygote_saw_counts_more_than_what_the_process_says() -> None:
    well = b'{"ending": "ok", "error": null}\n1'
    assert told(well, exit_code=-11) == (Ending.CRASHED, None, "its process was ended by SIGSEGV")
    assert told(well, exit_code=-64)[0] is Ending.CRASHED
    assert told(well, exit_code=3) == (Ending.CRASHED, None, "its process ended by itself, with exit code 3")
    assert told(well, exit_code=-24) == (Ending.TIME, None, "it took more than 5 seconds")
    assert told(well, over="output") == (Ending.OUTPUT, None, "it wrote more than 10 bytes")
    assert told(well, over="report") == (Ending.ERROR, None, "its value is too large to be given back")
    assert told(well, over="files") == (Ending.DENIED, None, "it wrote more than 99 bytes into files, or too many of them")


def test_bytes_that_are_no_text_are_shown_all_the_same() -> None:
    execution = execution_of(record(), b"a\xffb", b"\xfe", b'{"ending": "ok", "error": null}\nnull', LIMITS)
    assert (execution.stdout, execution.stderr) == ("a\ufffdb", "\ufffd")


def test_a_long_error_is_cut() -> None:
    _, _, error = told(json.dumps({"ending": "error", "error": "x" * 5000}).encode() + b"\nnull")
    assert error
    assert len(error) == 500
    assert error.endswith("…")


class Thing:
    def __init__(self, **attributes: object) -> None:
        self.attributes = attributes

    def __repr__(self) -> str:
        return "a thing"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        ((1, [2]), "[1, [2]]"),
        ({"a": {"b": 1}}, '{"a": {"b": 1}}'),
        ({1: 2}, '"{1: 2}"'),
        ({"a": {1: 2}}, "\"{'a': {1: 2}}\""),
        ({3}, '"{3}"'),
        (b"ab", "\"b'ab'\""),
        (float("-inf"), '"-inf"'),
        (1 + 2j, '"(1+2j)"'),
        (ValueError("a"), "\"ValueError('a')\""),
        (Thing(a=1), '"a thing"'),
    ],
)
def test_a_value_is_json_where_json_holds_it_and_else_its_text(value: object, text: str) -> None:
    assert to_json(value) == text


def doubled(value: object, times: int) -> object:
    for _ in range(times):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        "x" * MOST_BYTES,
        [0] * MOST_BYTES,
        doubled(0, 60),
        {"k": doubled(0, 60)},
        Thing(a=doubled(0, 60)),
        ValueError(doubled(0, 60)),
        b"x" * 2**21,
    ],
    ids=["text", "list", "doubled", "in a dictionary", "in a thing", "in an error", "bytes"],
)
def test_a_value_that_is_too_large_is_found_out_before_it_is_written(value: object) -> None:
    with pytest.raises(ValueTooLargeError):
        to_json(value)


@pytest.mark.parametrize(
    ("kind", "message", "ending"),
    [
        ("ZeroDivisionError", "division by zero", Ending.ERROR),
        ("MemoryError", "memory limit exceeded: 2 bytes > 1 bytes", Ending.MEMORY),
        ("ModuleNotFoundError", "No module named 'sympy'", Ending.UNSUPPORTED),
        ("ImportError", "cannot import name 'fork' from 'os' (unknown location)", Ending.UNSUPPORTED),
        ("NotImplementedError", "The monty syntax parser does not yet support yield expressions", Ending.UNSUPPORTED),
        ("NotImplementedError", "left to the reader", Ending.ERROR),
        ("NameError", "name 'super' is not defined", Ending.UNSUPPORTED),
        ("NameError", "name 'x' is not defined", Ending.ERROR),
        ("AttributeError", "'str' object has no attribute 'translate'", Ending.UNSUPPORTED),
        ("AttributeError", "'str' object has no attribute 'zork'", Ending.ERROR),
        ("AttributeError", "module 'os' has no attribute 'fork'", Ending.UNSUPPORTED),
        ("TypeError", "cannot create 'property' instances", Ending.UNSUPPORTED),
        ("TypeError", "unsupported operand type(s) for +: 'int' and 'str'", Ending.ERROR),
        ("PermissionError", "Permission denied: '/etc'", Ending.ERROR),
        ("TimeoutError", "feed time limit exceeded: 2s > 1s", Ending.ERROR),
    ],
)
def test_what_monty_lacks_is_told_from_what_is_wrong(kind: str, message: str, ending: Ending) -> None:
    assert ending_of(Raised(kind, message, traced=True, reached=False)) is ending


def test_limits_and_what_was_reached_for_count_only_where_monty_itself_says_so() -> None:
    assert ending_of(Raised("TimeoutError", "feed time limit exceeded: 2s > 1s", traced=False, reached=False)) is Ending.TIME
    assert ending_of(Raised("PermissionError", "Permission denied: '/etc'", traced=True, reached=True)) is Ending.DENIED
    said = "'os.environ' is not supported in this environment"
    assert ending_of(Raised("RuntimeError", said, traced=True, reached=True)) is Ending.DENIED
    assert ending_of(Raised("RuntimeError", said, traced=True, reached=False)) is Ending.ERROR
