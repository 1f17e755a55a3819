"""Loading a task: records become items of one split. The items of the other split are counted, never kept.

What must stay true: nothing that is returned for the dev split leads to a problem or gold answer of the test split, and a
test split is read with an :class:`~.opening.Opening` only. The fingerprint is of both splits all the same, so that an
experiment that is resumed notices that its data changed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from ...core.errors import ProblemError, TaskError, nearest
from ...core.options import read_options
from ...core.problem import Problem
from .files import Row
from .item import Item, Split, item_id, split_of
from .opening import Opening, may_read
from .sources import Source, open_source
from .task import PART, ROW, TASKS, Draft, ParallelOptions, SolutionOptions, Task, TaskOptions


@dataclass(frozen=True)
class ItemSet:
    """The problems of one split, and what they were chosen from."""

    task: Task
    split: Split
    items: tuple[Item, ...]
    fingerprint: str
    """Of id, gold answer and split of every item that was read, whatever split, ids and limit were asked for."""
    counts: Mapping[Split, int]
    """Items that were read, by split. Where the publisher keeps splits apart, only the one asked for was read."""
    duplicates: int
    """Records that repeat a question with the same gold answer. Kept once."""
    left_out: int
    """Records that hold no problem, such as pairs of equal answers."""
    source: str
    """Where the records are from, for people."""
    options: Mapping[str, Any]
    """The task's options, defaults included."""


class _Read(NamedTuple):
    id: str
    gold: str
    split: Split
    draft: Draft


@dataclass
class _Tally:
    """What is kept of every record, for the sums."""

    seen: dict[str, tuple[str, str]]
    """Gold answer and place of every item, by id."""
    marks: list[bytes]
    counts: Counter[Split]
    duplicates: int = 0
    left_out: int = 0

    def fingerprint(self) -> str:
        """Of the items as a set: their order decides nothing."""
        return hashlib.sha256(b"".join(sorted(self.marks))).hexdigest()[:16]


def load_task(
    task: str | Task,
    data: str | Path | None = None,
    *,
    split: Split | str = Split.DEV,
    limit: int | None = None,
    ids: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    opening: Opening | None = None,
) -> ItemSet:
    """The problems of a task.

    Args:
        task: name of a registered task, or a task.
        data: a local file, a pattern in its place, or a folder; without it, where the task itself gets its problems.
        split: ``dev`` or ``test``. The publisher's, where the hub keeps both; else the half that content decides.
        limit: the first so many of the split, in the order of the source (parts take turns).
        ids: only these items.
        options: the task's own, such as ``{"language": "de,fr"}``.
        opening: what a test split needs: :func:`~.opening.open_test`.

    Raises:
        SplitClosedError: the test split was asked for without an opening.
        TaskError: a record or file cannot be read, no problem is left, or one question has two gold answers.
        UnknownNameError: no task, option or part of that name.
        ConfigError: an option has a value that it cannot take.
    """
    wanted = _split(split)
    found = TASKS.get(task) if isinstance(task, str) else task
    may_read(found.name, wanted, opening)
    if limit is not None and limit < 1:
        raise TaskError(f"limit {limit} leaves no problem of task {found.name}", hint="give at least 1")
    settings = read_options(found.options, options or {}, f"task {found.name}", what="task option")
    parallel = isinstance(settings, ParallelOptions) and settings.parallel
    source = open_source(found, settings, data, wanted)
    if parallel:  # opened in any case, to hear of parts that are not there
        source = open_source(found, _of_all_parts(found, settings), data, wanted)
    tally = _Tally({}, [], Counter())
    judged, balanced = (settings.solutions, settings.balanced) if isinstance(settings, SolutionOptions) else (False, False)
    reads = [read for read in _records(found, source, tally) if read.split is wanted]
    items = [_item(found, read, judged=judged) for read in reads]
    items = _with_translations(reads, items, _parts_of(found, settings)) if parallel else items
    if not items:
        raise TaskError(f"{source.label} has no problem for the {wanted} split of task {found.name}", hint=_other(tally, wanted))
    items = _in_turn(items) if balanced else items
    if isinstance(settings, ParallelOptions) and settings.distinct:
        items = _once(reads, items)
    return ItemSet(
        task=found,
        split=wanted,
        items=tuple(_chosen(items, ids, found, wanted)[:limit]),
        fingerprint=tally.fingerprint(),
        counts=dict(sorted(tally.counts.items())),
        duplicates=tally.duplicates,
        left_out=tally.left_out,
        source=source.label,
        options=settings.model_dump(mode="json"),
    )


def _split(name: Split | str) -> Split:
    try:
        return Split(name)
    except ValueError:
        raise TaskError(f"there is no split {str(name)!r}", hint="the splits are dev and test") from None


