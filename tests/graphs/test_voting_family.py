"""Strategies that sample and vote keep to their cards: the calls that each makes, who wins, and what becomes of failures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import exp, log
from typing import Any

import pytest

from symposia.core.errors import ConfigError, MissingAbilityError, ProblemError, RejectedError
from symposia.core.model_spec import Ability
from symposia.core.problem import Problem
from symposia.core.result import Result, Status, StopReason
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import ScriptedModel, fake_spec

from .hosts import Opener

PLAIN = (Ability.CHAT, Ability.SEED)
TELLING = (*PLAIN, Ability.LOGPROBS)
NAMES = ["adaptive-consistency", "early-stopping-consistency", "rpc", "tail-confidence", "weighted-vote"]
NAN = float("nan")


def boxed(*answers: object) -> Callable[[str, int], str]:
    """Answers by sample number, the last for all further ones; None for a text without any."""

    def reply(prompt: str, sample: int) -> str:
        answer = answers[min(sample, len(answers) - 1)]
        return "FAKE: no idea." if answer is None else f"FAKE {sample}. \\boxed{{{answer}}}"

    return reply


def told(*rows: tuple[str, list[float]]) -> Callable[[str, int], dict[str, Any]]:
    """Texts by sample number, and the log-probabilities of their words."""
    return lambda prompt, sample: {"content": rows[sample][0], "logprobs": rows[sample][1]}


async def solve(session: Session, strategy: str, listener: Any = None, team: Any = "fake", **options: Any) -> Result:
    return await session.solve("?", strategy=strategy, team=team, options=options, listener=listener)


def warnings(heard: list[Any]) -> list[str]:
    return [event.message for event in heard if event.type == "warned" and event.code == "no_scores"]


# adaptive-consistency


@pytest.mark.parametrize(
    ("criterion", "threshold", "calls"), [("beta", 0.95, 4), ("dirichlet", 0.95, 4), ("entropy", 0.75, 4), ("majority", 0.8, 2)]
)
async def test_samples_are_drawn_one_by_one_until_they_agree(
    opened: Opener, criterion: str, threshold: float, calls: int
) -> None:
    model = ScriptedModel(boxed(7))
    async with opened(model, abilities=PLAIN) as session:
        result = await solve(session, "adaptive-consistency", criterion=criterion, window=1)
    assert STRATEGIES.get("adaptive-consistency").configure({"criterion": criterion}).threshold == threshold
    assert [call.sample for call in model.calls] == list(range(calls))
    assert (result.answer, result.stop_reason, result.decided_by) == ("7", StopReason.AGREED, "majority")


async def test_criteria_differ_where_many_answers_have_one_vote_each(opened: Opener) -> None:
    made = {}
    for criterion in ("beta", "dirichlet", "entropy", "majority"):
        model = ScriptedModel(boxed(1, 2, 3, 4, 7))
        async with opened(model, abilities=PLAIN) as session:
            await solve(session, "adaptive-consistency", criterion=criterion, window=1)
        made[criterion] = len(model.calls)
    assert made == {"beta": 10, "dirichlet": 12, "entropy": 11, "majority": 20}


async def test_a_window_changes_the_calls_in_flight_and_not_the_samples_that_count(opened: Opener) -> None:
    seen = []
    for window in (1, 4, 16):
        model = ScriptedModel(boxed(1, 7, 7, 2, 7), latency=(0.0, 0.01))
        async with opened(model, abilities=PLAIN) as session:
            result = await solve(session, "adaptive-consistency", window=window)
            replayed = await session.replay(result.run_id)
        assert model.max_in_flight <= window
        assert replayed.candidates == result.candidates
        seen.append((result.answer, result.confidence, [candidate.text for candidate in result.candidates]))
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0][2]) == 8, "6 votes against 1 and 1"


async def test_where_nothing_agrees_the_cap_ends_it(opened: Opener) -> None:
    model = ScriptedModel(lambda prompt, sample: rf"\boxed{{{sample}}}")
    async with opened(model, abilities=PLAIN) as session:
        result = await solve(session, "adaptive-consistency", n=6)
    assert (len(model.calls), result.stop_reason, result.answer) == (6, StopReason.FINISHED, "0")


# early-stopping-consistency


async def test_windows_follow_one_another_until_one_agrees_and_no_call_is_broken_off(opened: Opener) -> None:
    replies = iter([1, 7, 7, 7, 7, 7, 7, 7, 7, 7])
    model = ScriptedModel(lambda prompt, sample: rf"\boxed{{{next(replies)}}}")
    async with opened(model, abilities=PLAIN) as session:
        result = await solve(session, "early-stopping-consistency")
        replayed = await session.replay(result.run_id)
    assert [call.sample for call in model.calls] == [0, 1, 2, 3, 4] * 2
    assert not any(call.cancelled for call in model.calls)
    assert len({call.request.seed for call in model.calls}) == 10
    assert [one.id.split("/")[1] for one in result.candidates] == [f"propose.{k}.{i}#0" for k in (0, 1) for i in range(5)]
    assert (result.answer, result.confidence, result.stop_reason) == ("7", 0.9, StopReason.AGREED)
    assert replayed.candidates == result.candidates


async def test_a_window_is_one_request_where_the_model_can(opened: Opener) -> None:
    model = ScriptedModel(boxed(1, 7))
    async with opened(model, abilities=(*PLAIN, Ability.N)) as session:
        result = await solve(session, "early-stopping-consistency", n=12, window=5)
    assert [call.request.n for call in model.calls] == [5, 5, 2]
    assert len({call.request.seed for call in model.calls}) == 3
    assert (len(result.candidates), result.stop_reason) == (12, StopReason.FINISHED)


@pytest.mark.parametrize("lost", ["failed", "unreadable"])
async def test_a_lost_sample_agrees_with_nothing(opened: Opener, lost: str) -> None:
    once = iter([lost])

    def reply(prompt: str, sample: int) -> str:
        return boxed(None if sample == 1 and next(once, "") == "unreadable" else 7)(prompt, 0)

    model = ScriptedModel(reply, fail=lambda call: RejectedError("FAKE") if call.index == 1 and lost == "failed" else None)
    async with opened(model, abilities=PLAIN) as session:
        result = await solve(session, "early-stopping-consistency", window=3, n=9)
    assert len(model.calls) == 6
    assert len(result.candidates) == (5 if lost == "failed" else 6)
    assert (result.answer, result.stop_reason) == ("7", StopReason.AGREED)


# weighted-vote and tail-confidence


async def test_votes_weigh_what_the_verifier_says(opened: Opener) -> None:
    def reply(prompt: str, sample: int) -> Any:
        if "strict examiner" not in prompt:
            return boxed(1, 1, 2, 3)(prompt, sample)
        yes = next(value for mark, value in {"{1}": 0.2, "{2}": 0.9, "{3}": 0.1}.items() if mark in prompt)
        return {"content": "FAKE", "labels": {"Yes": log(yes), "No": log(1 - yes)}}

    found = {}
    for weights in ("score", "rank"):
        model = ScriptedModel(reply)
        async with opened(model, abilities=TELLING) as session:
            found[weights] = await solve(session, "weighted-vote", n=4, weights=weights, batched=False)
            again = await session.replay(found[weights].run_id)
        assert len(model.calls) == 4 + 4
        assert again.candidates == found[weights].candidates
    score, rank = found["score"], found["rank"]
    assert (score.answer, score.decided_by, score.confidence) == ("2", "weighted", pytest.approx(0.9 / 1.4))
    assert score.selections["majority"].answer == "1"
    assert [[one.verifier for one in candidate.scores] for candidate in rank.candidates] == [["judge", "rank"]] * 4
    assert [candidate.scores[-1].value for candidate in rank.candidates] == pytest.approx([5 / 12, 5 / 12, 1, 1 / 4])
    assert (rank.answer, rank.confidence) == ("2", pytest.approx(1 / (25 / 12)))


async def test_votes_weigh_as_likely_as_their_words_without_asking_a_verifier(opened: Opener) -> None:
    rows = [(r"It is \boxed{1}", [-3.0]), (r"So it is \boxed{1}", [-2.0]), (r"It must be \boxed{2}", [-0.5])]
    model = ScriptedModel(told(*rows))
    async with opened(model, abilities=TELLING) as session:
        result = await solve(session, "weighted-vote", n=3, weights="logprob")
    assert [call.request.logprobs for call in model.calls] == [0, 0, 0]
    assert [candidate.scores[0].value for candidate in result.candidates] == pytest.approx([exp(-3), exp(-2), exp(-0.5)])
    assert (result.answer, result.selections["majority"].answer) == ("2", "1")
    assert set(result.usage) == {"policy"}


async def test_only_the_end_of_a_sample_is_asked_for_confidence(opened: Opener) -> None:
    sure = "one two three four five six seven eight nine "
    rows = [
        (sure + r"\boxed{1}", [0.0] * 8 + [-4.0]),
        (sure + r"\boxed{1}", [0.0] * 8 + [-3.0]),
        (sure + r"\boxed{2}", [-9.0] * 8 + [-0.1]),
    ]
    model = ScriptedModel(told(*rows))
    async with opened(model, abilities=(*TELLING, Ability.N)) as session:
        result = await solve(session, "tail-confidence", n=3)
        stored = await session.store.candidates(result.run_id)
    assert len(model.calls) == 1
    assert [candidate.scores[0].value for candidate in result.candidates] == pytest.approx([exp(-4), exp(-3), exp(-0.1)])
    assert (result.answer, result.decided_by) == ("2", "weighted")
    assert result.selections["majority"].answer == "1"
    assert stored == list(result.candidates), "stored candidates carry their scores"


@pytest.mark.parametrize(
    ("strategy", "options", "judge"),
    [
        ("weighted-vote", {"weights": "logprob"}, "the policy's log-probabilities"),
        ("tail-confidence", {}, "tail-confidence"),
        ("rpc", {}, "rpc"),
        ("rpc", {"prune": False, "estimator": "mean"}, "perplexity-consistency-by-mean"),
    ],
)
async def test_where_the_server_tells_nothing_the_majority_decides_with_a_warning(
    opened: Opener, strategy: str, options: dict[str, Any], judge: str
) -> None:
    model = ScriptedModel(told(*[(rf"Well \boxed{{{answer}}}", [NAN]) for answer in (2, 1, 1)]))
    heard: list[Any] = []
    async with opened(model, abilities=TELLING) as session:
        result = await solve(session, strategy, heard.append, n=3, **options)
    assert (result.answer, result.decided_by, result.status) == ("1", "majority", Status.ANSWERED)
    assert warnings(heard) == [f"{judge} gave no candidate a score: the majority decides"]


# rpc


PATHS = [
    (r"first \boxed{1}", [-2.0, 0.0]),
    (r"first \boxed{1}", [-2.0, 0.0]),
    (r"second \boxed{2}", [-1.0, 0.0]),
    (r"third \boxed{1}", [-3.0, 0.0]),
    (r"no answer here", [0.0]),
]


async def test_answers_score_the_probabilities_of_their_distinct_paths(opened: Opener) -> None:
    model = ScriptedModel(told(*PATHS))
    async with opened(model, abilities=TELLING) as session:
        result = await solve(session, "rpc", n=5, prune=False)
        again = await session.replay(result.run_id)
    first, copy, second, third, none = [candidate.scores for candidate in result.candidates]
    assert (first[0].value, second[0].value, third[0].value) == pytest.approx((exp(-1), 1.0, exp(-2)))
    assert (copy[0].value, copy[0].rationale, none) == (None, "The same path as another sample.", ())
    assert (result.answer, result.decided_by, result.confidence) == ("2", "weighted", pytest.approx(0.36788 / 0.553, abs=1e-4))
    assert result.selections["majority"].answer == "1"
    assert again.candidates == result.candidates


async def test_unlikely_paths_are_pruned(opened: Opener) -> None:
    likely = [(rf"path {k} \boxed{{1}}", [-1.0 - k / 10]) for k in range(3)]
    unlikely = [(rf"path {k} \boxed{{2}}", [-9.0 - k / 10]) for k in range(3, 8)]
    model = ScriptedModel(told(*likely, *unlikely))
    async with opened(model, abilities=TELLING) as session:
        result = await solve(session, "rpc", n=8)
    assert [candidate.scores[0].rationale for candidate in result.candidates] == [""] * 3 + ["Pruned: of the unlikely paths."] * 5
    assert (result.answer, result.confidence, result.selections["majority"].answer) == ("1", 1.0, "2")


async def test_the_length_normalised_estimator_is_another_one_and_says_so(opened: Opener) -> None:
    rows = [(r"a short \boxed{1}", [-1.0]), (r"a much longer path that says \boxed{2}", [-0.9])]
    found = {}
    for estimator in ("sequence", "mean"):
        async with opened(ScriptedModel(told(*rows)), abilities=TELLING) as session:
            found[estimator] = await solve(session, "rpc", n=2, estimator=estimator)
    assert (found["sequence"].answer, found["mean"].answer) == ("1", "2")
    assert [found[name].candidates[0].scores[0].verifier for name in found] == ["rpc", "rpc-by-mean"]


async def stopped_and_resumed(session: Session, model: ScriptedModel, strategy: str, after: int) -> tuple[Result, Result]:
    """A run of 8 samples that a person stopped when ``after`` replies were there, and what came of it later."""
    record = await session.create(Problem.of("?"), team="fake", strategy=strategy, options={"n": 8})
    execution = await session.execution(record.id)
    running = asyncio.create_task(execution.execute())
    while sum(not call.cancelled for call in model.calls) - model.in_flight < after:
        await asyncio.sleep(0.001)
    execution.control.halt(StopReason.STEERED)
    stopped = await running
    assert stopped.stop_reason is StopReason.STEERED
    return stopped, await session.resume(record.id)


UNLIKE = [(rf"path {k} \boxed{{{k % 2}}}", [-1.0 - (k * 7) % 5]) for k in range(8)]


async def test_weights_of_a_stopped_run_are_no_facts(opened: Opener) -> None:
    """They depend on all samples: of a run that goes on, on more of them."""
    model = ScriptedModel(told(*UNLIKE), latency=(0.01, 0.05))
    async with opened(model, abilities=TELLING) as session:
        stopped, resumed = await stopped_and_resumed(session, model, "rpc", 3)
        stored = await session.store.candidates(resumed.run_id)
    assert not any(candidate.scores for candidate in stopped.candidates)
    assert stopped.decided_by == "weighted", "the best so far all the same"
    async with opened(ScriptedModel(told(*UNLIKE)), abilities=TELLING) as session:
        whole = await solve(session, "rpc", n=8)
    assert [candidate.scores for candidate in resumed.candidates] == [candidate.scores for candidate in whole.candidates]
    assert {one.id: one for one in stored} == {one.id: one for one in resumed.candidates}
    assert (resumed.answer, resumed.selections) == (whole.answer, whole.selections)


async def test_weights_of_single_samples_survive_a_stop_with_samples_missing_between(opened: Opener) -> None:
    delays = iter([0.3, 0.0, 0.3, 0.0, 0.0, *[0.3] * 3, *[0.0] * 8])
    model = ScriptedModel(told(*UNLIKE), latency=lambda _: next(delays))
    async with opened(model, abilities=TELLING) as session:
        stopped, resumed = await stopped_and_resumed(session, model, "tail-confidence", 3)
        stored = await session.store.candidates(resumed.run_id)
    assert [candidate.text[:6] for candidate in stopped.candidates] == ["path 1", "path 3", "path 4"]
    assert all(candidate.scores for candidate in stopped.candidates)
    assert [candidate.scores[0].value for candidate in resumed.candidates] == pytest.approx([exp(row[1][0]) for row in UNLIKE])
    assert {one.id: one for one in stored} == {one.id: one for one in resumed.candidates}


# All of them


@pytest.mark.parametrize("name", NAMES)
async def test_survivors_carry_on_and_what_cannot_be_read_never_wins(opened: Opener, name: str) -> None:
    replies = boxed(None, None, None, 7)
    model = ScriptedModel(replies, fail=lambda call: RejectedError("FAKE") if call.index == 0 else None)
    async with opened(model, abilities=TELLING) as session:
        result = await solve(session, name, n=4)
    assert (result.answer, result.status, result.failures) == ("7", Status.ANSWERED, {"rejected": 1})
    assert result.unparsed == 2


@pytest.mark.parametrize(
    ("name", "options", "one_by_one", "several"),
    [
        ("adaptive-consistency", {}, (4, 40), (4, 40)),
        ("adaptive-consistency", {"criterion": "majority", "n": 9}, (2, 9), (2, 9)),
        ("adaptive-consistency", {"n": 3}, (3, 3), (3, 3)),
        ("early-stopping-consistency", {"n": 12}, (5, 12), (1, 3)),
        ("early-stopping-consistency", {"n": 11, "window": 5}, (5, 11), (1, 3)),
        ("early-stopping-consistency", {"n": 4, "window": 5}, (4, 4), (1, 1)),
        ("rpc", {}, (64, 64), (1, 1)),
        ("tail-confidence", {"batched": False}, (16, 16), (16, 16)),
        ("weighted-vote", {"weights": "logprob"}, (8, 8), (1, 1)),
    ],
)
def test_costs(name: str, options: dict[str, Any], one_by_one: tuple[int, int], several: tuple[int, int]) -> None:
    strategy = STRATEGIES.get(name)
    for abilities, expected in ((TELLING, one_by_one), ((*TELLING, Ability.N), several)):
        team = {"policy": fake_spec(abilities=abilities)}
        assert strategy.cost(strategy.configure(options), team, Problem.of("?")) == expected


@pytest.mark.parametrize("name", NAMES)
def test_answers_that_cannot_be_compared_are_refused(name: str) -> None:
    strategy = STRATEGIES.get(name)
    with pytest.raises(ProblemError, match="cannot compare answers of kind text"):
        strategy.check(
            Problem.of("Write a poem.", answer_kind="text"), strategy.configure({}), {"policy": fake_spec()}, STRATEGIES.all()
        )


@pytest.mark.parametrize(("name", "options"), [("rpc", {}), ("tail-confidence", {}), ("weighted-vote", {"weights": "logprob"})])
def test_without_log_probabilities_there_is_nothing_to_weigh_by(name: str, options: dict[str, Any]) -> None:
    strategy = STRATEGIES.get(name)
    team = {"policy": fake_spec(abilities=PLAIN)}
    with pytest.raises(MissingAbilityError, match="logprobs"):
        strategy.check(Problem.of("?"), strategy.configure(options), team, STRATEGIES.all())


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("weighted-vote", {"weights": "logprob", "logprobs": False}, "needs logprobs=true"),
        ("rpc", {"logprobs": False}, "logprobs"),
        ("adaptive-consistency", {"criterion": "gamma"}, "criterion"),
        ("early-stopping-consistency", {"window": 1}, "window"),
        ("tail-confidence", {"tail": 0}, "tail"),
    ],
)
def test_options_that_make_no_sense_are_refused(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        STRATEGIES.get(name).configure(options)


def test_a_threshold_that_was_given_stays() -> None:
    config = STRATEGIES.get("adaptive-consistency").configure({"criterion": "majority", "threshold": 0.6})
    assert config.threshold == 0.6
