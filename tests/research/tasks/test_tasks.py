# ruff: noqa: RUF001 - a full-width question mark is what Chinese is written with
"""Each task on records in the form of its source, with problems written for the tests."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import TaskError, UnknownNameError
from symposia.core.problem import AnswerKind
from symposia.research.graders.grade import GRADERS
from symposia.research.tasks.item import Item, Split
from symposia.research.tasks.load import load_task
from symposia.research.tasks.opening import open_test
from symposia.research.tasks.task import TASKS

Write = Callable[..., Path]
NAMES = [
    "aime", "amc", "builtin", "cmath", "game24", "gpqa", "gsm8k", "jeebench", "math-500", "mgsm", "processbench",
    "reasoning-gym", "strategyqa", "svamp", "tara",
]  # fmt: skip


def _all(task: str, path: Path | str, **options: Any) -> list[Item]:
    """The items of both splits."""
    found: list[Item] = []
    for split in Split:
        try:
            found += load_task(task, path, split=split, options=options, opening=open_test("all items")).items
        except TaskError as error:
            if "has no problem for" not in str(error):
                raise
    return found


def _one(task: str, path: Path, **options: Any) -> Item:
    (item,) = _all(task, path, **options)
    return item


def test_every_task_is_registered_under_its_name_with_a_grader_that_there_is() -> None:
    assert TASKS.broken() == {}
    assert set(NAMES) <= set(TASKS.names())
    for name, task in TASKS.all().items():
        assert task.name == name
        assert task.grader in GRADERS.names()
        assert task.summary.endswith(".")
        assert task.hub or task.generate or task.file
        assert task.parts is None or task.parts.option in task.options.model_fields


@pytest.mark.parametrize(
    ("task", "record", "question", "gold", "data"),
    [
        (
            "gsm8k",
            {"question": " Two and\ttwo? ", "answer": "a\nb <<2+2=4>>\n#### 1,004"},
            " Two and\ttwo? ",
            "1004",
            {"steps": 2},
        ),
        (
            "svamp",
            {"ID": "x-1", "Body": "Bo has 3 cups. ", "Question": "How many?", "Answer": 3.0, "Type": "Addition", "Equation": "3"},
            "Bo has 3 cups. How many?",
            "3",
            {"type": "Addition", "equation": "3", "source_id": "x-1"},
        ),
        (
            "cmath",
            {"question": "二加二？", "golden": "4", "grade": 1, "reasoning_step": 1, "num_digits": 1},
            "二加二？",
            "4",
            {"grade": 1, "steps": 1, "digits": 1},
        ),
        ("cmath", {"input": "二加三？", "golden": "5%"}, "二加三？", "5%", {}),
        (
            "math-500",
            {"problem": "Half?", "answer": "\\frac12", "subject": "Algebra", "level": 2, "unique_id": "a/1", "solution": "…"},
            "Half?",
            "\\frac12",
            {"subject": "Algebra", "level": 2, "source_id": "a/1"},
        ),
        (
            "aime",
            {"id": 3, "problem": "Thirty-three?", "answer": "033", "url": "x/2023_AIME_I_Problems/Problem_3"},
            "Thirty-three?",
            "33",
            {"source_id": 3, "url": "x/2023_AIME_I_Problems/Problem_3", "year": "2023"},
        ),
        ("aime", {"Problem": "Nothing?", "Answer": "000"}, "Nothing?", "0", {}),
        ("amc", {"id": 0, "problem": "Seven?", "answer": 7.0}, "Seven?", "7", {"source_id": 0}),
        (
            "strategyqa",
            {"question": "Is ice cold?", "answer": True, "qid": "q"},
            "Is ice cold?\nAnswer yes or no.",
            "yes",
            {"source_id": "q"},
        ),
        ("strategyqa", {"question": "Is ice hot?", "answer": "false"}, "Is ice hot?\nAnswer yes or no.", "no", {}),
    ],
)
def test_records_become_items(
    write: Write, task: str, record: dict[str, Any], question: str, gold: str, data: dict[str, Any]
) -> None:
    item = _one(task, write("a.jsonl", [record]))
    assert (item.problem.question, item.gold, item.data) == (question, gold, data)
    assert (item.problem.answer_kind, item.problem.language) == (TASKS.get(task).answer_kind, TASKS.get(task).language)


@pytest.mark.parametrize(
    ("kind", "gold", "answer_kind"),
    [("MCQ", "B", "choice"), ("MCQ(multiple)", "ACD", "choice"), ("Integer", "4", "number"), ("Numeric", "0.5", "number")],
)
def test_jeebench_mixes_kinds_of_answers(write: Write, kind: str, gold: str, answer_kind: str) -> None:
    record = {
        "question": "Which?\n\n(A) x\n\n(B) y",
        "gold": gold,
        "type": kind,
        "subject": "phy",
        "index": 1,
        "description": "P1",
    }
    item = _one("jeebench", write("a.jsonl", [record]))
    assert (item.problem.answer_kind, item.gold, item.data["type"]) == (answer_kind, gold, kind)


@pytest.mark.parametrize(
    ("task", "record", "said"),
    [
        (
            "jeebench",
            {"question": "?", "gold": "A", "type": "Essay"},
            r"field 'type' is 'Essay', not one of MCQ, MCQ\(multiple\)",
        ),
        ("strategyqa", {"question": "?", "answer": "maybe"}, "field 'answer' is neither true nor false"),
        ("svamp", {"Body": "x", "Question": "y", "Answer": True}, "field 'Answer' holds no text"),
        ("processbench", {"problem": "p", "steps": [], "label": 0}, "field 'steps' holds no list of texts"),
        ("processbench", {"problem": "p", "steps": "s", "label": 0}, "field 'steps' holds no list of texts"),
        ("processbench", {"problem": "p", "steps": ["s"], "label": 1}, "field 'label' is 1, but the steps are 0 to 0"),
        ("processbench", {"problem": "p", "steps": ["s"], "label": "first"}, "line 1: invalid literal for int"),
        ("tara", {"question": "q", "pos_answer": "x", "neg_answer": "y"}, "field 'pos_answer' holds no answer with its actions"),
        ("reasoning-gym", {"question": "q", "answer": "a", "metadata": {}}, "field 'metadata' must name its source_dataset"),
        ("builtin", {"question": "q", "gold": "a", "kind": "essay", "language": "en"}, "'essay' is not a valid AnswerKind"),
    ],
)
def test_records_that_cannot_be_used(write: Write, task: str, record: dict[str, Any], said: str) -> None:
    options = {"processbench": {"subset": "math"}, "tara": {"tool": "code"}}.get(task, {})
    with pytest.raises(TaskError, match=said):
        load_task(task, write("a.jsonl", [record]), options=options)


def _gpqa(n: int) -> dict[str, str]:
    wrong = {f"Incorrect Answer {k}": f"wrong {k} of {n}" for k in (1, 2, 3)}
    return {"Question": f"Which is right, {n}? ", "Correct Answer": f"right {n}", **wrong, "High-level domain": "Physics"}


def test_gpqa_shuffles_its_options_by_their_content(write: Write) -> None:
    items = _all("gpqa", write("gpqa_diamond.jsonl", [_gpqa(n) for n in range(80)]))
    for item in items:
        (right,) = [line for line in item.problem.question.splitlines() if "right " in line and line.startswith("(")]
        assert right[1] == item.gold
        assert item.problem.answer_kind is AnswerKind.CHOICE
    assert {letter: [item.gold for item in items].count(letter) > 8 for letter in "ABCD"} == dict.fromkeys("ABCD", True)
    again = _all("gpqa", write("sub/gpqa_diamond.jsonl", [_gpqa(n) for n in reversed(range(80))]))
    assert sorted(again, key=lambda item: item.id) == sorted(items, key=lambda item: item.id)


def test_gpqa_reads_one_subset_unless_told(write: Write, tmp_path: Path) -> None:
    write("gpqa_main.csv", "Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3\nq?,a,b,c,d\n")
    write("gpqa_diamond.jsonl", [_gpqa(1)])
    assert "Which is right" in _one("gpqa", tmp_path).problem.question
    assert "q?" in _one("gpqa", tmp_path, subset="main").problem.question
    assert len(_all("gpqa", tmp_path, subset="main,diamond")) == 2
    assert "q?" in _one("gpqa", tmp_path / "gpqa_main.csv").problem.question
    with pytest.raises(TaskError, match=r"gpqa_main\.csv has no file for subset diamond"):
        _one("gpqa", tmp_path / "gpqa_main.csv", subset="diamond")


def _parallel(write: Write) -> Path:
    for language in ("de", "fr", "sw"):
        write(f"mgsm/mgsm_{language}.tsv", "".join(f'Frage "{n}" ({language})?\t1,{n:03}\n' for n in range(30)))
    return write("mgsm/LICENSE", "free").parent


def test_mgsm_takes_the_language_from_the_name_and_keeps_translations_in_one_split(write: Write) -> None:
    folder = _parallel(write)
    found = load_task("mgsm", folder)
    rows: dict[str, set[int]] = {}
    for item in found.items:
        language = item.problem.language
        assert item.data == {"language": language, "row": item.data["row"]}
        assert item.problem.question == f'Frage "{item.data["row"]}" ({language})?'
        assert item.gold == f"1{item.data['row']:03}"
        rows.setdefault(language, set()).add(item.data["row"])
    assert set(rows) == {"de", "fr", "sw"}
    assert rows["de"] == rows["fr"] == rows["sw"]
    alone = load_task("mgsm", folder / "mgsm_fr.tsv")
    assert {item.data["row"] for item in alone.items} == rows["fr"]
    assert load_task("mgsm", folder, options={"language": "fr"}).items == alone.items
    assert load_task("mgsm", folder, options={"language": ["sw", "de"]}).counts == {k: n * 2 for k, n in alone.counts.items()}


def test_parallel_problems_bring_their_question_in_the_other_languages(write: Write) -> None:
    folder = _parallel(write)
    plain, found = (load_task("mgsm", folder, options={"language": "fr"} | more) for more in ({}, {"parallel": True}))
    assert [item.id for item in found.items] == [item.id for item in plain.items]
    assert {(item.split, item.gold) for item in found.items} == {(item.split, item.gold) for item in plain.items}
    for item in found.items:
        row = item.data["row"]
        assert item.problem.translations == {"de": f'Frage "{row}" (de)?', "sw": f'Frage "{row}" (sw)?'}
    assert not any(item.problem.translations for item in plain.items)
    every = load_task("mgsm", folder, options={"parallel": True}, limit=3)
    assert [set(item.problem.translations) for item in every.items] == [{"fr", "sw"}, {"de", "sw"}, {"de", "fr"}]
    alone = load_task("mgsm", folder / "mgsm_de.tsv", options={"parallel": True}, limit=1)
    assert alone.items[0].problem.translations == {}
    with pytest.raises(TaskError, match="mgsm has no file for language ja"):
        load_task("mgsm", folder, options={"language": "de,ja", "parallel": True})


def test_languages_take_turns_so_that_a_limit_is_fair(write: Write) -> None:
    found = load_task("mgsm", _parallel(write), limit=6)
    assert [item.problem.language for item in found.items] == ["de", "fr", "sw"] * 2


def test_distinct_problems_are_in_one_language_each(write: Write) -> None:
    folder = _parallel(write)
    every = load_task("mgsm", folder, options={"language": "de,sw"})
    found = load_task("mgsm", folder, options={"language": "de,sw", "distinct": True}).items
    assert [item.problem.language for item in found] == [("de", "sw")[turn % 2] for turn in range(len(found))]
    rows = [item.data["row"] for item in found]
    assert len(set(rows)) == len(rows) == len(every.items) / 2
    both = load_task("mgsm", folder, options={"language": "de,sw", "distinct": True, "parallel": True}).items
    assert [item.id for item in both] == [item.id for item in found]
    assert set(both[0].problem.translations) == {"fr", "sw"}


def test_files_of_languages_that_are_missing_or_unnamed(write: Write, tmp_path: Path) -> None:
    folder = _parallel(write)
    with pytest.raises(UnknownNameError, match=r"unknown language 'xx' \(known: bn, de"):
        load_task("mgsm", folder, options={"language": "de,xx"})
    with pytest.raises(TaskError, match=r"mgsm has no file for language ja \(its name would be mgsm_ja\.\*\)"):
        load_task("mgsm", folder, options={"language": "de,ja"})
    other = write("german.tsv", "Frage?\t1\n")
    with pytest.raises(TaskError, match=r"german\.tsv: .* do not tell their language \(say it: --task-option language=bn"):
        load_task("mgsm", other)
    assert _one("mgsm", other, language="de").problem.language == "de"
    with pytest.raises(TaskError, match="has no file for language fr"):
        load_task("mgsm", folder / "mgsm_de.tsv", options={"language": "fr"})


def test_processbench_asks_for_the_first_wrong_paragraph(write: Write) -> None:
    records = [{"id": f"m-{label}", "problem": "Add {1} and 2.", "steps": ["Take 1.", "So 4."], "label": label} for label in (1,)]
    item = _one("processbench", write("math.jsonl", records))
    assert "Add {1} and 2." in item.problem.question
    assert "<paragraph_0>\nTake 1.\n</paragraph_0>\n\n<paragraph_1>\nSo 4.\n</paragraph_1>" in item.problem.question
    assert item.problem.question.endswith("in \\boxed{}.")
    assert (item.gold, item.data["solution"], item.data["subset"]) == ("1", "erroneous", "math")
    assert item.data["steps"] == ["Take 1.", "So 4."]


def test_processbench_gives_the_problem_with_its_solution(write: Write) -> None:
    records = [{"problem": "Add 1 and 2.", "steps": ["Take 1.", "So 4.", ""], "label": label} for label in (1,)]
    path = write("gsm8k.jsonl", records)
    asked, given = _one("processbench", path), _one("processbench", path, solutions=True)
    assert (given.id, given.gold, given.split, given.worth) == (asked.id, asked.gold, asked.split, (0.0,))
    assert (asked.problem.solutions, asked.worth) == ((), (0.0,))
    assert (given.problem.question, given.problem.answer_kind) == ("Add 1 and 2.", AnswerKind.NUMBER)
    (solution,) = given.problem.solutions
    assert solution.steps == ("Take 1.\n\n", "So 4.\n\n", " "), "a step without text keeps its place"


def test_right_and_wrong_solutions_take_turns(write: Write) -> None:
    records = [{"problem": f"P{n}", "steps": ["a"], "label": -(n % 5 > 0)} for n in range(40)]
    path = write("math.jsonl", records)
    plain = load_task("processbench", path, options={"subset": "math"}).items
    balanced = load_task("processbench", path, options={"subset": "math", "balanced": True, "solutions": True})
    assert sorted(item.id for item in plain) == sorted(item.id for item in balanced.items)
    wrong = sum(item.worth == (0.0,) for item in plain)
    assert 0 < wrong < len(plain) - wrong
    first = [item.worth for item in balanced.items[: 2 * wrong]]
    assert [first.count((worth,)) for worth in (0.0, 1.0)] == [wrong, wrong]
    assert all(one != other for one, other in pairwise(first))
    limited = load_task("processbench", path, limit=4, options={"subset": "math", "balanced": True, "solutions": True})
    assert limited.items == balanced.items[:4]
    assert limited.fingerprint == load_task("processbench", path, options={"subset": "math"}).fingerprint


def test_solutions_of_one_problem_are_in_one_split(write: Write) -> None:
    records = [{"problem": f"P{n}", "steps": [f"attempt {k}"], "label": -1} for n in range(20) for k in range(3)]
    items = load_task("processbench", write("omnimath.jsonl", records)).items
    problems = [item.data["problem"] for item in items]
    assert {problems.count(problem) for problem in problems} == {3}
    assert {item.data["solution"] for item in items} == {"correct"}


def _pair(n: int, **more: Any) -> dict[str, Any]:
    answers = {
        name: {
            "answer": f"{word} {n}",
            "score": score,
            "actions": {"Observation": f"seen {word}"},
            "score_agent": {"explanation": "!"},
        }
        for name, word, score in (("pos_answer", "good", 1.0), ("neg_answer", "bad", -1.0))
    }
    return {"id": f"c-{n}", "question": f"What day, {n}?", **answers, **more}


def test_tara_asks_for_the_better_answer_and_keeps_what_tools_saw(write: Write, tmp_path: Path) -> None:
    write("agent_calendar_test.jsonl", [_pair(n) for n in range(60)])
    write("reserve_code_test_data.jsonl", [_pair(99, test_list=["assert True"], context="Some context.")])
    write("weather_history.json", '{"no": "task"}')
    items = _all("tara", tmp_path)
    for item in items:
        assert item.data["answers"][item.gold].startswith("good")
        assert item.data["actions"][item.gold] == {"Observation": "seen good"}
        assert f"<answer_{item.gold}>\ngood" in item.problem.question
        assert "seen" not in item.problem.question
        assert "!" not in str(item.data)
    assert 15 < sum(item.gold == "A" for item in items if item.data["tool"] == "calendar") < 45
    (code,) = [item for item in items if item.data["tool"] == "code"]
    assert (code.data["tests"], "Some context.\n\nWhat day, 99?" in code.problem.question) == (["assert True"], True)


def test_tara_gives_the_question_with_both_answers(write: Write, tmp_path: Path) -> None:
    write("agent_calendar_test.jsonl", [_pair(n) for n in range(20)])
    write("reserve_code_test_data.jsonl", [_pair(99, context="Some context.")])
    asked, given = _all("tara", tmp_path), _all("tara", tmp_path, solutions=True)
    assert [(item.id, item.gold, item.split) for item in given] == [(item.id, item.gold, item.split) for item in asked]
    for item in given:
        assert [solution.text for solution in item.problem.solutions] == list(item.data["answers"].values())
        assert item.worth == ((1.0, 0.0) if item.gold == "A" else (0.0, 1.0))
        code = item.data["tool"] == "code"
        assert item.problem.answer_kind is (AnswerKind.CODE if code else AnswerKind.TEXT)
        assert item.problem.question.startswith("Some context.\n\nWhat day" if code else "What day")


def test_a_pair_of_equal_answers_is_left_out_and_counted(write: Write) -> None:
    same = {"answer": "the same", "actions": "x"}
    path = write("agent_weather_test.jsonl", [*(_pair(n) for n in range(9)), _pair(10, pos_answer=same, neg_answer=same)])
    found = load_task("tara", path)
    assert (found.left_out, sum(found.counts.values())) == (1, 9)
