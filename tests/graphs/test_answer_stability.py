"""``answer-stability`` keeps to its card: a chain in pieces, an answer forced at each, an end where it stays the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from symposia.agents.forced_answer import closing, read_forced
from symposia.core.calls import FinishReason
from symposia.core.errors import MissingAbilityError, RejectedError
from symposia.core.model_spec import Ability
from symposia.core.problem import AnswerKind, Problem
from symposia.core.result import Result, Status, StopReason
from symposia.graphs.stopping import last_agree
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import LoopbackServer

from ..agents.verifiers.completer import Completer
from .hosts import Opener

ABLE = (Ability.CHAT, Ability.SEED, Ability.PREFIX)
STEPS = ("FAKE one.\n\n", "Two.\n\n", "Three.\n\n", r"So it is \boxed{9}.")
WORDS = r"Final answer: \boxed{"


class Writer(Completer):
    """Writes ``steps``, and gives the answers ``forced``, by the number of pieces before."""

    def __init__(self, *forced: object, steps: tuple[str, ...] = STEPS, fail: tuple[int, ...] = (), **how: Any) -> None:
        self._steps, self._forced = steps, forced
        super().__init__(self._goes_on, fail=lambda call: RejectedError("FAKE") if call.index in fail else None, **how)

    @property
    def trace(self) -> list[str]:
        """The calls in order: w for a piece, p for a forced answer."""
        return ["p" if prefix.endswith(WORDS) else "w" for prefix in self.prefixes]

    def _goes_on(self, prefix: str, sample: int) -> str:
        written = "".join(self._steps)
        if not prefix.endswith(WORDS):
            return written.removeprefix(prefix)
        pieces = sum(prefix.startswith("".join(self._steps[:count])) for count in range(1, len(self._steps) + 1))
        said = self._forced[min(max(pieces, 1), len(self._forced)) - 1]
        return "no idea" if said is None else f"{said}}}.\nAnd so on."


async def solve(session: Session, budget: Any = None, kind: str = "number", **options: Any) -> Result:
    return await session.solve("?", strategy="answer-stability", team="fake", options=options, budget=budget, answer_kind=kind)


async def test_a_chain_is_left_where_two_answers_in_a_row_are_equal(opened: Opener) -> None:
    model = Writer(4, 5, "5.0", 6)
    async with opened(model, abilities=ABLE) as session:
        result = await solve(session)
        again = await session.replay(result.run_id)
    assert "".join(model.trace) == "wpwpwp"
    assert model.prefixes[::2] == ["", STEPS[0], STEPS[0] + STEPS[1]]
    assert model.prefixes[5] == f"{''.join(STEPS[:3])}{WORDS}"
    assert (result.answer, result.stop_reason, result.confidence) == ("5", StopReason.AGREED, None)
    (candidate,) = result.candidates
    assert candidate.id == "answer-stability/write.0.0#0"
    assert candidate.steps == (*STEPS[:3], f"{WORDS}5.0}}.")
    assert (result.total_usage.calls, set(result.usage)) == (6, {"policy"})
    assert result.total_usage.completion_tokens == (3 + 2 + 2) + 3 * 2, "forced answers are charged"
    assert again.candidates == result.candidates


async def test_pieces_are_sampled_and_answers_forced_coldly(opened: Opener) -> None:
    model = Writer(1, 2, 3)
    async with opened(model, abilities=ABLE) as session:
        await solve(session, temperature=0.6, max_tokens=100, probe_tokens=20, pieces=3)
    asked = [(call.request.temperature, call.request.max_tokens, call.request.stop) for call in model.calls]
    # A token is a word here, or the blank line: the pieces have 3 and 2. The last one goes on to the end.
    assert asked == [
        (0.6, 100, ("\n\n",)),
        (0.0, 20, ("\n",)),
        (0.6, 97, ("\n\n",)),
        (0.0, 20, ("\n",)),
        (0.6, 95, ()),
    ]


async def test_a_chain_that_ends_by_itself_answers_by_itself(opened: Opener) -> None:
    model = Writer(5, 6, 5)
    async with opened(model, abilities=ABLE) as session:
        result = await solve(session)
    assert "".join(model.trace) == "wpwpwpw"
    assert (result.answer, result.stop_reason) == ("9", StopReason.FINISHED)
    assert result.candidates[0].text == "".join(STEPS)
    assert result.candidates[0].completion_tokens == 3 + 2 + 2 + 4


async def test_answers_that_cannot_be_read_agree_with_nothing(opened: Opener) -> None:
    model = Writer(None, None, 5)
    async with opened(model, abilities=ABLE) as session:
        assert (await solve(session)).answer == "9"
    assert "".join(model.trace) == "wpwpwpw"


@pytest.mark.parametrize(
    ("options", "steps", "trace"),
    [
        ({"max_tokens": 5}, STEPS, "wpwp"),
        ({"pieces": 2, "max_tokens": 4}, STEPS, "wpwp"),
        ({}, (*STEPS[:2], STEPS[1], *STEPS[2:]), "wpwpwp"),
        ({}, (*STEPS[:2], "\n\n", *STEPS[2:]), "wpwpwp"),
    ],
    ids=["tokens spent at a step", "cut in the last piece", "a step again", "an empty step"],
)
async def test_a_cut_chain_has_the_answer_that_was_last_forced(
    opened: Opener, options: dict[str, Any], steps: tuple[str, ...], trace: str
) -> None:
    model = Writer(1, 2, 3, steps=steps)
    async with opened(model, abilities=ABLE) as session:
        result = await solve(session, **options)
    assert "".join(model.trace) == trace
    assert result.answer == str(len(trace) // 2)
    assert (result.stop_reason, result.candidates[0].finish_reason) == (StopReason.FINISHED, FinishReason.STOP)


async def test_without_any_forced_answer_a_cut_chain_has_none(opened: Opener) -> None:
    async with opened(Writer(None), abilities=ABLE) as session:
        result = await solve(session, max_tokens=5)
    assert (result.status, result.candidates[0].finish_reason) == (Status.NO_ANSWER, FinishReason.LENGTH)
    assert result.candidates[0].text == "".join(STEPS[:2])


@pytest.mark.parametrize(
    ("fail", "trace", "answer"),
    [((0,), "wp", "1"), ((1,), "wpwpwp", "3"), ((2,), "wpw", "1"), ((1, 2), "wpw", None), ((0, 1), "wp", None)],
)
async def test_calls_that_fail(opened: Opener, fail: tuple[int, ...], trace: str, answer: str | None) -> None:
    """A lost piece cuts the chain, a lost forced answer says nothing; without a piece there is an answer forced at once."""
    model = Writer(1, 3, 3, fail=fail)
    async with opened(model, abilities=ABLE) as session:
        result = await solve(session)
    assert ("".join(model.trace), result.answer) == (trace, answer)
    assert result.status is (Status.FAILED if fail == (0, 1) else Status.ANSWERED if answer else Status.NO_ANSWER)


@pytest.mark.parametrize(("calls", "answer"), [(1, None), (2, "1"), (3, "1"), (4, "2")])
async def test_a_budget_ends_it_with_the_last_answer(opened: Opener, calls: int, answer: str | None) -> None:
    model = Writer(1, 2, 3)
    async with opened(model, abilities=ABLE) as session:
        result = await solve(session, budget=calls)
    assert (result.answer, result.stop_reason, len(model.calls)) == (answer, StopReason.BUDGET, calls)


async def test_a_stopped_run_goes_on_and_leaves_no_unfinished_candidate(opened: Opener) -> None:
    delays = iter([0.0, 0.0, 30.0, *[0.0] * 9])
    model = Writer(4, 5, 5, latency=lambda _: next(delays))
    async with opened(model, abilities=ABLE) as session:
        record = await session.create(Problem.of("?"), team="fake", strategy="answer-stability")
        execution = await session.execution(record.id)
        running = asyncio.create_task(execution.execute())
        while len(model.calls) < 3:
            await asyncio.sleep(0.001)
        execution.control.halt(StopReason.STEERED)
        stopped = await running
        resumed = await session.resume(record.id)
        stored = await session.store.candidates(record.id)
    assert (stopped.stop_reason, stopped.candidates) == (StopReason.STEERED, ())
    assert (resumed.answer, resumed.stop_reason, stored) == ("5", StopReason.AGREED, list(resumed.candidates))


async def test_a_model_that_cannot_go_on_is_refused(opened: Opener) -> None:
    async with opened(Writer(1)) as session:
        with pytest.raises(MissingAbilityError, match="answer-stability needs prefix of its policy; fake has not") as caught:
            await solve(session)
    assert "vLLM and llama.cpp" in str(caught.value.hint)


async def test_thinking_is_closed_before_an_answer_is_forced(opened: Opener) -> None:
    model = Writer(5, 5, steps=("<think>\nOne.\n\n", "Two.\n\n", "</think>\n\nIt is 9."))
    async with opened(model, abilities=ABLE) as session:
        result = await solve(session)
    assert model.prefixes[3] == f"<think>\nOne.\n\nTwo.\n\n</think>\n\n{WORDS}"
    (candidate,) = result.candidates
    assert (candidate.thinking, candidate.text, candidate.steps) == ("One.\n\nTwo.", f"{WORDS}5}}.", ())


@pytest.mark.parametrize("engine", ["vllm", "llama.cpp"])
async def test_token_by_token_at_a_server(tmp_path: Path, engine: str) -> None:
    """The chain travels as the tokens that the model wrote; a forced answer leaves no trace in it."""
    whole = "One.\n\nTwo.\n\nThe answer is \\boxed{7}."
    settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
    async with LoopbackServer([whole]) as server:
        models = {"fake": server.spec(engine=engine, abilities=frozenset(ABLE))}
        async with Session(settings=settings, store=":memory:", models=models) as session:
            result = await session.solve("?", strategy="answer-stability", team="fake", answer_kind="number")
            sent = [entry.request for entry in await session.store.journal(result.run_id) if entry.role]
    assert (result.answer, result.candidates[0].text) == ("7", whole)
    pieces = [request["prefix"] for request in sent if request["stop"] == ["\n\n"]]
    assert [bytes(piece["tokens"]).decode() for piece in pieces] == ["", "One.\n\n", "One.\n\nTwo.\n\n"]


def test_forced_answers_are_read_or_not() -> None:
    number = Problem.of("?", answer_kind="number")
    assert read_forced(WORDS, "42}$ and so on\n", number).value == "42"  # type: ignore[union-attr]
    assert read_forced(WORDS, "the number 42", number) is None, "the box never closes"
    data = Problem.of("?", answer_kind=AnswerKind.JSON)
    assert read_forced("Final answer:\n```json", '\n{"a": [1]}\n```', data).value == '{"a":[1]}'  # type: ignore[union-attr]
    assert closing("One", "W") == closing("One\n\n", "W").rjust(3, "\n") == "\n\nW"


def test_the_last_answers_agree_wherever_they_begin() -> None:
    assert last_agree([0, 1, 1], 2)
    assert not last_agree([1, 1, 0], 2)
    assert not last_agree([1], 2)
    assert not last_agree([0, -1, -1], 2)
