from __future__ import annotations

import csv
import dataclasses
import errno
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.core.errors import ConfigError, EvidenceError, StoreFullError
from symposia.research.experiments import files
from symposia.research.experiments.files import is_evidence, load, save
from symposia.research.experiments.records import Arm, Evidence, ProblemRow, Sample, Trial

from ..invented import BEST, GREEDY, VOTE, evidence, sample, trial

NAMES = ("experiment.json", "problems.csv", "trials.csv", "candidates.csv")

_ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    ['"', '""', "a,b", "x\ny", "\r", " a ", "'"]
)
_KIND: dict[str, st.SearchStrategy[Any]] = {
    "str": _ANY_TEXT,
    "int": st.integers(),
    "float": st.floats(allow_nan=False),
    "dict[str, str]": st.dictionaries(_ANY_TEXT, _ANY_TEXT, max_size=2),
    "dict[str, int]": st.dictionaries(_ANY_TEXT, st.integers(), max_size=2),
    "dict[str, float]": st.dictionaries(_ANY_TEXT, st.floats(allow_nan=False), max_size=2),
}
_KIND["tuple[float | None, ...]"] = st.lists(st.none() | st.floats(allow_nan=False), max_size=3).map(tuple)
_KIND |= {f"{name} | None": st.none() | _KIND[name] for name in ("str", "int", "float")}


def _row(kind: Any, **fixed: Any) -> st.SearchStrategy[Any]:
    free = {field.name: _KIND[str(field.type)] for field in dataclasses.fields(kind) if field.name not in fixed}
    return st.builds(kind, **free, **{name: st.just(value) for name, value in fixed.items()})


@st.composite
def _evidence(draw: st.DrawFn) -> Evidence:
    ids, labels = (draw(st.lists(_ANY_TEXT, min_size=1, max_size=2, unique=True)) for _ in range(2))
    arms = tuple(Arm(label=label, strategy="greedy", options={"x": draw(_ANY_TEXT)}) for label in labels)
    cells = draw(
        st.permutations([{"problem": one, "arm": label, "seed": seed} for one in ids for label in labels for seed in (1, -2)])
    )
    return Evidence(
        name=draw(_ANY_TEXT),
        plan={"task": draw(_ANY_TEXT), "seeds": [1, -2]},
        arms=arms,
        problems=tuple(draw(_row(ProblemRow, id=one)) for one in ids),
        trials=tuple(draw(_row(Trial, **cell)) for cell in cells[:3]),
        samples=tuple(draw(_row(Sample, **cell, index=index)) for cell in cells[:2] for index in (1, 0)),
    )


@settings(max_examples=40, deadline=None)
@given(_evidence())
def test_whatever_was_saved_is_loaded_again(tmp_path_factory: pytest.TempPathFactory, whole: Evidence) -> None:
    folder = tmp_path_factory.mktemp("evidence")
    save(whole, folder)
    read = load(folder)
    assert (read.name, read.plan, read.arms, read.problems) == (whole.name, whole.plan, whole.arms, whole.problems)
    for mine, its in ((read.trials, whole.trials), (read.samples, whole.samples)):
        assert sorted(mine, key=repr) == sorted(its, key=repr)
    for name in NAMES[1:]:
        rows = {"problems.csv": whole.problems, "trials.csv": whole.trials, "candidates.csv": whole.samples}[name]
        assert (folder / name).read_bytes().count(b"\n") == len(rows) + 1


def test_the_order_in_which_runs_ended_changes_no_byte(tmp_path: Path) -> None:
    whole = evidence(GREEDY, BEST, problems=5, seeds=(0, 1))
    mixed = random.Random(1)
    shuffled = dataclasses.replace(
        whole,
        trials=tuple(mixed.sample(whole.trials, len(whole.trials))),
        samples=tuple(mixed.sample(whole.samples, len(whole.samples))),
    )
    save(whole, tmp_path / "a")
    save(shuffled, tmp_path / "b" / "deep")
    assert [(tmp_path / "a" / name).read_bytes() for name in NAMES] == [
        (tmp_path / "b/deep" / name).read_bytes() for name in NAMES
    ]
    assert is_evidence(tmp_path / "a")
    assert load(tmp_path / "b" / "deep") == whole


