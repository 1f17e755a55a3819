"""From a file to the items of one split: what is kept and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import ConfigError, TaskError, UnknownNameError
from symposia.core.problem import AnswerKind
from symposia.research.tasks.custom import custom_task
from symposia.research.tasks.item import Split, split_of
from symposia.research.tasks.load import load_task
from symposia.research.tasks.opening import open_test
from symposia.research.tasks.task import TASKS, Draft, Task

Records = list[dict[str, Any]]
Written = Callable[[Records], Path]

QUESTIONS = [f"A cart holds {n} barrels and one more. How many barrels are there?" for n in range(40)]


def sums() -> Records:
    return [{"question": question, "answer": f"{n} + 1\n#### {n + 1}"} for n, question in enumerate(QUESTIONS)]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(records: Records) -> Path:
        path = tmp_path / "sums.jsonl"
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return path

    return write


def test_the_dev_split_is_loaded_with_what_the_task_says(written: Written) -> None:
    found = load_task("gsm8k", written(sums()))
    assert found.split is Split.DEV
    assert [item.problem.question for item in found.items] == [q for q in QUESTIONS if split_of(q) is Split.DEV]
    assert found.counts == {Split.DEV: len(found.items), Split.TEST: 40 - len(found.items)}
    assert min(found.counts.values()) > 10
    first = found.items[0]
    assert (first.problem.answer_kind, first.problem.language, first.data) == (AnswerKind.NUMBER, "en", {"steps": 1})
    assert int(first.gold) == QUESTIONS.index(first.problem.question) + 1
    assert len({item.id for item in found.items}) == len(found.items)


def test_both_splits_together_are_the_file(written: Written) -> None:
    path = written(sums())
    dev, test = load_task("gsm8k", path), load_task("gsm8k", path, split="test", opening=open_test("to count them"))
    assert {item.split for item in test.items} == {Split.TEST}
    assert {item.problem.question for item in (*dev.items, *test.items)} == set(QUESTIONS)
    assert dev.fingerprint == test.fingerprint


def test_limit_and_ids_choose_in_the_order_of_the_file(written: Written) -> None:
    path = written(sums())
    whole = load_task("gsm8k", path)
    assert load_task("gsm8k", path, limit=3).items == whole.items[:3]
    assert load_task("gsm8k", path, limit=1000).items == whole.items
    chosen = load_task("gsm8k", path, ids=[whole.items[5].id, whole.items[2].id])
    assert chosen.items == (whole.items[2], whole.items[5])
    assert {chosen.fingerprint, load_task("gsm8k", path, limit=3).fingerprint} == {whole.fingerprint}
    assert chosen.counts == whole.counts


def test_ids_of_the_other_split_are_not_there(written: Written) -> None:
    path = written(sums())
    other = load_task("gsm8k", path, split="test", opening=open_test("its ids")).items[0].id
    with pytest.raises(TaskError, match=f"no problem '{other}' in its dev split"):
        load_task("gsm8k", path, ids=[other])


def test_the_fingerprint_is_of_every_gold_answer_but_of_no_order(written: Written) -> None:
    records = sums()
    before = load_task("gsm8k", written(records)).fingerprint
    assert load_task("gsm8k", written(records[::-1])).fingerprint == before
    hidden = next(n for n, question in enumerate(QUESTIONS) if split_of(question) is Split.TEST)
    records[hidden]["answer"] = "#### 77777"
    changed = load_task("gsm8k", written(records)).fingerprint
    assert changed != before
    assert load_task("gsm8k", written(records[:-1])).fingerprint not in {before, changed}


def test_a_repeated_question_is_kept_once_and_counted(written: Written) -> None:
    records = sums()
    again = {"question": records[0]["question"].replace(" ", "  "), "answer": "#### 1"}
    found = load_task("gsm8k", written([*records, again]))
    assert (found.duplicates, sum(found.counts.values())) == (1, 40)


def test_a_question_with_two_gold_answers_is_refused(written: Written) -> None:
    records = sums()
    with pytest.raises(TaskError, match=r"sums.jsonl, line 41: the question of sums.jsonl, line 1 again"):
        load_task("gsm8k", written([*records, {"question": QUESTIONS[0], "answer": "#### 5"}]))


def test_a_missing_field_is_named_with_its_place_and_the_nearest_one(written: Written) -> None:
    with pytest.raises(TaskError, match=r"sums.jsonl, line 2: no field 'answer', which task gsm8k reads") as caught:
        load_task("gsm8k", written([sums()[0], {"question": "How many?", "anwser": "#### 3"}]))
    assert "did you mean its field 'anwser'?" in str(caught.value.hint)
    assert (caught.value.code, caught.value.exit_code) == ("task", 2)


def test_where_no_name_is_near_the_fields_are_listed(written: Written) -> None:
    with pytest.raises(TaskError) as caught:
        load_task("gsm8k", written([{"prompt": "How many?", "z": "#### 3"}]))
    assert "'prompt', 'z'" in str(caught.value.hint)
    assert "_row" not in str(caught.value.hint)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"question": "How many?", "answer": "3"}, "must end with #### and the number"),
        ({"question": "How many?", "answer": ["#### 3"]}, "field 'answer' holds no text"),
        ({"question": "  ", "answer": "#### 3"}, "field 'question' is empty"),
        ({"question": None, "answer": "#### 3"}, "field 'question' holds no text"),
    ],
)
def test_a_bad_value_is_named_with_its_place(written: Written, record: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskError, match=f"sums.jsonl, line 1: .*{said}"):
        load_task("gsm8k", written([record]))


def test_a_question_beyond_what_a_problem_may_have_is_named(written: Written) -> None:
    long = next(text for n in range(9) if split_of(text := f"{n} " + "word " * 50_000) is Split.DEV)
    with pytest.raises(TaskError, match=r"problem [0-9a-f]{12} of task gsm8k: the question has"):
        load_task("gsm8k", written([{"question": long, "answer": "#### 3"}]))


def test_no_problem_for_the_split_is_an_error_that_says_where_they_are(written: Written) -> None:
    hidden = next(question for question in QUESTIONS if split_of(question) is Split.TEST)
    with pytest.raises(TaskError, match="no problem for the dev split") as caught:
        load_task("gsm8k", written([{"question": hidden, "answer": "#### 3"}]))
    assert "all 1" in str(caught.value.hint)
    with pytest.raises(TaskError, match="no problem for the dev split"):
        load_task("gsm8k", written([]))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_leaves_at_least_one(written: Written, limit: int) -> None:
    with pytest.raises(TaskError, match="leaves no problem"):
        load_task("gsm8k", written(sums()), limit=limit)


def test_names_that_there_are_not(written: Written) -> None:
    path = written(sums())
    with pytest.raises(UnknownNameError, match="gsm8"):
        load_task("gsm8", path)
    with pytest.raises(TaskError, match="no split 'train'"):
        load_task("gsm8k", path, split="train")
    with pytest.raises(UnknownNameError, match="task option 'languag'"):
        load_task("mgsm", path, options={"languag": "de"})
    with pytest.raises(ConfigError, match="size"):
        load_task("reasoning-gym", options={"size": "many"})


def test_options_are_kept_with_their_defaults() -> None:
    found = load_task("reasoning-gym", options={"dataset": "chain_sum", "size": "6", "seed": 3})
    assert found.options == {"dataset": "chain_sum", "size": 6, "seed": 3}


def test_a_task_without_a_source_needs_a_file() -> None:
    with pytest.raises(TaskError, match=r"task custom has no public source \(give a local file: --data FILE\)"):
        load_task(custom_task({}))


def _read(record: Any) -> Draft | None:
    return Draft(question=record["question"], gold=record["gold"], data={"level": 3}) if record["gold"] else None


MINE = Task(name="mine", summary="Mine.", source="me", read=_read, grader="exact", groups=("level",))


def test_a_task_of_ones_own_is_passed_or_registered(written: Written) -> None:
    path = written([{"question": question, "gold": "right" * (n % 3)} for n, question in enumerate(QUESTIONS)])
    passed = load_task(MINE, path)
    assert (passed.left_out, sum(passed.counts.values()), passed.task) == (14, 26, MINE)
    assert passed.items[0].data == {"level": 3}
    with TASKS.having("mine", MINE):
        assert load_task("mine", path).items == passed.items


def test_what_a_task_reads_wrongly_is_said_with_its_place(written: Written) -> None:
    with pytest.raises(TaskError, match=r"sums\.jsonl, line 1: task mine read gold wrongly: input should be a valid string"):
        load_task(MINE, written([{"question": "How many?", "gold": 1}]))
