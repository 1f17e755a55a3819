"""Ensembles: who is asked, how scores become one, what is kept of each member, and what happens where one has no score."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symposia.agents.verifiers.rating import Scores
from symposia.agents.verifiers.verifier import VERIFIERS, Verifier, VerifierConfig
from symposia.core.budget import CallBounds
from symposia.core.calls import CallResult, ChatRequest, ModelCall
from symposia.core.candidate import Candidate, Evidence, Score
from symposia.core.errors import ConfigError, MissingAbilityError, RejectedError, UnknownNameError
from symposia.core.events import Event
from symposia.core.model_spec import Ability
from symposia.core.problem import Message, Problem, Solution
from symposia.core.protocols import Scope
from symposia.core.result import Result, Status, StopReason
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

from .completer import Completer

ABLE = (Ability.CHAT, Ability.SEED, Ability.LOGPROBS, Ability.PREFIX)
Opener = Callable[..., AbstractAsyncContextManager[Session]]
A, B = Solution.of_steps(["2 + 2 = 4.", r"It is \boxed{4}."]), Solution.of_steps(["2 + 2 = 5.", r"It is \boxed{5}."])


# A member whose scores are what its model says: one number, or one for each step


class EchoConfig(VerifierConfig):
    """Options of ``echo``."""

    wait: bool = False
    """Whether it comes last."""


async def _echo(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: EchoConfig, *, node: str, visit: int = 0
) -> Scores:
    if config.wait:
        await asyncio.sleep(0.03)
    found: dict[str, Score] = {}

    async def consume(result: CallResult) -> bool:
        candidate = candidates[result.index]
        if result.reply is None:
            score = Score(verifier="echo", value=None, rationale=result.failure.message if result.failure else "")
        elif result.reply.choices[0].text == "crash":
            raise RuntimeError("echo broke down")
        else:
            score = spoken(result.reply.choices[0].text, candidate, scope.spec(config.role).cost(result.reply))
        scope.rate(candidate.id, score, node=node, visit=visit, index=result.index)
        found[candidate.id] = score
        return False

    calls = [
        ModelCall(role=config.role, request=ChatRequest(messages=(Message(role="user", content=each.text),), max_tokens=64))
        for each in candidates
    ]
    wave = await scope.wave(node, calls, consume=consume, visit=visit)
    return Scores(found, wave.stop_reason)


def spoken(text: str, candidate: Candidate, usage: Any) -> Score:
    """``0.5 0.2``: scores of steps, the least of which is the value; ``-`` is none."""
    values = tuple(None if word == "-" else float(word) for word in text.split())
    value = None if None in values or not values else min(value for value in values if value is not None)
    steps = values if len(values) > 1 else ()
    ends = (len(candidate.cut()[0]), len(candidate.text)) if steps else ()
    evidence = (Evidence(tool="calculator", input=text),)
    return Score(
        verifier="echo", value=value, raw=value, steps=steps, ends=ends, rationale=f"I say {text}", evidence=evidence, usage=usage
    )


ECHO = Verifier(
    name="echo",
    summary="Says what its model says.",
    paper="none",
    config=EchoConfig,
    score=_echo,
    cost=lambda config, team, work: CallBounds(1, work.candidates),
    prompts=lambda problem, config: ("verifier.again",),
    tools=lambda config: ("calculator",),
)


@pytest.fixture(autouse=True)
def echo_is_known():
    with VERIFIERS.having("echo", ECHO):
        yield


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    @asynccontextmanager
    async def opener(**models: Any) -> AsyncIterator[Session]:
        settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
        gateway = ModelGateway(transports={"direct": Cast(models)}, retry=RetryPolicy(max_attempts=1))
        specs = {name: fake_spec(name, ABLE) for name in models}
        async with Session(settings=settings, store=":memory:", gateway=gateway, models=specs) as session:
            yield session

    return opener


class Cast:
    """A transport with a scripted model for each name."""

    def __init__(self, models: dict[str, Any]) -> None:
        self._models = models

    async def complete(self, spec: Any, request: Any, **how: Any) -> Any:
        return await self._models[spec.name].complete(spec, request, **how)

    async def close(self) -> None:
        """Nothing is open."""


def says(first: str, second: str = "0.5", **how: Any) -> ScriptedModel:
    """What a member says of A, and of B."""
    return ScriptedModel(lambda prompt, sample: first if "{4}" in prompt else second, **how)


def echo(role: str, **options: Any) -> dict[str, Any]:
    return {"name": "echo", "options": {"role": role, **options}}


PAIR = [echo("one"), echo("two")]


async def verified(session: Session, *solutions: Solution, members: Any = PAIR, **options: Any) -> Result:
    problem = Problem.of("2 + 2?", answer_kind="number").model_copy(update={"solutions": solutions or (A, B)})
    how = {name: options.pop(name) for name in ("listener", "budget", "seed") if name in options}
    given = {"verifier": "ensemble", "verifier_options": {"members": members, **options}}
    roles = VERIFIERS.get("ensemble").under(given["verifier_options"]).needs
    return await session.solve(problem, strategy="verify", team={role: role for role in roles}, options=given, **how)


def last(result: Result, place: int = 0) -> Score:
    return result.candidates[place].scores[-1]


# How scores become one


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({}, 0.6),
        ({"combine": "min"}, 0.2),
        ({"combine": "lower-bound"}, 0.6 - 0.4 / math.sqrt(3)),
        ({"combine": "lower-bound", "z": 0.5}, 0.6 - 0.2 / math.sqrt(3)),
        ({"combine": "lower-bound", "z": 10}, 0),
    ],
)
async def test_members_values_become_one(opened, options: dict[str, Any], value: float) -> None:
    async with opened(one=says("0.2"), two=says("0.6"), three=says("1.0")) as session:
        result = await verified(session, members=[*PAIR, echo("three")], **options)
    score = last(result)
    assert score.value == pytest.approx(value)
    assert (score.verifier, score.scale) == ("ensemble", "probability")
    if options.get("z") == 10:
        assert score.raw is not None
        assert score.raw < 0, "what lies below 0 still has an order"


async def test_steps_are_combined_where_all_cut_alike(opened) -> None:
    async with opened(one=says("0.8 0.2", "0.8 0.2"), two=says("0.4 0.6", "0.5")) as session:
        result = await verified(session)
        least = await verified(session, combine="min")
    assert last(result).steps == pytest.approx((0.6, 0.4))
    assert last(result).ends == (len(A.steps[0]), len(A.text))
    assert last(least).steps == (0.4, 0.2)
    assert last(result, 1).steps == (), "one of them judged the whole of the second only"
    assert last(result, 1).value == pytest.approx(0.35)


async def test_a_member_without_a_value_leaves_none(opened) -> None:
    async with opened(one=says("-"), two=says("0.6")) as session:
        result = await verified(session)
        alone = await verified(session, quorum=1)
        bound = await verified(session, members=[*PAIR, echo("two")], combine="lower-bound", quorum=2)
    assert last(result).value is None
    assert last(result).rationale.startswith("mean has no value: 1 of 2 members gave a value.\n\necho-1: no value")
    assert last(result, 1).value == 0.5
    assert last(alone).value == 0.6
    assert last(bound).value == pytest.approx(0.6)


async def test_steps_without_a_value_leave_none_in_their_place(opened) -> None:
    async with opened(one=says("0.8 -"), two=says("0.4 0.6")) as session:
        result = await verified(session)
    assert last(result).steps == (pytest.approx(0.6), None)


@pytest.mark.parametrize(
    ("one", "two", "steps", "value"),
    [
        ("1 1", "0.9 0.8", (0.95, 0.9), 0.9),
        ("0.9 0", "0.8 0.2", (0.85, 0.1), 0.1),
        ("0 1", "0.2 0.9", (0.1, None), 0.1),
    ],
)
async def test_consensus_on_the_first_wrong_step(opened, one: str, two: str, steps: tuple, value: float) -> None:
    async with opened(one=says(one), two=says(two)) as session:
        result = await verified(session, combine="consensus")
    assert [None if step is None else pytest.approx(step) for step in last(result).steps] == list(steps)
    assert last(result).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("one", "two", "because"),
    [
        ("1 0", "0 1", "do not agree on the first wrong step"),
        ("1 1", "1 0", "do not agree on the first wrong step"),
        ("- 1", "- 1", "do not agree on the first wrong step"),
        ("0 -", "0 1", "1 of 2 members gave a value"),
        ("1 1", "1", "did not score the same steps"),
        ("1", "1", "did not score the same steps"),
    ],
)
async def test_without_consensus_there_is_no_value(opened, one: str, two: str, because: str) -> None:
    async with opened(one=says(one), two=says(two)) as session:
        result = await verified(session, combine="consensus")
    assert last(result).value is None
    assert because in last(result).rationale


# What is kept of the members


async def test_all_members_scores_are_kept_and_the_ensembles_is_the_last(opened) -> None:
    heard: list[Event] = []
    async with opened(one=says("0.2"), two=says("0.6", "0.9")) as session:
        result = await verified(session, listener=heard.append)
        replayed = await session.replay(result.run_id)
        stored = await session.store.candidates(result.run_id)
    assert [[score.value for score in candidate.scores] for candidate in result.candidates] == [
        [0.2, 0.6, pytest.approx(0.4)],
        [0.5, 0.9, pytest.approx(0.7)],
    ]
    assert [score.verifier for score in result.candidates[0].scores] == ["echo", "echo", "ensemble"]
    assert (result.answer, result.confidence) == ("5", pytest.approx(0.7)), "it is the ensemble that decides"
    assert replayed.candidates == result.candidates
    assert stored == list(result.candidates)
    rated = [(event.scope, event.candidate) for event in heard if event.type == "candidate_scored"]
    first, second = (candidate.id for candidate in result.candidates)
    scopes = ["verify/score-echo-1", "verify/score-echo-2", "verify"]
    assert rated == [*((scope, first) for scope in scopes), *((scope, second) for scope in scopes)]


async def test_the_ensembles_score_says_what_all_said_and_cost(opened) -> None:
    async with opened(one=says("0.25"), two=says("0.75")) as session:
        result = await verified(session)
    *members, score = result.candidates[0].scores
    assert score.rationale == "echo-1: 0.25. I say 0.25\n\necho-2: 0.75. I say 0.75"
    assert [evidence.input for evidence in score.evidence] == ["0.25", "0.75"]
    assert score.usage == members[0].usage + members[1].usage
    assert score.usage.calls == 2


async def test_members_of_one_name_draw_apart(opened) -> None:
    model = ScriptedModel(lambda prompt, sample: "Fine.\nScore: 70")
    member = {"name": "judge", "options": {"mode": "verdict", "temperature": 0.7}}
    async with opened(verifier=model) as session:
        await verified(session, A, members=[member, member])
    seeds = [call.request.seed for call in model.calls]
    assert len(set(seeds)) == len(seeds) == 2


async def test_members_work_at_the_same_time_and_the_clock_decides_nothing(opened) -> None:
    found = []
    for slow in (0, 1):
        members = [echo("one", wait=slow == 0), echo("two", wait=slow == 1)]
        async with opened(one=says("0.2"), two=says("0.6")) as session:
            found.append((await verified(session, members=members)).candidates)
    assert found[0] == found[1]


async def test_an_ensemble_may_be_a_member(opened) -> None:
    inner = {"name": "ensemble", "options": {"members": PAIR, "combine": "min"}}
    async with opened(one=says("0.2"), two=says("0.6"), three=says("1.0")) as session:
        result = await verified(session, members=[inner, echo("three")])
    assert [score.value for score in result.candidates[0].scores] == [0.2, 1.0, pytest.approx(0.6)]
    assert last(result).usage.calls == 3


# Rollouts and a judge, as in the paper


async def test_completions_and_a_judge_must_name_the_same_step(opened) -> None:
    def go_on(prefix: str, sample: int) -> str:
        return r"\boxed{5}" if prefix.startswith("2 + 2 = 5") else r"\boxed{4}"

    members = [{"name": "rollout", "options": {"role": "completer", "value": "any"}}, echo("one")]
    async with opened(completer=Completer(go_on), one=says("0.9 0.8", "0.9 0.1")) as session:
        result = await verified(session, members=members, combine="consensus")
    assert last(result).value == pytest.approx(0.9)
    assert last(result, 1).value is None, "completions go wrong at the first step, the judge says at the second"
    assert [len(candidate.scores) for candidate in result.candidates] == [3, 3]


# Failures, budgets, interruptions


async def test_a_member_whose_calls_fail_ends_no_run(opened) -> None:
    async with opened(one=says("0.2", fail=lambda call: RejectedError("FAKE rejection")), two=says("0.6")) as session:
        result = await verified(session)
    assert result.status is Status.NO_ANSWER
    assert [score.value for score in result.candidates[0].scores] == [None, 0.6, None]
    assert "echo-1: no value. FAKE rejection" in last(result).rationale


async def test_a_member_that_breaks_down_ends_the_others(opened) -> None:
    slow = says("0.6", latency=30.0)
    async with opened(one=says("crash"), two=slow) as session:
        with pytest.raises(RuntimeError, match="echo broke down"):
            await verified(session)
    assert all(call.cancelled for call in slow.calls)


async def test_a_candidate_that_a_member_did_not_reach_is_not_rated(opened) -> None:
    async with opened(one=says("0.2"), two=says("0.6")) as session:
        result = await verified(session, budget="calls=3", members=[echo("one"), echo("two", wait=True)])
        replayed = await session.replay(result.run_id)
    assert result.stop_reason is StopReason.BUDGET
    assert [len(candidate.scores) for candidate in result.candidates] == [3, 0]
    assert replayed.candidates == result.candidates


async def test_a_stopped_run_goes_on_as_if_nothing_had_happened(opened) -> None:
    async with opened(one=says("0.2"), two=says("0.6")) as session:
        whole = await verified(session, seed=3)
    async with opened(one=says("0.2"), two=says("0.6", latency=lambda _: 0.2)) as session:
        problem = Problem.of("2 + 2?", answer_kind="number").model_copy(update={"solutions": (A, B)})
        options = {"verifier": "ensemble", "verifier_options": {"members": PAIR}}
        record = await session.create(problem, strategy="verify", team={"one": "one", "two": "two"}, options=options, seed=3)

        def stop(event: Any) -> None:
            if event.type == "call_finished":
                execution.control.halt(StopReason.STEERED)

        execution = await session.execution(record, listener=stop)
        stopped = await execution.execute()
        result = await session.resume(record.id)
        stored = [each.event for each in await session.store.events(record.id)]
    assert stopped.status is Status.CANCELLED
    assert [candidate.scores for candidate in stopped.candidates] == [(), ()]
    assert result.candidates == whole.candidates
    assert len([event for event in stored if event.type == "candidate_scored"]) == 6


# Options, cost, registry


def test_a_stored_run_says_all_that_decided_it() -> None:
    config = VERIFIERS.get("ensemble").configure({"members": [{"name": "judge"}, echo("one")]})
    stored = config.model_dump(mode="json")
    assert stored["members"][0]["options"]["mode"] == "labels"
    assert stored["members"][1]["options"] == {"role": "one", "wait": False}
    assert VERIFIERS.get("ensemble").configure(stored) == config


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"members": [{"name": "judge"}]}, ConfigError, "members"),
        ({"members": [{"name": "jugde"}, {"name": "judge"}]}, UnknownNameError, "judge"),
        ({"members": [{"name": "judge", "options": {"mood": 1}}, {"name": "judge"}]}, UnknownNameError, "mode"),
        ({"members": [{"name": "judge", "options": {"samples": 0}}, {"name": "judge"}]}, ConfigError, "samples=0"),
        ({"members": PAIR, "quorum": 3}, ConfigError, "quorum=3 of 2 members"),
        ({"members": PAIR, "quorum": 1, "combine": "lower-bound"}, ConfigError, "lower-bound takes 2 or more"),
        ({"members": PAIR, "quorum": 1, "combine": "consensus"}, ConfigError, "consensus takes 2 or more"),
        ({"members": PAIR, "combine": "sum"}, ConfigError, "combine='sum'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        VERIFIERS.get("ensemble").configure(options)


def test_it_needs_what_its_members_need() -> None:
    members = [echo("one"), echo("one"), {"name": "rollout", "options": {"role": "two"}}]
    configured = VERIFIERS.get("ensemble").under({"members": members})
    assert configured.needs == {"one": {Ability.CHAT}, "two": {Ability.CHAT, Ability.PREFIX}}
    assert configured.tools == ("calculator",)
    assert not configured.runs_code
    assert {"verifier.again", "policy.number"} <= set(configured.prompts(Problem.of("2 + 2?", answer_kind="number")))
    team = {"policy": fake_spec("plain", (Ability.CHAT,))}
    assert configured.cost(team, 3) == (1 + 1 + 8, 3 + 3 + 8 + 3 * 63 * 4)


async def test_a_member_that_cannot_work_with_the_team_is_found_before_anything_is_spent(opened) -> None:
    def check(config: Any, team: Any) -> None:
        raise MissingAbilityError("echo wants another team")

    model = says("0.5")
    picky = Verifier(**{**{name: getattr(ECHO, name) for name in ECHO.__dataclass_fields__}, "name": "picky", "check": check})
    with VERIFIERS.having("picky", picky):
        async with opened(one=model) as session:
            with pytest.raises(MissingAbilityError, match="wants another team"):
                await verified(session, members=[echo("one"), {"name": "picky", "options": {"role": "one"}}])
    assert model.calls == []


def test_the_default_is_one_model_asked_in_two_ways() -> None:
    configured = VERIFIERS.get("ensemble").under({})
    assert configured.needs == {"verifier": {Ability.CHAT}}
    assert [member.options["mode"] for member in configured.config.members] == ["labels", "verdict"]  # type: ignore[attr-defined]