def test_the_files_look_so(tmp_path: Path) -> None:
    """The format on disk, on the nastiest evidence: committed results must stay readable."""
    problem = ProblemRow("p|1", 'a "b"', {"level": "hard, really"})
    vote = Arm(label="größe", strategy="self-consistency", options={"n": 2}, team={"policy": "m"})
    whole = Evidence(
        name="nasty",
        plan={"task": "sums", "seeds": [0]},
        arms=(vote,),
        problems=(problem,),
        trials=(
            trial(
                "p|1", "größe", answer="", credit=0.5, reason="half\nof it", dollars=0.25, failures={"timeout": 1}, confidence=1.0
            ),
        ),
        samples=(
            sample("p|1", "größe", answer='"7"', unit=None, credit=0.0, logprob=None, completion_tokens=None, language="de"),
            sample(
                "p|1", "größe", 1, answer=None, group=-1, credit=0.0, rule=None, finish="length", score=0.125, steps=(1.0, None)
            ),
        ),
    )
    save(whole, tmp_path)
    text = {name: (tmp_path / name).read_text(encoding="utf-8").splitlines() for name in NAMES}
    assert text["problems.csv"] == ["id,gold,groups", 'p|1,"a ""b""","{""level"":""hard, really""}"']
    assert text["trials.csv"] == [
        (
            "problem,arm,seed,run_id,status,stop_reason,answer,credit,reason,confidence,credits,calls,prompt_tokens,cached_tokens,"
            "completion_tokens,lost_tokens,question_tokens,sample_tokens,check_tokens,dollars,seconds,failures,tools"
        ),
        (
            'p|1,größe,0,sums-p|1-größe-0,answered,finished,"""""",0.5,"""half\\nof it""",1,"{""majority"":1.0}",'
            '1,50,0,100,0,50,100,0,0.25,2,"{""timeout"":1}",'
        ),
    ]
    assert text["candidates.csv"] == [
        "problem,arm,seed,index,answer,unit,group,credit,rule,finish,completion_tokens,logprob,score,steps,language",
        'p|1,größe,0,0,"""\\""7\\""""",,0,0,marker,stop,,,,,de',
        "p|1,größe,0,1,,,-1,0,,length,100,-3.25,0.125,1 -,",
    ]
    head = json.loads((tmp_path / "experiment.json").read_text(encoding="utf-8"))
    assert head["format"] == 1
    assert head["arms"][0]["label"] == "größe"
    assert load(tmp_path) == whole


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("candidates.csv", "problem,arm", "problem,colour,arm", r"candidates\.csv, line 1: unknown column 'colour'"),
        ("trials.csv", ",seconds,", ",seconde,", r"line 1: unknown column 'seconde', no column 'seconds'"),
        ("problems.csv", "id,gold", "gold,id", r"problems\.csv, line 1: columns in another order"),
        (
            "candidates.csv",
            "p000,greedy,0,0",
            "p000,greedy,0,first",
            r"candidates\.csv, line 2, column index: 'first' is not a whole",
        ),
        ("candidates.csv", "p001,greedy,0", "p001,greedy", r"candidates\.csv, line 3: 14 cells where there are 15 columns"),
        ("candidates.csv", "p001,greedy,0", "p001,greedy,7", r"candidates\.csv, line 3: no trial p001, greedy, 7 in trials\.csv"),
        ("candidates.csv", "p001,greedy,0,0", "p000,greedy,0,0", r"candidates\.csv, line 3: the same row stands above"),
        ("trials.csv", "p001,greedy", "p001,gready", r"trials\.csv, line 3: no arm 'gready' in experiment\.json"),
        ("trials.csv", "p001,greedy", "p9,greedy", r"trials\.csv, line 3: no problem 'p9' in problems\.csv"),
        ("trials.csv", "p001,greedy", "p000,greedy", r"trials\.csv, line 3: the same row stands above"),
        (
            "trials.csv",
            '"{""majority"":',
            '"{""majority"":""a"",""b"":',
            r"trials\.csv, line 2, column credits: .* a JSON object of num",
        ),
        ("problems.csv", "p001", "p000", r"problems\.csv, line 3: the same row stands above"),
        ("problems.csv", "p000,7", '"""\x00', r"problems\.csv"),
        ("problems.csv", "p000,7", '"""7""]",7', r"problems\.csv, line 2, column id: '\"7\"\]' is not a text"),
        ("experiment.json", '"format": 1', '"format": 2', r"format 2, and this symposia reads 1 \(it was written by a newer one"),
        ("experiment.json", '"format": 1', '"format": 1, "x": 1', r"something else than format, name, plan and arms"),
        ("experiment.json", '"format": 1,', '"format": 1', r"experiment\.json, line \d+: no JSON"),
        ("experiment.json", '"format"', '"form"', r"not the head of an experiment"),
        ("experiment.json", '"label"', '"lable"', r"arms, l"),
    ],
)
def test_what_cannot_be_right_is_said_with_its_place(tmp_path: Path, name: str, old: str, new: str, said: str) -> None:
    save(evidence(GREEDY, problems=3), tmp_path)
    _edit(tmp_path / name, old, new)
    with pytest.raises(EvidenceError, match=said):
        load(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_or_unreadable_file_is_named(tmp_path: Path, name: str) -> None:
    save(evidence(GREEDY, problems=1), tmp_path)
    (tmp_path / name).write_bytes(b"\xff\xfe")
    with pytest.raises(EvidenceError, match=name.replace(".", r"\.")):
        load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(EvidenceError, match="cannot be read: No such file"):
        load(tmp_path)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(evidence(GREEDY, problems=2), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write, written = files._write_rows, []

    def full(file: Any, kind: Any, rows: Any) -> None:
        write(file, kind, rows)
        written.append(kind)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_write_rows", full)
    with pytest.raises(StoreFullError, match="no space left"):
        save(evidence(GREEDY, VOTE, problems=4), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        save(evidence(GREEDY, problems=1), tmp_path / "file")


def test_a_very_long_answer_is_read_again(tmp_path: Path) -> None:
    whole = evidence(GREEDY, problems=1)
    long = dataclasses.replace(whole, samples=(dataclasses.replace(whole.samples[0], answer="x" * 200_000),))
    save(long, tmp_path)
    assert load(tmp_path) == long


def test_a_spreadsheet_reads_the_same_rows(tmp_path: Path) -> None:
    whole = evidence(GREEDY, VOTE, problems=4)
    save(whole, tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "candidates.csv").read_text(encoding="utf-8"))))
    assert [float(row["credit"]) for row in rows] == [one.credit for one in whole.samples]
