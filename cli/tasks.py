"""``symposia tasks``."""

from __future__ import annotations

import json
from typing import Any

import click

from ..core.errors import ConfigError
from ..core.option_items import parse_options
from ..research.tasks.item import Split
from ..research.tasks.load import ItemSet, load_task
from ..research.tasks.task import TASKS, Task
from .options import json_option
from .output import clean, columns, data, data_json, note


@click.command()
@click.argument("name", required=False)
@click.option("--data", "path", metavar="FILE", help="Read this file, folder or quoted pattern, and count what is in it.")
@click.option("--task-option", "options", multiple=True, metavar="KEY=VALUE", help="An option of the task.")
@click.option("--example", is_flag=True, help="Show the first problem of the dev split with its gold answer.")
@json_option
def tasks(name: str | None, *, path: str | None, options: tuple[str, ...], example: bool, as_json: bool) -> None:
    """List the tasks, or show NAME; with --data, --task-option or --example its problems are read."""
    if name is None:
        if path or options or example:
            raise ConfigError("--data, --task-option and --example read the problems of a task, and none is named")
        _list(as_json=as_json)
        return
    task = TASKS.get(name)
    items = load_task(task, path, options=parse_options(options)) if path or options or example else None
    read = _read(items, example=example) if items else {}
    if as_json:
        data_json(_describe(task) | {"options": _options(task)} | read)
        return
    data(_detail(task))
    if read:
        data("\n".join(["", *(f"{key.replace('_', ' ')}: {_text(value)}" for key, value in read.items())]))


def _list(*, as_json: bool) -> None:
    found = TASKS.all()
    if as_json:
        data_json([_describe(task) for task in found.values()])
    else:
        rows = [[task.name, task.grader, task.summary] for task in found.values()]
        data(columns(rows, ["TASK", "GRADER", "WHAT IT IS"]))
    for error in TASKS.broken().values():
        note(f"left out: {error}")


def _describe(task: Task) -> dict[str, object]:
    return {
        "name": task.name,
        "summary": task.summary,
        "source": task.source,
        "hub": task.hub.repo if task.hub else None,
        "grader": task.grader,
        "answer_kind": task.answer_kind,
        "language": task.language,
        "groups": list(task.groups),
    }


def _options(task: Task) -> dict[str, Any]:
    """The JSON schema of each option by name."""
    fields: dict[str, Any] = task.options.model_json_schema().get("properties", {})
    return fields


def _detail(task: Task) -> str:
    where = "come with symposia" if task.file else "made by a program" if task.generate else "a local file: --data FILE"
    lines = [
        task.name,
        task.summary,
        f"source: {task.source}",
        f"problems: {f'huggingface.co/datasets/{task.hub.repo}' if task.hub else where}",
        f"answers: {task.answer_kind}, graded by {task.grader}",
    ]
    if task.groups:
        lines.append(f"broken down by: {', '.join(task.groups)}")
    rows = [[name, json.dumps(field.get("default")), field.get("description", "")] for name, field in _options(task).items()]
    return "\n".join([*lines, "", columns(rows, ["OPTION", "DEFAULT", "WHAT IT DOES"])] if rows else lines)


def _read(items: ItemSet, *, example: bool) -> dict[str, Any]:
    """What was read, of the dev split alone; of the other one, how many there are."""
    found: dict[str, Any] = {
        "read_from": items.source,
        "problems_by_split": {str(split): items.counts.get(split, 0) for split in Split},
        "duplicates": items.duplicates,
        "left_out": items.left_out,
        "fingerprint": items.fingerprint,
    }
    first = items.items[0]
    return found | ({"example": {"question": first.problem.question, "gold": first.gold}} if example else {})


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {clean(str(each))}" for key, each in value.items())
    return str(value)