def _records(task: Task, source: Source, tally: _Tally) -> Iterator[_Read]:
    """Every item of the source once; ``tally`` is kept on the way."""
    for row in source.rows:
        draft = _draft(task, row)
        if draft is None:
            tally.left_out += 1
            continue
        read = _Read(item_id(draft.question), draft.gold, source.split or split_of(draft.key or draft.question), draft)
        gold, where = tally.seen.setdefault(read.id, (read.gold, row.where))
        if where != row.where:
            if gold != read.gold:
                raise TaskError(
                    f"{row.where}: the question of {where} again, with another gold answer",
                    hint="take the wrong one out of the file",
                )
            tally.duplicates += 1
            continue
        tally.marks.append(hashlib.sha256(f"{read.id}\0{read.gold}\0{read.split}".encode()).digest())
        tally.counts[read.split] += 1
        yield read


def _draft(task: Task, row: Row) -> Draft | None:
    """What ``task`` reads out of a record; every error becomes one that says where."""
    try:
        return task.read(row.record)
    except KeyError as error:
        name = str(error.args[0]) if error.args else ""
        fields = [field for field in row.record if field not in {PART, ROW}]
        near = nearest(name, fields)
        known = f"did you mean its field {near!r}?" if near else f"its fields are {', '.join(map(repr, fields)) or 'none'}"
        hint = f"{known}; a file of another form is read as a custom task, which names its own fields"
        raise TaskError(f"{row.where}: no field {name!r}, which task {task.name} reads", hint=hint) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise TaskError(f"{row.where}: task {task.name} read {place} wrongly: {first['msg'].lower()}") from None
    except ValueError as error:
        raise TaskError(f"{row.where}: {error}", hint="mend the record, or take it out of the file") from None


def _item(task: Task, read: _Read, *, judged: bool) -> Item:
    """The item of a draft. ``judged``: the problem itself, with its solutions; id, gold answer and split are the same."""
    draft, given = read.draft, read.draft.given
    kind, language = draft.answer_kind or task.answer_kind, draft.language or task.language
    try:
        if judged and given is not None:
            plain = Problem.of(given.question, answer_kind=given.answer_kind, language=language)
            problem = plain.model_copy(update={"solutions": given.solutions})
        else:
            problem = Problem.of(draft.question, answer_kind=kind, language=language)
    except ProblemError as error:
        raise TaskError(f"problem {read.id} of task {task.name}: {error.message}", hint="mend the record") from None
    return Item(
        id=read.id,
        problem=problem,
        gold=read.gold,
        split=read.split,
        worth=given.worth if given is not None else (),
        data=draft.data,
    )


def _parts_of(task: Task, settings: TaskOptions) -> Sequence[str]:
    """The parts asked for; none means all."""
    return () if task.parts is None else getattr(settings, task.parts.option)


def _of_all_parts(task: Task, settings: TaskOptions) -> TaskOptions:
    return settings if task.parts is None else settings.model_copy(update={task.parts.option: ()})


def _with_translations(reads: Sequence[_Read], items: Sequence[Item], languages: Sequence[str]) -> list[Item]:
    """The items in ``languages`` (all where there are none), each with what it is in the others."""
    said: dict[str | None, dict[str, str]] = {}
    for read, item in zip(reads, items, strict=True):
        said.setdefault(read.draft.key, {})[item.problem.language] = item.problem.question
    found = []
    for read, item in zip(reads, items, strict=True):
        own = item.problem.language
        if not languages or own in languages:
            others = {code: text for code, text in said[read.draft.key].items() if code != own}
            problem = item.problem.model_copy(update={"translations": others})
            found.append(item.model_copy(update={"problem": problem}))
    return found


def _once(reads: Sequence[_Read], items: Sequence[Item]) -> list[Item]:
    """Of the items of one key, which are one problem in several languages, the first, of the next key the second, and so on."""
    keys = {read.id: read.draft.key for read in reads}
    alike: dict[str | None, list[Item]] = {}
    for item in items:
        alike.setdefault(keys[item.id], []).append(item)
    return [same[turn % len(same)] for turn, same in enumerate(alike.values())]


def _in_turn(items: list[Item]) -> list[Item]:
    """Those whose solutions are worth the same in turn with the others, each kind in its order; what one has more comes last."""
    kinds: dict[tuple[float, ...], list[Item]] = {}
    for item in items:
        kinds.setdefault(item.worth, []).append(item)
    return [item for turn in zip_longest(*kinds.values()) for item in turn if item is not None]


def _chosen(items: list[Item], ids: Sequence[str] | None, task: Task, split: Split) -> list[Item]:
    if ids is None:
        return items
    wanted = set(ids)
    if unknown := sorted(wanted - {item.id for item in items}):
        message = f"task {task.name} has no problem {unknown[0]!r} in its {split} split"
        raise TaskError(message, hint=f"{len(unknown)} of the {len(wanted)} asked for are not there")
    return [item for item in items if item.id in wanted]


def _other(tally: _Tally, wanted: Split) -> str | None:
    there = sum(tally.counts.values())
    return f"all {there} that it has are in the other one" if there else f"the {wanted} split needs at least one record"
