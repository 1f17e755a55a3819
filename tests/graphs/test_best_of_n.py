"""``best-of-n`` keeps to its card: n samples, a verdict on each, the best wins; and what becomes of it when things go wrong."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import ConfigError, MissingAbilityError, ModelError, RejectedError, UnknownNameError
from symposia.core.model_spec import Ability
from symposia.core.problem import Problem
from symposia.core.result import Status, StopReason
from symposia.graphs.registry import STRATEGIES
from symposia.models.gateway import ModelGateway
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import Answer, ScriptedCall, ScriptedModel, fake_spec

BEST_OF_N = STRATEGIES.get("best-of-n")
PLAIN = (Ability.CHAT, Ability.SEED)
LABELS = (*PLAIN, Ability.LOGPROBS)
TEAM = {"policy": "writer", "verifier": "examiner"}
Opener = Callable[..., AbstractAsyncContextManager[Session]]
TEXTS = [r"First. \boxed{1}", r"Second. \boxed{2}", r"Third. \boxed{1}"]
"""The majority is for 1."""


def examined(texts: list[str], verdicts: Mapping[str, Any], **options: Any) -> ScriptedModel:
    """A model that writes ``texts`` in turn and judges a solution by the first word of ``verdicts`` in it.

    A verdict is a text, or the probabilities of what the reply might have begun with.
    """

    def reply(prompt: str, sample: int) -> Answer:
        if "strict examiner" not in prompt:
            return texts[sample % len(texts)]
        solution = prompt.rpartition("<solution>\n")[2].partition("\n</solution>")[0]
        said = next(said for word, said in verdicts.items() if word in solution)
        if isinstance(said, str):
            return said
        return {"content": "FAKE", "labels": {label: math.log(value) for label, value in said.items()}}

    return ScriptedModel(reply, **options)


def asked(model: ScriptedModel) -> list[str]:
    """The model asked, call by call."""
    return [call.spec.name for call in model.calls]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    @asynccontextmanager
    async def opener(model: ScriptedModel, writer: tuple = PLAIN, examiner: tuple = LABELS) -> AsyncIterator[Session]:
        settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
        gateway = ModelGateway(transports={"direct": model})
        models = {"writer": fake_spec("writer", writer), "examiner": fake_spec("examiner", examiner)}
        async with Session(settings=settings, store=":memory:", gateway=gateway, models=models) as session:
            yield session

    return opener


async def solve(session: Session, listener: Callable[..., None] | None = None, **changes: Any) -> Any:
    options = {"n": 3, **changes.pop("options", {})}
    changes = {"team": TEAM, **changes}
    return await session.solve("What is it?", strategy="best-of-n", options=options, listener=listener, **changes)


def yes(value: float) -> dict[str, float]:
    return {"Yes": value, "No": 1 - value}


FIRM = {"First": yes(0.2), "Second": yes(0.9), "Third": yes(0.3)}


async def test_the_samples_then_a_verdict_on_each_and_the_best_wins(opened) -> None:
    model = examined(TEXTS, FIRM)
    async with opened(model) as session:
        result = await solve(session)
        replayed = await session.replay(result.run_id)
        stored = await session.store.candidates(result.run_id)
    assert asked(model) == ["writer"] * 3 + ["examiner"] * 3
    assert [call.request.labels != () for call in model.calls] == [False] * 3 + [True] * 3
    assert [call.request.max_tokens for call in model.calls[3:]] == [1, 1, 1]
    assert result.answer == "2"
    assert (result.decided_by, result.confidence) == ("best-of", pytest.approx(0.9))
    assert {name: pick.answer for name, pick in result.selections.items()} == {"majority": "1", "weighted": "2", "best-of": "2"}
    assert [candidate.scores[0].value for candidate in result.candidates] == pytest.approx([0.2, 0.9, 0.3])
    assert (result.usage["policy"].calls, result.usage["verifier"].calls) == (3, 3)
    assert sum(candidate.scores[0].usage.prompt_tokens for candidate in stored) == result.usage["verifier"].prompt_tokens
    assert result.models["verifier"] == "examiner"
    assert replayed.model_copy(update={"seconds": result.seconds}) == result
    assert stored == list(result.candidates), "stored candidates carry their scores"


async def test_weighted_takes_the_answer_with_most_score(opened) -> None:
    model = examined(TEXTS, {"First": yes(0.4), "Second": yes(0.6), "Third": yes(0.5)})
    async with opened(model) as session:
        result = await solve(session, options={"select": "weighted"})
    assert (result.answer, result.decided_by) == ("1", "weighted")
    assert result.candidate.id.startswith("best-of-n/propose.0.2"), "its best candidate stands for the answer"
    assert result.confidence == pytest.approx(0.9 / 1.5)


async def test_one_request_for_the_samples_where_the_model_is_able(opened) -> None:
    model = examined(TEXTS, FIRM)
    async with opened(model, writer=(*PLAIN, Ability.N)) as session:
        result = await solve(session)
    assert asked(model) == ["writer"] + ["examiner"] * 3
    assert result.answer == "2"


async def test_ties_go_to_the_first_by_index(opened) -> None:
    model = examined(TEXTS, {"": yes(0.5)})
    async with opened(model) as session:
        result = await solve(session)
    assert result.candidate.id == result.candidates[0].id


async def test_the_verifier_inherits_the_policys_model(opened) -> None:
    model = examined(TEXTS, FIRM)
    async with opened(model, writer=LABELS) as session:
        result = await solve(session, team="writer")
    assert asked(model) == ["writer"] * 6
    assert result.models == {"policy": "writer", "verifier": "writer"}
    assert (result.usage["policy"].calls, result.usage["verifier"].calls) == (3, 3)


async def test_equal_texts_are_judged_once_and_texts_without_an_answer_never(opened) -> None:
    model = examined([TEXTS[0], "I do not know.", TEXTS[0], TEXTS[1]], FIRM)
    async with opened(model) as session:
        result = await solve(session, options={"n": 4})
    assert asked(model) == ["writer"] * 4 + ["examiner"] * 2
    first, none, again, _ = result.candidates
    assert none.scores == ()
    assert first.scores[0].value == again.scores[0].value == pytest.approx(0.2)
    assert (first.scores[0].usage.calls, again.scores[0].usage.calls) == (1, 0), "the cost is counted once"


@pytest.mark.parametrize("kind", ["text", "code"])
async def test_answers_that_cannot_be_voted_on_are_chosen_by_score(opened, kind: str) -> None:
    model = examined(["First", "Second", "Third"], FIRM)
    async with opened(model) as session:
        result = await solve(session, answer_kind=kind)
    assert (result.answer, result.votes) == ("Second", ())
    assert set(result.selections) == {"weighted", "best-of"}


def refuse_verdicts(call: ScriptedCall) -> ModelError | None:
    return RejectedError("no verdicts today") if "strict examiner" in call.prompt else None


async def test_without_any_score_the_majority_decides_and_says_so(opened) -> None:
    heard: list[Any] = []
    async with opened(examined(TEXTS, FIRM, fail=refuse_verdicts)) as session:
        result = await solve(session, heard.append)
        replayed = await session.replay(result.run_id)
    assert (result.answer, result.decided_by) == ("1", "majority")
    assert result.failures == {"rejected": 3}
    assert [candidate.scores[0].value for candidate in result.candidates] == [None] * 3
    assert "no verdicts today" in result.candidates[0].scores[0].rationale
    assert [event.code for event in heard if event.type == "warned"] == ["judge_in_full", "no_scores"]
    assert replayed.selections == result.selections


async def test_without_any_score_a_text_is_no_answer(opened) -> None:
    heard: list[Any] = []
    async with opened(examined(TEXTS, FIRM, fail=refuse_verdicts)) as session:
        result = await solve(session, heard.append, answer_kind="text")
    assert (result.status, result.answer) == (Status.NO_ANSWER, None)
    assert "cannot be voted on" in next(event.message for event in heard if event.type == "warned")


async def test_a_failed_verdict_leaves_the_others(opened) -> None:
    def fail(call: ScriptedCall) -> ModelError | None:
        return RejectedError("not this one") if "Second" in call.prompt else None

    async with opened(examined(TEXTS, FIRM, fail=fail)) as session:
        result = await solve(session)
    assert (result.answer, result.decided_by) == ("1", "best-of")
    assert [candidate.scores[0].value for candidate in result.candidates] == [pytest.approx(0.2), None, pytest.approx(0.3)]
    assert result.candidate.id == result.candidates[2].id


async def test_a_budget_that_ends_while_judging_leaves_candidates_that_vote_but_cannot_win_by_score(opened) -> None:
    model = examined(TEXTS, FIRM)
    async with opened(model) as session:
        result = await solve(session, budget="calls=4")
        replayed = await session.replay(result.run_id)
    assert asked(model) == ["writer"] * 3 + ["examiner"]
    assert (result.status, result.stop_reason) == (Status.ANSWERED, StopReason.BUDGET)
    assert [len(candidate.scores) for candidate in result.candidates] == [1, 0, 0]
    assert result.selections["majority"].answer == "1"
    assert (result.candidate.id, result.confidence) == (result.candidates[0].id, pytest.approx(0.2))
    assert replayed.candidates == result.candidates


async def test_no_answer_at_all_is_no_fallback(opened) -> None:
    heard: list[Any] = []
    model = examined(["no idea"], FIRM)
    async with opened(model) as session:
        result = await solve(session, heard.append)
    assert result.status is Status.NO_ANSWER
    assert asked(model) == ["writer"] * 3
    assert not [event for event in heard if event.type == "warned"]


CARDS: list[tuple[dict[str, Any], tuple, tuple, int]] = [
    ({}, PLAIN, LABELS, 6),
    ({}, (*PLAIN, Ability.N), LABELS, 4),
    ({"batched": False}, (*PLAIN, Ability.N), LABELS, 6),
    ({"verifier_options": {"mode": "verdict"}}, PLAIN, LABELS, 6),
    ({"verifier_options": {"mode": "verdict", "samples": 2, "temperature": 0.7}}, PLAIN, PLAIN, 9),
    ({"verifier_options": {"mode": "verdict", "samples": 2, "temperature": 0.7}}, PLAIN, (*PLAIN, Ability.N), 6),
]


@pytest.mark.parametrize(("options", "writer", "examiner", "calls"), CARDS)
async def test_calls_are_within_the_cards_bounds(opened, options: dict, writer: tuple, examiner: tuple, calls: int) -> None:
    model = examined(TEXTS, FIRM if "verifier_options" not in options else {"": "Fine.\nScore: 50"})
    async with opened(model, writer=writer, examiner=examiner) as session:
        await solve(session, options=options)
    assert len(model.calls) == calls
    bounds = BEST_OF_N.cost(
        BEST_OF_N.configure({"n": 3, **options}),
        {"policy": fake_spec("w", writer), "verifier": fake_spec("e", examiner)},
        Problem.of("?"),
    )
    assert bounds.least <= calls <= bounds.most


async def test_the_most_calls_are_made_where_no_verdict_can_be_read(opened) -> None:
    model = examined(TEXTS, {"": "perhaps"})
    async with opened(model) as session:
        await solve(session, options={"verifier_options": {"mode": "verdict"}})
    bounds = BEST_OF_N.cost(
        BEST_OF_N.configure({"n": 3, "verifier_options": {"mode": "verdict"}}), {"policy": fake_spec()}, Problem.of("?")
    )
    assert len(model.calls) == 9
    assert bounds.most == 1 + 6, "with the ability n the samples are one call"


def test_the_stored_options_say_all_of_the_verifier() -> None:
    config = BEST_OF_N.configure({"verifier_options": {"mode": "verdict"}})
    rest = {"samples": 1, "temperature": 0.0, "max_tokens": 512, "least_mass": 0.1}
    rest |= {"unit": "outcome", "aggregate": "min", "view": "auto", "rubric": ""}
    assert config.verifier_options == {"role": "verifier", "mode": "verdict", **rest}
    assert BEST_OF_N.config().verifier_options["mode"] == "labels"


def test_wrong_options_are_named_with_whose_they_are() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown verifier 'juge' \(did you mean 'judge'"):
        BEST_OF_N.configure({"verifier": "juge"})
    with pytest.raises(UnknownNameError, match=r"unknown option 'modes' in verifier judge \(did you mean 'mode'"):
        BEST_OF_N.configure({"verifier_options": {"modes": 1}})
    with pytest.raises(ConfigError, match="option mode='fast' of verifier judge"):
        BEST_OF_N.configure({"verifier_options": {"mode": "fast"}})
    with pytest.raises(ConfigError, match="options of verifier judge cannot be used: several samples need mode=verdict"):
        BEST_OF_N.configure({"verifier_options": {"samples": 3}})
    with pytest.raises(ConfigError, match="option verifier_options=3 of strategy best-of-n"):
        BEST_OF_N.configure({"verifier_options": 3})


def test_a_verifier_that_cannot_chat_is_refused_before_anything_is_spent() -> None:
    team = {"policy": fake_spec(), "verifier": fake_spec("mute", (Ability.EMBED,))}
    with pytest.raises(MissingAbilityError, match="best-of-n needs chat of its verifier; mute has not"):
        BEST_OF_N.check(Problem.of("?"), BEST_OF_N.configure({}), team, STRATEGIES.all())


async def test_a_run_stores_every_prompt_it_may_come_to_need(opened) -> None:
    async with opened(examined(TEXTS, FIRM)) as session:
        result = await solve(session)
        spec = (await session.store.run(result.run_id)).spec
    assert set(spec.prompts) == {"policy.expression", "verifier.labels", "verifier.verdict", "verifier.again"}
