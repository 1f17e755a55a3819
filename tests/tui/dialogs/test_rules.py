"""What needs no screen: what can be chosen, what is typed, what a key asks for, and how it is drawn."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from symposia.core.budget import Budget
from symposia.core.errors import ConfigError, UnknownNameError
from symposia.core.records import ControlKind, ControlRecord, Response
from symposia.core.result import RunState
from symposia.graphs.self_consistency import SelfConsistencyConfig
from symposia.models.engines import running
from symposia.runtime.settings import Settings
from symposia.tui import choices, options
from symposia.tui.choices import Choice
from symposia.tui.item import Item
from symposia.tui.render.chips import Deed, chips
from symposia.tui.render.picking import column_of, item_line
from symposia.tui.render.question import question_lines
from symposia.tui.render.skin import SKINS
from symposia.tui.render.wishes import Strip, wish_lines
from symposia.tui.screens.dialogs.picker import found
from symposia.tui.store.run import Note, Question, RunView, Sample
from symposia.tui.wishing import draft_of, fork_place, goes_on, last_own, open_questions, taken_last, toggled

from .application import World

SKIN = SKINS["dark"]
KEYS = ("F2", "F3", "F4", "F5")


def wish(seq: int, kind: ControlKind, text: str = "", author: str = "ann", **changes: Any) -> ControlRecord:
    return ControlRecord(seq=seq, kind=kind, author=author, at=0.0, text=text, **changes)


def record(state: RunState) -> Any:
    return SimpleNamespace(state=state, id="r")


# The line above the draft


def test_what_will_work_on_a_question_is_told() -> None:
    settings = Settings(model="tiny", budget="30", team={"verifier": "big"})
    assert choices.shown(Choice(), settings) == ("self-consistency", "tiny verifier=big", "30", "")
    chosen = Choice(strategy="greedy", team={"policy": "m"}, budget="calls=2", options={"n": 8, "view": "a b"})
    assert choices.shown(chosen, settings) == ("greedy", "m", "calls=2", 'n=8 view="a b"')
    assert choices.shown(Choice(), None) == ("default strategy", "default model", "no cap", "")


@pytest.mark.parametrize("width", [1, 5, 12, 30, 44, 60, 80, 200])
def test_what_enter_does_is_never_left_out(width: int) -> None:
    shown = choices.Shown("self-consistency", "qwen2.5-coder-1.5b", "no cap", "n=8")
    line = chips(shown, KEYS, [Deed("enter", "steers"), Deed("ctrl+n", "asks it next")], width, SKIN)
    assert line.cell_len <= width
    if width >= 44:
        assert "enter steers · ctrl+n asks it next" in line.plain
    if width >= 80:
        assert line.plain.startswith("F2 self-consistency · F3 q")
    if width == 200:
        assert "F2 self-consistency · F3 qwen2.5-coder-1.5b · F4 no cap · F5 n=8" in line.plain


def test_a_choice_with_markup_is_drawn_as_written() -> None:
    shown = choices.Shown("[red]x[/red]", "m\x1b[31m", "no cap", "")
    line = chips(shown, KEYS, [Deed("", "sending")], 100, SKIN)
    assert "[red]x[/red]" in line.plain
    assert "\x1b" not in line.plain


# Searching


def test_a_search_finds_characters_in_their_order_and_words_of_the_detail() -> None:
    items = [Item("a", "greedy", "one answer"), Item("b", "best-of-n", "a verifier picks"), Item("c", "tree", "grows")]
    assert [each.item.id for each in found(items, "")] == ["a", "b", "c"]
    assert [each.item.id for each in found(items, "gdy")] == ["a"]
    assert list(found(items, "gdy")[0].places) == [0, 4, 5]
    assert [each.item.id for each in found(items, "picks verifier")] == ["b"]
    assert found(items, "zzz") == []


def test_what_cannot_be_chosen_says_why() -> None:
    item = Item("a", "answer-stability", "told", "needs prefix of its policy")
    line = item_line(item, (), column_of([item], 80), 80, SKIN)
    assert "needs prefix" in line.plain
    assert "told" not in line.plain
    assert item_line(item, (), 10, 12, SKIN).cell_len <= 12


# Budgets, teams, strategies, options


def test_recent_budgets_come_first() -> None:
    runs: Any = [SimpleNamespace(spec=SimpleNamespace(budget=Budget.parse(text))) for text in ("7", "7", "seconds=60")]
    items = choices.budgets(Settings(budget="30"), [*runs, SimpleNamespace(spec=SimpleNamespace(budget=Budget()))])
    assert [item.label for item in items[:3]] == ["30", "calls=7", "seconds=60"]
    assert [item.id for item in items].count("seconds=60") == 1


def test_a_typed_budget_says_what_is_wrong_with_it() -> None:
    assert choices.typed_budget("30") == Item("30", "calls=30", "as typed")
    assert "is not an amount" in choices.typed_budget("calls=x").disabled
    assert "did you mean 'calls'" in choices.typed_budget("call=3").disabled
    assert "allows no model call" in choices.typed_budget("0").disabled


async def test_teams_strategies_and_their_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody() -> list[Any]:
        return []

    monkeypatch.setattr("symposia.models.discovery.probe_loopback", nobody)
    monkeypatch.setattr(running.RunningEngines, "all", lambda _self: [])
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    world = World(tmp_path, teams={"duo": {"policy": "fake", "verifier": "other"}})
    async with world.session as session:
        items = {item.id: item for item in await choices.teams(session)}
        assert items[""].detail == "fake"
        assert items["duo"].detail == "saved team: fake verifier=other"
        assert not items["fake"].disabled
        assert "OPENAI_API_KEY" in items["openai/gpt-4o-mini"].disabled
        assert choices.read_team("duo", session) == {"policy": "fake", "verifier": "other"}
        assert choices.read_team("fake verifier=other", session) == {"policy": "fake", "verifier": "other"}
        assert choices.read_team(" ", session) is None
        assert "unknown model 'fakee'" in choices.typed_team("fakee", session).disabled
        assert "given twice" in choices.typed_team("fake other", session).disabled

        found = {item.id: item for item in await choices.strategies(session, Choice())}
        assert next(iter(found)) == "self-consistency"
        assert not found["greedy"].disabled
        assert "needs prefix" in found["answer-stability"].disabled
        unknown = {item.id: item for item in await choices.strategies(session, Choice(team={"policy": "nobody"}))}
        assert not unknown["answer-stability"].disabled, "nothing is said against it where the team is not known"


def test_options_are_told_with_what_they_take() -> None:
    by_name = {option.name: option for option in options.options(SelfConsistencyConfig)}
    assert by_name["n"].kind == "whole number, 1 to 1024"
    assert by_name["stop"].kind == "fixed or beta"
    assert by_name["window"].kind == "whole number, at least 1"
    items = options.option_items(by_name.values(), {"stop": "beta"})
    assert items[0].label == "stop=beta"
    assert "n=8" in [item.label for item in items]


def test_typed_options_are_checked_as_a_whole() -> None:
    settings = Settings()
    assert options.read_options("n=8 stop=beta", "self-consistency", settings) == {"n": 8, "stop": "beta"}
    assert options.split_items('a={"b": 1} c=two words d=3') == ['a={"b": 1}', "c=two words", "d=3"]
    assert options.typed_options("n", "self-consistency", settings, {}) is None
    wrong = options.typed_options("m=8", "self-consistency", settings, {})
    assert wrong is not None
    assert "unknown option 'm'" in wrong.disabled
    assert options.read_option("n", "", "self-consistency", settings, {}) == {}
    with pytest.raises(ConfigError, match="n=0"):
        options.read_option("n", "0", "self-consistency", settings, {})
    with pytest.raises(UnknownNameError):
        options.config_of("greedi")
    assert options.fitting({"n": 8, "temperature": 1.0}, "greedy") == {"temperature": 1.0}
    assert options.fitting({"n": 8}, "gone") == {}


# Wishes


def test_the_key_that_pauses_sees_what_waits() -> None:
    going, paused = record(RunState.RUNNING), record(RunState.PAUSED)
    assert toggled(going, []) is ControlKind.PAUSE
    assert toggled(paused, []) is ControlKind.RESUME
    assert toggled(going, [wish(1, ControlKind.PAUSE), wish(2, ControlKind.STEER, "x")]) is ControlKind.RESUME
    assert toggled(paused, [wish(1, ControlKind.RESUME)]) is ControlKind.PAUSE
    assert [goes_on(each) for each in (going, paused, record(RunState.FINISHED), record(RunState.QUEUED), None)] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_only_own_wishes_are_taken_back() -> None:
    wishes = [wish(1, ControlKind.STEER, "mine"), wish(2, ControlKind.STEER, "hers", author="bea")]
    assert last_own(wishes, "ann") == wishes[0]
    assert last_own(wishes, "cyd") is None
    assert draft_of(wishes[0]) == "mine"
    assert draft_of(wish(3, ControlKind.PAUSE)) == ""


def question(key: str, arguments: Any = None, why: str = "because") -> Question:
    return Question(key, "python", arguments if arguments is not None else {}, why, 1, 0.0)


def test_a_call_that_got_its_word_is_no_question_any_more() -> None:
    view = RunView()
    view.questions = {key: question(key) for key in ("a", "b", "c")}
    said = wish(1, ControlKind.RESPOND, response=Response(about="a", approve=True))
    assert [each.key for each in open_questions(view, [said], {"c"})] == ["b"]


def test_what_was_taken_up_last() -> None:
    view = RunView()
    assert taken_last(view) is None
    view.note(1.0, "person", "ann: pause")
    view.note(2.0, "warning", "hot")
    taken = taken_last(view)
    assert taken is not None
    assert taken.text == "ann: pause"


@pytest.mark.parametrize(
    ("text", "place"),
    [("", None), (" last ", None), ("12", 12), ("event 12", 12), ("sample 1", "s"), ("#1", "s"), ("a/b.0.0", "a/b.0.0")],
)
def test_places_of_a_fork(text: str, place: object) -> None:
    sample: Any = SimpleNamespace(number=1, id="s")
    samples: list[Sample] = [sample]
    assert fork_place(text, samples) == place


def test_places_that_are_none() -> None:
    with pytest.raises(ConfigError, match="no sample 3"):
        fork_place("sample 3", [])
    with pytest.raises(ConfigError, match="is no place"):
        fork_place("somewhere", [])


@pytest.mark.parametrize("width", [4, 20, 80])
def test_the_strip_tells_what_waits_and_what_was_taken_up(width: int) -> None:
    wishes = [wish(number, ControlKind.STEER, f"[bold]text {number}\x1b") for number in range(5)]
    strip = Strip(wishes, Note(1, 0.0, "person", "ann: pause"), [question("a"), question("b")])
    lines = wish_lines(strip, ("w", "u"), 65.0, width, SKIN)
    assert all(line.cell_len <= width for line in lines)
    assert len(lines) == 6
    if width == 80:
        assert lines[0].plain.startswith("? 2 calls wait (python): w")
        assert "and 2 before these" in lines[1].plain
        assert "[bold]text 4" in lines[4].plain
        assert lines[4].plain.endswith("1m05s  u takes it back")
        assert "u takes" not in lines[3].plain
        assert "ann: pause" in lines[5].plain
    assert wish_lines(Strip(), ("w", "u"), 0.0, width, SKIN) == []


def test_wishes_without_a_text_say_what_they_ask() -> None:
    answer = wish(1, ControlKind.RESPOND, response=Response(about="a", approve=False, note="too dear"))
    retune = wish(2, ControlKind.RETUNE, budget=Budget(calls=5))
    lines = wish_lines(Strip([answer, retune]), ("w", "u"), 0.0, 80, SKIN)
    assert "no: too dear" in lines[0].plain
    assert "calls=5" in lines[1].plain


def test_a_call_is_shown_whole_and_inert() -> None:
    code = "import os\nos.system('[red]rm[/red]')\n\u202e" + "x" * 60
    shown = question_lines(question("a", {"code": code, "timeout": 5, "note": "one line"}), 40, SKIN)
    text = "\n".join(line.plain for line in shown)
    assert all(line.cell_len <= 40 for line in shown)
    assert "1 │ import os" in text
    assert "[red]rm[/red]" in text
    assert "\u202e" not in text
    assert "timeout" in text
    assert "because" in text
    assert "gives no reason" in "\n".join(line.plain for line in question_lines(question("a", "raw", " "), 40, SKIN))
    assert "without arguments" in "\n".join(line.plain for line in question_lines(question("a", {}), 40, SKIN))
