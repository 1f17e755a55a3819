"""When two answers are the same, and how many answers fall into groups of the same.

``plain_same`` decides without symbols where it can. ``group`` makes a partition out of pairwise verdicts.

A bare number equals the same number with any unit, so that 5 votes with 5 dollars; but 5 dollars is not 5 %, and so this
relation alone is not transitive. ``group`` therefore lets a bare answer join one unit only: the one with the most members,
the earliest among equals. A noun that is no measure counts as no unit: 5 apples is 5 Äpfel. Within one unit every answer is
compared with the first member of each group. All rules depend on the order by index only, never on the order of arrival.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from ..candidate import Answer
from ..problem import AnswerKind
from .latex import is_phrase
from .units import measure

Same = Callable[[Answer, Answer], Awaitable[bool]]
"""Decides where :func:`plain_same` cannot."""

_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:/[0-9]+)?")
_BASED_NUMBER = re.compile(r"[0-9A-F]+_\{?[0-9]+\}?")
_SYMBOLIC = frozenset({AnswerKind.NUMBER, AnswerKind.EXPRESSION})


def plain_same(a: Answer, b: Answer) -> bool | None:
    """Whether two answers are the same, or None where only symbols can tell.

    Canonical values decide where they are identical, where both are plain numbers or words, and for every kind that is not
    compared symbolically. A missing unit fits every unit; two units must be the same as far as :func:`.units.measure` looks.
    """
    if measure(a.unit) and measure(b.unit) and measure(a.unit) != measure(b.unit):
        return False
    if a.value == b.value:
        return True
    if not {a.kind, b.kind} <= _SYMBOLIC:
        return False
    if is_phrase(a.value) and is_phrase(b.value):
        return a.value.casefold() == b.value.casefold()
    if _BASED_NUMBER.fullmatch(a.value) and _BASED_NUMBER.fullmatch(b.value):
        return False  # sympy would drop the base: 11_2 is not 11_3
    return False if all(is_phrase(text) or _PLAIN_NUMBER.fullmatch(text) for text in (a.value, b.value)) else None


class _Class(NamedTuple):
    first: Answer
    members: list[int]


async def group(answers: Sequence[Answer | None], same: Same) -> tuple[int, ...]:
    """The group of each answer, groups numbered by first appearance; -1 for None, which is no answer and never votes.

    ``same`` is asked only where :func:`plain_same` is undecided, in an order that depends on the indices alone.
    """
    classes: list[_Class] = []
    for index, answer in enumerate(answers):
        if answer is None:
            continue
        for known in classes:
            if measure(known.first.unit) == measure(answer.unit) and await _decide(known.first, answer, same):
                known.members.append(index)
                break
        else:
            classes.append(_Class(answer, [index]))
    groups = [-1] * len(answers)
    for number, members in enumerate(sorted(await _join_bare(classes, same), key=min)):
        for index in members:
            groups[index] = number
    return tuple(groups)


async def _join_bare(classes: list[_Class], same: Same) -> list[list[int]]:
    """Let each class without unit join one class with a unit. Each of these takes in one class, lest two unequal ones meet."""
    hosts = sorted((c for c in classes if measure(c.first.unit)), key=lambda host: (-len(host.members), host.members[0]))
    merged = []
    for bare in classes:
        if measure(bare.first.unit):
            continue
        members = bare.members
        for host in hosts:
            if await _decide(bare.first, host.first, same):
                hosts.remove(host)
                members = members + host.members
                break
        merged.append(members)
    return merged + [host.members for host in hosts]


async def _decide(a: Answer, b: Answer, same: Same) -> bool:
    verdict = plain_same(a, b)
    return await same(a, b) if verdict is None else verdict
