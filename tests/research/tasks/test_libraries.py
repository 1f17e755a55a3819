"""Tasks by way of other libraries: the hub's data sets and reasoning-gym. Nothing is fetched: a repository is a local folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import TaskError, UnknownNameError
from symposia.research.tasks.item import Split
from symposia.research.tasks.load import load_task
from symposia.research.tasks.mgsm import TASK as MGSM
from symposia.research.tasks.opening import open_test
from symposia.research.tasks.school_math import GSM8K
from symposia.research.tasks.task import Hub, Task

Write = Callable[..., Path]
Records = list[dict[str, Any]]


@pytest.fixture
def datasets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    import datasets

    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    return datasets


def test_published_splits_are_kept_and_only_the_one_asked_for_is_read(
    datasets: Any, write: Write, sums: Records, tmp_path: Path
) -> None:
    write("repo/train.jsonl", sums[:25])
    write("repo/test.jsonl", sums[25:])
    task = replace(GSM8K, hub=Hub(str(tmp_path / "repo"), splits={Split.DEV: "train", Split.TEST: "test"}))
    dev = load_task(task)
    assert [item.problem.question for item in dev.items] == [record["question"] for record in sums[:25]]
    assert dev.counts == {Split.DEV: 25}
    test = load_task(task, split="test", opening=open_test("a test of the loader"))
    assert (test.counts, {item.split for item in test.items}) == ({Split.TEST: 15}, {Split.TEST})
    assert dev.fingerprint != test.fingerprint


def test_of_a_single_published_split_content_decides(datasets: Any, write: Write, sums: Records, tmp_path: Path) -> None:
    path = write("repo/test.jsonl", sums)
    found = load_task(replace(GSM8K, hub=Hub(str(tmp_path / "repo"))))
    assert found.items == load_task(GSM8K, path).items
    with pytest.raises(
        TaskError, match=r"the data set .*repo of task gsm8k cannot be had: Unknown split \"train\".*--data FILE\)"
    ):
        load_task(replace(GSM8K, hub=Hub(str(tmp_path / "repo"), splits="train")))


def test_a_file_of_a_repository_is_read_as_a_local_one(monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
    for language in ("de", "fr"):
        write(f"mgsm_{language}.tsv", "".join(f"{language} {n}?\t{n}\n" for n in range(9)))
    asked = []

    def download(repo: str, name: str, *, repo_type: str) -> str:
        asked.append((repo, name, repo_type))
        return str(write(name, "".join(f"{name} {n}?\t{n}\n" for n in range(9))))

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    found = load_task(MGSM, options={"language": "de,fr"})
    assert asked == [("juletxara/mgsm", f"mgsm_{language}.tsv", "dataset") for language in ("de", "fr")]
    assert sum(found.counts.values()) == 18
    assert {item.problem.language for item in found.items} == {"de", "fr"}


class GatedRepoError(Exception):
    """As the hub's own, by its message."""


@pytest.mark.parametrize("task", [GSM8K, MGSM], ids=lambda task: task.name)
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ConnectionError("Couldn't reach 'x' on the Hub.\nmore"),
            r"cannot be had: Couldn't reach 'x' on the Hub \(check the network",
        ),
        (ValueError("BuilderConfig 'mian' not found. Available: ['main']"), r"cannot be had: BuilderConfig 'mian' not found"),
        (GatedRepoError("403\nAccess to this gated repo is denied"), r"is gated \(accept its terms at huggingface\.co/datasets/"),
        (RuntimeError(""), r"cannot be had: RuntimeError"),
    ],
)
def test_whatever_the_hub_says_becomes_one_sentence(
    monkeypatch: pytest.MonkeyPatch, task: Task, error: Exception, said: str
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> None:
        raise error

    monkeypatch.setattr("datasets.load_dataset", fail)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    with pytest.raises(TaskError, match=rf"of task {task.name} {said}.*--data FILE") as caught:
        load_task(task)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("task", [GSM8K, MGSM], ids=lambda task: task.name)
def test_without_the_library_a_local_file_is_offered(monkeypatch: pytest.MonkeyPatch, task: Task) -> None:
    for name in ("datasets", "huggingface_hub", "reasoning_gym", "reasoning_gym.factory"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(TaskError, match=r'not installed \(pip install "symposia\[tasks\]"; a local file does as well'):
        load_task(task)
    with pytest.raises(TaskError, match=r'needs the library of that name \(pip install "symposia\[gym\]"\)'):
        load_task("reasoning-gym", options={"dataset": "chain_sum"})


def test_reasoning_gym_makes_the_same_problems_for_the_same_seed() -> None:
    options = {"dataset": "chain_sum", "size": 30, "seed": 3}
    found = load_task("reasoning-gym", options=options)
    assert sum(found.counts.values()) + found.duplicates == 30
    assert load_task("reasoning-gym", options=options).items == found.items
    assert load_task("reasoning-gym", options=options | {"seed": 4}).fingerprint != found.fingerprint
    for item in found.items:
        assert item.data["dataset"] == "chain_sum"
        assert item.data["entry"]["question"] == item.problem.question
        assert item.data["entry"]["answer"] == item.gold
        assert item.data["entry"]["metadata"]["source_dataset"] == "chain_sum"


def test_reasoning_gym_needs_a_generator_that_there_is() -> None:
    with pytest.raises(
        TaskError, match=r"needs the name of a generator \(for example --task-option dataset=chain_sum; there are \d{3}\)"
    ):
        load_task("reasoning-gym")
    with pytest.raises(UnknownNameError, match=r"unknown reasoning-gym dataset 'chain_summ' \(did you mean 'chain_sum'\?\)"):
        load_task("reasoning-gym", options={"dataset": "chain_summ"})
