"""Records of public data sets, by the ``datasets`` library. Whatever goes wrong there becomes one sentence here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...core.errors import TaskError
from .files import Row, read_rows
from .item import Split
from .task import Hub, Task

_LOCAL = "a local file does as well: --data FILE"


def hub_split(hub: Hub, split: Split) -> Split | None:
    """The split that everything read for ``split`` belongs to; None where content decides."""
    return None if isinstance(hub.splits, str) else split


def hub_rows(task: Task, hub: Hub, part: str | None, split: Split) -> Iterator[Row]:
    """The records of ``split`` and, where content decides, those of the other one too.

    Raises :class:`TaskError` where the library or the data set cannot be had.
    """
    if hub.file:
        return read_rows(_file(task, hub, _fill(hub.file, part)), task.columns)
    return _records(task, hub, part, split)


def _records(task: Task, hub: Hub, part: str | None, split: Split) -> Iterator[Row]:
    published = _fill(hub.splits if isinstance(hub.splits, str) else hub.splits[split], part)
    config = _fill(hub.config, part) if hub.config else None
    try:
        from datasets import load_dataset  # noqa: PLC0415 - heavy, and an extra
    except ImportError:
        raise _missing(task) from None
    try:
        found = load_dataset(hub.repo, config, split=published)
    except Exception as error:  # the library, its network and its parsers raise whatever they like
        raise _refused(task, hub, error) from error
    where = " ".join(filter(None, (hub.repo, config, published)))
    for number, record in enumerate(found, start=1):
        yield Row(f"{where}, row {number}", dict(record))


def _file(task: Task, hub: Hub, name: str) -> Path:
    try:
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 - comes with datasets
    except ImportError:
        raise _missing(task) from None
    try:
        return Path(hf_hub_download(hub.repo, name, repo_type="dataset"))
    except Exception as error:
        raise _refused(task, hub, error) from error


def _fill(name: str, part: str | None) -> str:
    return name.replace("{part}", part or "")


def _missing(task: Task) -> TaskError:
    return TaskError(
        f"task {task.name} is fetched by the library datasets, which is not installed",
        hint=f'pip install "symposia[tasks]"; {_LOCAL}',
    )


def _refused(task: Task, hub: Hub, error: Exception) -> TaskError:
    said = str(error).strip() or type(error).__name__
    if "gated" in said.casefold():
        why = "is gated"
        hint = f"accept its terms at huggingface.co/datasets/{hub.repo} and log in with `hf auth login`"
    else:
        why, hint = f"cannot be had: {said.splitlines()[0].rstrip('.')[:300]}", "check the network"
    return TaskError(f"the data set {hub.repo} of task {task.name} {why}", hint=f"{hint}; {_LOCAL}")
