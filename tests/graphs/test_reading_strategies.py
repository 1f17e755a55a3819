"""Strategies in which a model reads candidates keep to their cards: who is asked what, who wins, and what becomes of failures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from math import log
from typing import Any

import pytest

from symposia.core.errors import ConfigError, ModelError, ProblemError, RejectedError
from symposia.core.model_spec import Ability
from symposia.core.problem import Problem
from symposia.core.result import Result, Status, StopReason
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import Answer, ScriptedCall, ScriptedModel, fake_spec

from .hosts import Opener

PLAIN = (Ability.CHAT, Ability.SEED)
LABELS = (*PLAIN, Ability.LOGPROBS)
NAMES = ["universal-consistency", "tournament", "mixture", "contrastive"]
Choose = Callable[[list[str]], str]
"""From the solutions shown, by number, to what the selector says."""

SOLUTION = re.compile(r'<solution number="\d+">\n(.*?)\n</solution>', re.DOTALL)


def kind_of(call: ScriptedCall) -> str:
    """What a call is for."""
    marks = {
        "most consistent with the others": "select",
        "Which of the two is better?": "judge",
        "strict examiner": "verify",
        "that others have written": "rewrite",
    }
    return next((name for mark, name in marks.items() if mark in call.prompt), "propose")


def model(
    answers: list[Any],
    choose: Choose = lambda shown: "Choice: 1",
    rewrite: Callable[[list[str], int], str] = lambda shown, sample: rf"FAKE rewritten {sample}. \boxed{{{len(shown)}}}",
    verdicts: Mapping[str, float] | None = None,
    **more: Any,
) -> ScriptedModel:
    """A model that samples ``answers`` in turn (None: nothing readable), and plays the other roles as it is told."""

    def reply(prompt: str, sample: int) -> Answer:
        shown = SOLUTION.findall(prompt)
        if "strict examiner" in prompt:
            text = prompt.rpartition("<solution>\n")[2].partition("\n</solution>")[0]
            yes = next(value for mark, value in (verdicts or {}).items() if mark in text)
            return {"content": "FAKE", "labels": {"Yes": log(yes), "No": log(1 - yes)}}
        if "Choice: N" in prompt:
            return choose(shown)
        if shown:
            return rewrite(shown, sample)
        answer = answers[sample % len(answers)]
        if answer is None:
            return "FAKE: no idea."
        return answer if isinstance(answer, str) else rf"FAKE {sample}. \boxed{{{answer}}}"

    return ScriptedModel(reply, **more)


def pick(mark: str) -> Choose:
    """Chooses the first solution with ``mark`` in it."""
    return lambda shown: f"FAKE\nChoice: {next(number for number, text in enumerate(shown, 1) if mark in text)}"


async def solve(session: Session, name: str, listener: Any = None, **options: Any) -> Result:
    problem = options.pop("problem", Problem.of("How many?", answer_kind=options.pop("kind", "number")))
    team, budget = options.pop("team", "fake"), options.pop("budget", None)
    return await session.solve(
        problem, strategy=name, team=team, options={"batched": False, **options}, listener=listener, budget=budget, seed=3
    )


def told(heard: list[Any]) -> dict[str, str]:
    """Warnings by code."""
    return {event.code: event.message for event in heard if event.type == "warned"}


def kinds(scripted: ScriptedModel) -> list[str]:
    return [kind_of(call) for call in scripted.calls]


# universal-consistency


async def test_the_samples_are_shown_in_drawn_orders_and_the_choices_vote(opened: Opener) -> None:
    shown: list[list[str]] = []

    def choose(texts: list[str]) -> str:
        shown.append(texts)
        return pick("{3}")(texts) if len(shown) > 1 else pick("{1}")(texts)

    scripted = model([1, 2, None, 3], choose)
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, "universal-consistency", n=4, permutations=3)
        replayed = await session.replay(result.run_id)
    assert kinds(scripted) == ["propose"] * 4 + ["select"] * 3
    assert len({tuple(texts) for texts in shown}) == 3
    assert {tuple(sorted(texts)) for texts in shown} == {(r"FAKE 0. \boxed{1}", r"FAKE 1. \boxed{2}", r"FAKE 3. \boxed{3}")}
    assert {call.request.temperature for call in scripted.calls[4:]} == {0.0}
    assert len({call.request.seed for call in scripted.calls[4:]}) == 3
    assert (result.answer, result.decided_by, result.confidence) == ("3", "judge", pytest.approx(2 / 3))
    assert {name: choice.answer for name, choice in result.selections.items()} == {"majority": "1", "judge": "3"}
    assert (result.usage["policy"].calls, result.usage["selector"].calls) == (4, 3)
    assert replayed.selections == result.selections


async def test_texts_can_be_chosen_too_and_one_order_has_no_share(opened: Opener) -> None:
    scripted = model(["FAKE: a poem of the sea", "FAKE: a poem of the wood"], pick("wood"))
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, "universal-consistency", n=2, kind="text")
    assert (result.answer, result.confidence, result.votes) == ("FAKE: a poem of the wood", None, ())
    assert set(result.selections) == {"judge"}


@pytest.mark.parametrize("name", ["universal-consistency", "tournament"])
async def test_where_all_agree_nothing_is_asked(opened: Opener, name: str) -> None:
    heard: list[Any] = []
    scripted = model([7, None, 7])
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, name, heard.append, n=3)
    assert kinds(scripted) == ["propose"] * 3
    assert (result.answer, result.decided_by, result.confidence) == ("7", "judge", 1.0)
    assert told(heard) == {}


UNREAD = ["I like them all.", "Choice: 9", "Choice: 1 or 2"]


@pytest.mark.parametrize("name", ["universal-consistency", "tournament"])
@pytest.mark.parametrize("kind", ["number", "text"])
async def test_where_no_choice_can_be_read_there_is_a_declared_fallback(opened: Opener, name: str, kind: str) -> None:
    said, heard = iter(UNREAD * 4), []
    answers = [2, 1, 1] if kind == "number" else ["FAKE: one", "FAKE: two", "FAKE: three"]
    async with opened(model(answers, lambda shown: next(said)), abilities=PLAIN) as session:
        result = await solve(session, name, heard.append, n=3, kind=kind)
    by, instead = ("majority", "the majority decides") if kind == "number" else ("first", "the first sample is taken")
    assert (result.answer, result.decided_by) == ("1" if kind == "number" else "FAKE: one", by)
    assert told(heard) == {"no_choice": f"the selector named no candidate: {instead}"}
    assert "judge" not in result.selections


async def test_unread_choices_count_for_nothing(opened: Opener) -> None:
    said = iter(["Choice: 0", None, "no"])

    def choose(shown: list[str]) -> str:
        found = next(said)
        return pick("{2}")(shown) if found is None else found

    async with opened(model([1, 1, 2], choose), abilities=PLAIN) as session:
        result = await solve(session, "universal-consistency", n=3, permutations=3)
    assert (result.answer, result.confidence) == ("2", None), "a single choice has no share"


# tournament


async def test_one_of_each_answer_plays_in_both_orders_and_a_round_is_a_wave(opened: Opener) -> None:
    pairs: list[list[str]] = []

    def choose(shown: list[str]) -> str:
        found = [text.partition("{")[2].rstrip("}") for text in shown]
        pairs.append(found)
        return f"Choice: {1 + found.index(max(found))}"

    scripted = model([1, 1, 1, 2, 2, 3, None, 1], choose)
    heard: list[Any] = []
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, "tournament", heard.append, n=8)
        replayed = await session.replay(result.run_id)
    assert kinds(scripted) == ["propose"] * 8 + ["judge"] * 4
    assert sorted(pairs[:2]) == [["2", "3"], ["3", "2"]], "1 has most votes and waits"
    assert sorted(pairs[2:]) == [["1", "3"], ["3", "1"]]
    waves = [(event.node, event.visit, event.size) for event in heard if event.type == "wave_started"]
    assert waves == [("propose", 0, 8), ("judge", 0, 2), ("judge", 1, 2)]
    assert (result.answer, result.decided_by, result.confidence) == ("3", "judge", 1.0)
    assert result.selections["majority"].answer == "1"
    assert replayed.selections == result.selections


async def test_a_split_verdict_goes_to_the_answer_with_more_votes(opened: Opener) -> None:
    async with opened(model([2, 1, 1], lambda shown: "Choice: 1"), abilities=PLAIN) as session:
        by_place = await solve(session, "tournament", n=3)
    assert (by_place.answer, by_place.confidence) == ("1", 0.5), "a model that goes by place alone decides nothing"
    scripted = model([2, 1, 1], pick("{2}"))
    async with opened(scripted, abilities=PLAIN) as session:
        once = await solve(session, "tournament", n=3, both_orders=False)
    assert kinds(scripted).count("judge") == 1
    assert once.answer == "2"


async def test_texts_play_each_other_and_a_lost_match_is_nobodys(opened: Opener) -> None:
    scripted = model(
        ["FAKE: sea", "FAKE: wood", "FAKE: rose", "FAKE: owl"],
        pick("wood"),
        fail=lambda call: RejectedError("FAKE") if kind_of(call) == "judge" and "wood" not in call.prompt else None,
    )
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, "tournament", n=4, kind="text")
    assert kinds(scripted) == ["propose"] * 4 + ["judge"] * 6
    assert (result.answer, result.failures) == ("FAKE: wood", {"rejected": 2})


# mixture


async def test_each_layer_is_shown_the_one_before_and_the_aggregate_is_a_candidate(opened: Opener) -> None:
    def rewrite(shown: list[str], sample: int) -> str:
        return r"FAKE whole. \boxed{9}" if "rewritten" in shown[0] else rf"FAKE rewritten {sample}. \boxed{{{5 + sample}}}"

    scripted = model([1, 2], rewrite=rewrite)
    problem = Problem.of("How many </solution> are there?", answer_kind="number")
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, "mixture", n=2, problem=problem)
        replayed = await session.replay(result.run_id)
    assert kinds(scripted) == ["propose"] * 2 + ["rewrite"] * 3
    assert [SOLUTION.findall(call.prompt) for call in scripted.calls[2:]] == [
        [r"FAKE 0. \boxed{1}", r"FAKE 1. \boxed{2}"],
        [r"FAKE 0. \boxed{1}", r"FAKE 1. \boxed{2}"],
        [r"FAKE rewritten 0. \boxed{5}", r"FAKE rewritten 1. \boxed{6}"],
    ]
    assert [call.request.temperature for call in scripted.calls] == [0.7] * 4 + [0.0]
    for call in scripted.calls:
        assert [message.role for message in call.request.messages] == ["system", "user"]
        assert "<solution" not in call.request.messages[0].text, "what others wrote never speaks as the system"
        assert call.request.messages[1].text.startswith("How many </solution> are there?")
    assert (result.answer, result.decided_by, result.confidence) == ("9", "aggregate", 0.0)
    assert [one.answer.value for one in result.candidates if one.answer] == ["1", "2", "5", "6", "9"]
    assert result.candidates[-1].role == "aggregator"
    assert (result.selections["majority"].answer, [vote.answer for vote in result.votes]) == ("5", ["5", "6"])
    assert replayed.selections == result.selections


async def test_members_take_turns_and_a_layer_of_the_policy_is_one_request(opened: Opener) -> None:
    scripted, heard = model([1, 2, 3]), []
    async with opened(scripted, abilities=(*PLAIN, Ability.N)) as session:
        await solve(session, "mixture", heard.append, n=3, members="ann,ben", layers=1, batched=True)
        by_role = [(event.role, event.size) for event in heard if event.type == "wave_started"]
        wrote = [event.candidate.role for event in heard if event.type == "candidate_added"]
        together = model([1, 2, 3])
    assert by_role == [("ann + ben", 3), ("aggregator", 1)]
    assert wrote == ["ann", "ben", "ann", "aggregator"]
    async with opened(together, abilities=(*PLAIN, Ability.N)) as session:
        result = await solve(session, "mixture", n=3, batched=True)
    assert [call.request.n for call in together.calls] == [3, 3, 1]
    assert result.confidence == 1.0, "all of the last layer say 3, as the aggregate does"


@pytest.mark.parametrize(("lost", "kind"), [("failed", "number"), ("unreadable", "number"), ("failed", "text")])
async def test_without_an_aggregate_the_last_layer_decides(opened: Opener, lost: str, kind: str) -> None:
    scripted = model(
        [1, 2, 2],
        rewrite=lambda shown, sample: "FAKE: no idea.",
        fail=lambda call: RejectedError("FAKE") if kind_of(call) == "rewrite" and lost == "failed" else None,
    )
    heard: list[Any] = []
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, "mixture", heard.append, n=3, layers=1, kind=kind)
    fallback = ("2", "majority", "the majority decides") if kind == "number" else (None, "first", "the first sample is taken")
    assert result.decided_by == fallback[1]
    assert result.answer == (fallback[0] or r"FAKE 0. \boxed{1}")
    assert told(heard)["no_choice"] == f"the aggregator gave no answer that can be read: {fallback[2]}"


async def test_a_layer_that_failed_as_a_whole_is_passed_over(opened: Opener) -> None:
    scripted = model([1, 2], fail=lambda call: RejectedError("FAKE") if call.request.seed and call.index in {2, 3} else None)
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, "mixture", n=2)
    assert [len(SOLUTION.findall(call.prompt)) for call in scripted.calls] == [0, 0, 2, 2, 2]
    assert (result.answer, result.failures) == ("2", {"rejected": 2})


# contrastive

RATED = {"{1}": 0.9, "{2}": 0.2, "{3}": 0.3, "{8}": 0.95, "{4}": 0.85}


async def test_the_best_and_the_commonest_mistake_are_reconciled_and_the_gate_is_the_score(opened: Opener) -> None:
    for written, answer in ((8, "8"), (4, "1"), (1, "1")):
        scripted = model([3, 2, 1, 2], rewrite=lambda shown, sample, w=written: rf"FAKE new. \boxed{{{w}}}", verdicts=RATED)
        async with opened(scripted, abilities=LABELS) as session:
            result = await solve(session, "contrastive", n=4)
            replayed = await session.replay(result.run_id)
        assert kinds(scripted) == ["propose"] * 4 + ["verify"] * 4 + ["rewrite", "verify"]
        (call,) = (call for call in scripted.calls if kind_of(call) == "rewrite")
        assert SOLUTION.findall(call.prompt) == [r"FAKE 2. \boxed{1}", r"FAKE 1. \boxed{2}"]
        assert (result.answer, result.decided_by) == (answer, "best-of")
        assert (result.candidate is result.candidates[-1]) == (written == 8), "as good is not better"
        assert len(result.candidates) == 5
        assert replayed.candidates == result.candidates


@pytest.mark.parametrize("verdicts", [{"{": 0.9}, {"{": 0.2}])
async def test_without_a_contrast_nothing_is_written(opened: Opener, verdicts: dict[str, float]) -> None:
    heard: list[Any] = []
    scripted = model([1, 2], verdicts=verdicts)
    async with opened(scripted, abilities=LABELS) as session:
        result = await solve(session, "contrastive", heard.append, n=2)
    assert kinds(scripted) == ["propose"] * 2 + ["verify"] * 2
    assert (result.answer, result.decided_by) == ("1", "best-of")
    assert "nothing was set against each other" in told(heard)["no_contrast"]


@pytest.mark.parametrize("lost", ["failed", "unreadable", "unrated"])
async def test_what_was_written_and_lost_changes_nothing(opened: Opener, lost: str) -> None:
    def fail(call: ScriptedCall) -> ModelError | None:
        kind, new = kind_of(call), "FAKE new" in call.prompt
        return RejectedError("FAKE") if (lost == "failed" and kind == "rewrite") or (lost == "unrated" and new) else None

    said = "FAKE: no idea." if lost == "unreadable" else r"FAKE new. \boxed{8}"
    scripted = model([2, 1], rewrite=lambda shown, sample: said, verdicts=RATED, fail=fail)
    async with opened(scripted, abilities=LABELS) as session:
        result = await solve(session, "contrastive", n=2)
    assert (result.answer, result.decided_by, result.stop_reason) == ("1", "best-of", StopReason.FINISHED)
    assert len(result.candidates) == (2 if lost == "failed" else 3)


# All of them


@pytest.mark.parametrize("name", NAMES)
async def test_of_long_candidates_the_middle_is_left_out_and_a_warning_says_so(opened: Opener, name: str) -> None:
    long = "x" * 900
    answers = [rf"FAKE {long} \boxed{{1}}", r"FAKE short \boxed{2}"]
    heard: list[Any] = []
    scripted = model(answers, verdicts={"{1}": 0.9, "{2}": 0.1, "short": 0.1})
    async with opened(scripted, abilities=LABELS) as session:
        await solve(session, name, heard.append, n=2, shown=200, **({"layers": 1} if name == "mixture" else {}))
    read = [text for call in scripted.calls if kind_of(call) != "propose" for text in SOLUTION.findall(call.prompt)]
    assert read
    assert all(len(text) < 260 for text in read)
    assert any("characters left out …]" in text and text.endswith(r"\boxed{1}") for text in read)
    said = "1 of 2 candidates have more than 200 characters and were read without their middle (option shown)"
    assert told(heard)["shortened"] == said


@pytest.mark.parametrize("name", NAMES)
async def test_a_budget_that_ends_with_the_samples_gives_the_best_there_is(opened: Opener, name: str) -> None:
    scripted = model([2, 1, 1], pick("{2}"), verdicts=RATED)
    async with opened(scripted, abilities=LABELS) as session:
        result = await solve(session, name, n=3, budget=3)
    assert (len(scripted.calls), result.answer, result.stop_reason) == (3, "1", StopReason.BUDGET)
    assert (result.status, result.decided_by) == (Status.ANSWERED, "majority")


@pytest.mark.parametrize("name", NAMES)
async def test_a_stopped_run_claims_nothing_and_ends_as_if_it_had_not_been_stopped(opened: Opener, name: str) -> None:
    script: dict[str, Any] = {"choose": pick("{2}"), "verdicts": {**RATED, "rewritten": 0.99}}
    scripted = model([2, 1, 1], latency=0.01, **script)
    async with opened(scripted, abilities=LABELS) as session:
        options = {"n": 3, "batched": False}
        record = await session.create(Problem.of("?", answer_kind="number"), team="fake", strategy=name, options=options, seed=3)
        execution = await session.execution(record.id)
        running = asyncio.create_task(execution.execute())
        while len(scripted.calls) < 4:
            await asyncio.sleep(0.001)
        execution.control.halt(StopReason.STEERED)
        stopped = await running
        resumed = await session.resume(record.id)
    assert (stopped.stop_reason, stopped.status) == (StopReason.STEERED, Status.CANCELLED)
    whole = model([2, 1, 1], **script)
    async with opened(whole, abilities=LABELS) as session:
        unbroken = await session.solve(Problem.of("?", answer_kind="number"), strategy=name, team="fake", options=options, seed=3)
    assert (resumed.answer, resumed.selections) == (unbroken.answer, unbroken.selections)
    assert resumed.candidates == unbroken.candidates


@pytest.mark.parametrize("name", NAMES)
def test_calls_of_tools_cannot_be_read(name: str) -> None:
    strategy = STRATEGIES.get(name)
    problem = Problem.of("Call.", answer_kind="tool_call")
    team = dict.fromkeys(("policy", "selector", "aggregator", "verifier"), fake_spec(abilities=LABELS))
    with pytest.raises(ProblemError, match="tool_call"):
        strategy.check(problem, strategy.configure({}), team, STRATEGIES.all())


@pytest.mark.parametrize(
    ("name", "options", "one_by_one", "several"),
    [
        ("universal-consistency", {}, (8, 9), (1, 2)),
        ("universal-consistency", {"n": 5, "permutations": 3}, (5, 8), (1, 4)),
        ("universal-consistency", {"n": 1}, (1, 1), (1, 1)),
        ("tournament", {}, (8, 22), (1, 15)),
        ("tournament", {"n": 5, "both_orders": False}, (5, 9), (1, 5)),
        ("mixture", {}, (9, 9), (3, 3)),
        ("mixture", {"layers": 3, "n": 2, "members": "ann,ben"}, (7, 7), (7, 7)),
        ("contrastive", {"verifier": "recompute"}, (8, 9), (1, 2)),
    ],
)
def test_costs(name: str, options: dict[str, Any], one_by_one: tuple[int, int], several: tuple[int, int]) -> None:
    strategy = STRATEGIES.get(name)
    for abilities, expected in ((LABELS, one_by_one), ((*LABELS, Ability.N), several)):
        team = {"policy": fake_spec(abilities=abilities)}
        assert strategy.cost(strategy.configure(options), team, Problem.of("?")) == expected


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("mixture", {"members": "ann,ann"}, "member ann is given twice"),
        ("mixture", {"members": "Ann"}, "pattern"),
        ("mixture", {"members": "a,b,c", "n": 2}, "without a turn"),
        ("contrastive", {"n": 1}, "n"),
        ("tournament", {"shown": 10}, "shown"),
        ("universal-consistency", {"permutations": 0}, "permutations"),
    ],
)
def test_options_that_make_no_sense_are_refused(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        STRATEGIES.get(name).configure(options)


# What no rule keeps in which a model reads candidates


def by_place(shown: list[str]) -> str:
    return "Choice: 1"


def by_spelling(shown: list[str]) -> str:
    return f"Choice: {1 + shown.index(min(shown, key=lambda text: text.partition('{')[2]))}"


def unless_three(shown: list[str]) -> str:
    """Prefers 1, but 2 where there are four."""
    return pick("{2}" if len(shown) > 3 else "{1}")(shown)


async def test_no_invariant_holds_whatever_the_model_that_reads_is(opened: Opener) -> None:
    async def winner(answers: list[int], choose: Choose) -> str | None:
        async with opened(model(answers, choose), abilities=PLAIN) as session:
            return (await solve(session, "universal-consistency", n=len(answers))).answer

    assert await winner([1, 2], by_place) != await winner([2, 1], by_place), "permutation invariance"
    assert [await winner([1, 2], by_spelling), await winner([3, 2], by_spelling)] == ["1", "2"], "1, called 3, loses"
    assert await winner([1, 2, 2], unless_three) == "1"
    assert await winner([1, 2, 2, 1], unless_three) == "2", "monotony: a further vote for 1"
    assert await winner([1, 2, 2, 3], unless_three) == "2", "independence: one for 3 reverses 1 and 2"


async def test_an_aggregate_or_a_reconciliation_may_be_what_nobody_proposed(opened: Opener) -> None:
    scripted = model([1, 1], rewrite=lambda shown, sample: r"FAKE new. \boxed{8}")
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, "mixture", n=2, layers=1)
    assert (result.answer, result.confidence) == ("8", 0.0), "not even an answer that all agree on is sure to win"


async def test_a_further_good_sample_may_change_what_is_written(opened: Opener) -> None:
    """Of ``contrastive`` neither monotony nor independence holds."""

    def rewrite(shown: list[str], sample: int) -> str:
        return r"FAKE new. \boxed{8}" if "{2}" in shown[1] else r"FAKE new. \boxed{4}"

    async def winner(answers: list[int]) -> str | None:
        async with opened(model(answers, rewrite=rewrite, verdicts=RATED), abilities=LABELS) as session:
            return (await solve(session, "contrastive", n=len(answers))).answer

    assert await winner([1, 2, 3, 2]) == "8"
    assert await winner([1, 2, 3, 2, 3, 3]) == "1", "two more votes for 3, and 1 wins instead of 8"
