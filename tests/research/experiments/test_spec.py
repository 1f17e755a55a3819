"""Experiments as people write them: a file and flags say the same, and every slip is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from symposia.core.errors import ConfigError, UnknownNameError, UsageError
from symposia.research.experiments.arms import arms_of
from symposia.research.experiments.spec import make_spec, read_spec, short_name, strategies_of, teams_of
from symposia.research.tasks.item import Split

FILE = """
name = "first"
models = ["a", "b"]
seeds = [0, 1]
budgets = ["calls=30", "calls=60"]
cap = "tokens=2M"
in_flight = 3

[task]
name = "gsm8k"
data = "problems.jsonl"
limit = 10

[task.options]
part = "main"

[[strategies]]
name = "greedy"

[[strategies]]
name = "self-consistency"
label = "vote"
options = { n = 4 }

[teams.checked]
policy = "a"
verifier = "b"
"""


@pytest.fixture
def file(tmp_path: Path):
    def write(text: str = FILE, name: str = "experiment.toml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_file_says_what_flags_say(file, tmp_path) -> None:
    flags = {
        "name": "first",
        "seeds": [0, 1],
        "budgets": ["calls=30", "calls=60"],
        "cap": "tokens=2M",
        "in_flight": 3,
        "task": {"name": "gsm8k", "data": str(tmp_path / "problems.jsonl"), "limit": 10, "options": {"part": "main"}},
        "strategies": strategies_of(["greedy", "vote=self-consistency"], ["vote:n=4"]),
        **teams_of(["a", "b"], {"checked": {"policy": "a", "verifier": "b"}}),
    }
    assert make_spec(flags) == read_spec(file())


def test_every_arm_of_the_matrix(file) -> None:
    arms = arms_of(read_spec(file()), None)
    assert len(arms) == 2 * 3 * 2
    assert [arm.label for arm in arms[:4]] == ["greedy@a/calls=30", "vote@a/calls=30", "greedy@a/calls=60", "vote@a/calls=60"]
    assert arms[-1].team == {"policy": "a", "verifier": "b"}


def test_flags_take_the_place_of_what_the_file_says(file) -> None:
    spec = read_spec(file(), {"seeds": [5], "task": {"limit": 2, "split": "test", "open_test": "why"}})
    assert spec.seeds == (5,)
    assert (spec.task.name, spec.task.limit, spec.task.split, spec.task.open_test) == ("gsm8k", 2, Split.TEST, "why")


def test_the_stem_names_an_experiment_that_has_no_name(file) -> None:
    short = 'models = "m"\n[task]\nname = "builtin"\n[[strategies]]\nname = "greedy"\n'
    assert read_spec(file(short, "my-test.toml")).title == "my-test"


def test_an_unnamed_experiment_is_found_again_when_it_grows() -> None:
    def titled(**changes) -> str:
        limit, name = changes.pop("limit", None), changes.pop("strategy", "greedy")
        return make_spec({"task": {"name": "t", "limit": limit}, "strategies": [{"name": name}], "models": "m", **changes}).title

    assert titled() == titled(limit=3) == titled(seeds=[1, 2]) == titled(cap="calls=9")
    assert titled() != titled(strategy="self-consistency")
    assert re.fullmatch(r"t-[0-9a-f]{8}", titled())


def test_a_task_of_ones_own_is_written_beside_the_rest(file) -> None:
    text = '[task]\ndata = "x.csv"\nquestion = "{a} {b}"\ngold = "c"\nlimit = 3\n[[strategies]]\nname = "greedy"\n'
    task = read_spec(file(text)).task
    assert (task.name, task.define, task.limit) == ("custom", {"question": "{a} {b}", "gold": "c"}, 3)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('cap = "tokens=2M"', 'caps = "tokens=2M"', r"unknown key 'caps' in .*experiment.toml:6 \(did you mean 'cap'\?\)"),
        ("limit = 10", "limits = 10", r"unknown key 'limits' in .*experiment.toml:12 \(did you mean 'limit'\?\)"),
        ('label = "vote"', 'lable = "vote"', r"unknown key 'lable' in .*experiment.toml:22 \(did you mean 'label'\?\)"),
        ("limit = 10", "limit = 0", r"experiment.toml:12: task.limit = '0'"),
        ("seeds = [0, 1]", 'seeds = ["x"]', r"experiment.toml:4: seeds.0 = 'x'"),
        ("seeds = [0, 1]", "seeds = [1, 1]", r"experiment.toml: seed 1 is given twice"),
        ('budgets = ["calls=30", "calls=60"]', 'budgets = ["cals=3"]', r"toml: unknown budget 'cals' \(did you mean 'calls'"),
        ('cap = "tokens=2M"', 'cap = "seconds=3"', "the cap of an experiment has no seconds"),
        ('name = "first"', 'name = "first one"', "'first one' cannot be the name of an experiment"),
        ('label = "vote"', 'label = "a vote"', "'a vote' cannot be a label"),
        ('[task]\nname = "gsm8k"', "[task]", "experiment.toml.*task.name is missing"),
        ("[[strategies]]", "[[strategie]]", "unknown key 'strategie'|strategies is missing"),
        ("seeds = [0, 1]", "seeds = [0, 1", "experiment.toml:.*not valid TOML"),
        ('policy = "a"\nverifier = "b"', "", "a team has no model"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(file, old, new, said) -> None:
    assert old in FILE
    with pytest.raises(UsageError, match=said):
        read_spec(file(FILE.replace(old, new)))


def test_a_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml cannot be read"):
        read_spec(tmp_path / "none.toml")


def test_nothing_to_run_says_how_to_name_it() -> None:
    with pytest.raises(ConfigError, match=r"task is missing \(name one: --task"):
        make_spec({"strategies": [{"name": "greedy"}]})
    with pytest.raises(ConfigError, match=r"strategies is missing \(name at least one: --strategy"):
        make_spec({"task": {"name": "builtin"}})


def test_options_go_to_the_strategies_that_have_them() -> None:
    both = strategies_of(["greedy", "self-consistency"], ["n=4", "max_tokens=99", "self-consistency:temperature=1"])
    assert both == [
        {"name": "greedy", "options": {"max_tokens": 99}},
        {"name": "self-consistency", "options": {"n": 4, "max_tokens": 99, "temperature": 1}},
    ]
    with pytest.raises(UnknownNameError, match="unknown option 'm' in greedy"):
        strategies_of(["greedy"], ["m=4"])
    with pytest.raises(UnknownNameError, match=r"unknown strategy 'vot'.*did you mean 'vote'"):
        strategies_of(["vote=self-consistency"], ["vot:n=4"])
    with pytest.raises(UnknownNameError, match="unknown strategy 'gredy'"):
        strategies_of(["gredy"], [])
    with pytest.raises(ConfigError, match="there are two strategies greedy"):
        strategies_of(["greedy", "greedy"], [])


def spec(**changes):
    data = {"task": {"name": "t"}, "strategies": [{"name": "self-consistency"}], "models": ["m"], **changes}
    return make_spec(data)


def labels(**changes) -> list[str]:
    return [arm.label for arm in arms_of(spec(**changes), "default")]


def test_each_team_gets_its_baseline_unless_it_has_one() -> None:
    assert labels() == ["greedy", "self-consistency"]
    assert labels(baselines=False) == ["self-consistency"]
    assert labels(models=["x/a", "http://host:1/v1#b"]) == ["greedy@a", "self-consistency@a", "greedy@b", "self-consistency@b"]
    assert labels(strategies=[{"name": "greedy", "label": "mine"}]) == ["mine"]
    assert labels(budgets=["calls=3"]) == ["greedy", "self-consistency"], "the baseline has no budget"
    assert arms_of(spec(budgets=["calls=3"]), None)[0].budget is None


def test_the_baseline_may_write_as_much_as_the_others() -> None:
    one = {"name": "self-consistency", "label": "a", "options": {"max_tokens": 99}}
    assert arms_of(spec(strategies=[one]), None)[0].options == {"max_tokens": 99}
    other = {"name": "self-consistency", "label": "b", "options": {"max_tokens": 98}}
    assert arms_of(spec(strategies=[one, other]), None)[0].options == {}


def test_strategies_of_one_name_are_told_apart_by_their_options() -> None:
    two = [{"name": "self-consistency", "options": {"n": n, "max_tokens": 9}} for n in (4, 8)]
    assert labels(strategies=two) == ["greedy", "self-consistency+n=4", "self-consistency+n=8"]


def test_two_arms_that_are_the_same_or_called_the_same() -> None:
    with pytest.raises(ConfigError, match="the arms a and b are the same"):
        labels(strategies=[{"name": "greedy", "label": label} for label in "ab"])
    with pytest.raises(ConfigError, match="two arms are called a"):
        labels(strategies=[{"name": name, "label": "a"} for name in ("greedy", "self-consistency")])


def test_the_configured_model_plays_where_none_is_named() -> None:
    assert arms_of(spec(models=[]), "path/default.gguf")[0].team == {"policy": "path/default.gguf"}
    assert arms_of(spec(models=[], teams={"t": {"verifier": "v"}}), "d")[0].team == {"policy": "d", "verifier": "v"}
    for teams in ({}, {"t": {"verifier": "v"}}):
        with pytest.raises(UsageError, match="an experiment names its models"):
            arms_of(spec(models=[], teams=teams), None)


def test_models_from_flags() -> None:
    assert teams_of(["a", "b"], {}) == {"models": ["a", "b"], "teams": {}}
    assert teams_of(["a", "verifier=v"], {}) == {"teams": {"a": {"policy": "a", "verifier": "v"}}}
    with pytest.raises(ConfigError, match="the policy that the verifier works with is not named"):
        teams_of(["verifier=v"], {})
    assert short_name("http://127.0.0.1:8000/v1#Qwen/Qwen2.5") == "Qwen2.5"
