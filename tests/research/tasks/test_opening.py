"""A test split cannot be read by accident, and what is loaded for the dev split leads to nothing of it."""

from __future__ import annotations

import gc
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import SplitClosedError
from symposia.research.tasks import opening as module
from symposia.research.tasks.custom import custom_task
from symposia.research.tasks.item import Item, Split, split_of
from symposia.research.tasks.load import load_task
from symposia.research.tasks.opening import Opening, open_test
from symposia.research.tasks.task import TASKS

Write = Callable[..., Path]


@pytest.mark.parametrize("task", ["builtin", "gsm8k", "reasoning-gym", "gpqa"])
def test_a_closed_test_split_is_refused_before_anything_is_read(task: str) -> None:
    with pytest.raises(SplitClosedError, match=rf"the test split of {task} is closed.*--open-test REASON") as caught:
        load_task(task, "/missing.jsonl", split=Split.TEST)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_an_opening_without_a_reason_cannot_be_made(reason: str) -> None:
    with pytest.raises(SplitClosedError, match="opened for a reason, and none is given"):
        open_test(reason)
    with pytest.raises(SplitClosedError, match="opened for a reason, and none is given"):
        Opening(reason=reason, who="me", at=0.0)


def test_an_opening_says_who_when_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    opened = open_test(" final results ")
    assert (opened.reason, opened.who) == ("final results", "ada")
    assert abs(opened.at - time.time()) < 60


def test_a_user_without_a_name_can_open_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise OSError("no user name")

    monkeypatch.setattr(module.getpass, "getuser", nobody)
    assert open_test("final results").who == "unknown"


def test_an_open_test_split_holds_the_test_problems_and_no_others() -> None:
    opened = load_task("builtin", split="test", opening=open_test("a test of the loader"))
    assert {item.split for item in opened.items} == {Split.TEST}
    assert len(opened.items) == opened.counts[Split.TEST]


def test_nothing_of_the_test_split_is_reachable_from_the_dev_split(write: Write) -> None:
    records = [{"question": f"Which word is number {n}?", "answer": f"secret-{n}-word"} for n in range(60)]
    hidden = [record["answer"] for record in records if split_of(record["question"]) is Split.TEST]
    found = load_task(custom_task({"answer_kind": "text"}), write("a.jsonl", records))
    held = pickle.dumps((found.items, found.fingerprint, dict(found.counts), found.source, dict(found.options)))
    assert [item.gold.encode() in held for item in found.items] == [True] * len(found.items)
    assert not [word for word in hidden if word.encode() in held]
    assert not [thing for thing in _reachable(found) if isinstance(thing, Item) and thing.split is Split.TEST]
    assert not [thing for thing in _reachable(found) if isinstance(thing, str) and thing in hidden]


def _reachable(root: object) -> list[Any]:
    """All objects that ``root`` leads to, but for modules and classes, which lead everywhere."""
    seen: dict[int, Any] = {}
    waiting: list[Any] = [root]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type) or type(thing).__name__ in {"module", "function", "builtin_function"}:
            continue
        seen[id(thing)] = thing
        waiting += gc.get_referents(thing)
    return list(seen.values())


def test_every_task_is_closed() -> None:
    for name in TASKS.names():
        with pytest.raises(SplitClosedError):
            load_task(name, split="test")
