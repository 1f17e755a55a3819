"""``code-tests``: what part of its tests a program passes, whatever the program does to look good.

A program that shares a process with its tests can always win: it finds the expected values in memory, prints what the harness
prints, ends the process with a success, or answers with an object that equals everything. So the two never meet. A test runs
in an execution of its own, where the program's functions are stand-ins. A stand-in that is called gives up the test and names
its arguments; the program is run with them in another execution, which sees these arguments and nothing else; its answer, as
text, is read as a plain value and nothing more; and the test is run again with the answer at hand, until it ends without a
question.

So all that a program can do is answer, and to answer falsely is to fail. What it costs: functions must take and give plain
values (numbers, texts, lists, tuples, dictionaries, sets), each call begins with a fresh program, and arguments that a
function changes in place are not seen to change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from ..core.base import Frozen
from ..core.sandbox import Execution, Limits
from ..core.tooling import Permission, ToolContext
from .stand_ins import Answer, Call, Ended, Raised, Returned, Test, answer_of
from .text import shortened
from .tool import Tool, ToolError

MAX_CALLS = 200
"""Of the program, by one test."""
_MAX_TESTS = 200
_AT_ONCE = 8
_MAX_CODE = 100_000
_TIMEOUT = 300.0


class Trial(Frozen):
    """Arguments of ``code-tests``."""

    program: str = Field(max_length=_MAX_CODE, description="The Python program under test: the functions that the tests call.")
    tests: tuple[str, ...] = Field(
        min_length=1,
        max_length=_MAX_TESTS,
        description="Python code each, most often an `assert` on what a function gives; one that raises has failed.",
    )
    setup: str = Field(
        default="", max_length=_MAX_CODE, description="Imports and helper functions of the tests, run before each of them."
    )


class _Examination:
    """A program and its tests, while they are tried."""

    def __init__(self, trial: Trial, context: ToolContext, limits: Limits) -> None:
        self._trial = trial
        self._context = context
        self._limits = limits
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._answers: dict[Call, Answer] = {}

    async def report(self) -> dict[str, Any]:
        """Try every test and count."""
        tests = [Test.read(self._trial.setup, test, number) for number, test in enumerate(self._trial.tests, 1)]
        trials = [asyncio.create_task(self._failure(test)) for test in tests]
        try:
            failures = await asyncio.gather(*trials)
        finally:
            for task in trials:
                task.cancel()
            await asyncio.gather(*trials, return_exceptions=True)
        failed = [f"test {number}: {why}" for number, why in enumerate(failures, 1) if why is not None]
        passed = len(tests) - len(failed)
        return {"passed": passed, "tests": len(tests), "fraction": passed / len(tests), "failure": failed[0] if failed else None}

    async def _failure(self, test: Test) -> str | None:
        """Why the program fails a test; None where it passes."""
        known: dict[Call, Answer] = {}
        while len(known) <= MAX_CALLS:
            execution = await self._execute(test.source(known))
            call = test.question(execution)
            if call is None:
                problem = test.problem(execution)
                return problem and f"{problem}{_said(known)}"
            known[call] = answer = await self._answer(call)
            if isinstance(answer, Ended):
                return f"{shortened(call.source)} {answer.why}"
        raise ToolError(f"test {test.number} calls the program more than {MAX_CALLS} times")

    async def _answer(self, call: Call) -> Answer:
        """What the program answers, asked once however many tests want to know."""
        if call not in self._answers:
            # No name is needed to turn a value into text this way, so that none can be taken away by the program.
            self._answers[call] = answer_of(await self._execute(f"{self._trial.program}\n'%r' % ({call.source},)"))
        return self._answers[call]

    async def _execute(self, code: str) -> Execution:
        async with self._free:
            return await self._context.execute(code, limits=self._limits)


def _said(known: Mapping[Call, Answer]) -> str:
    """The last thing that the program answered, which is most often what is wrong."""
    if not known:
        return ""
    call, answer = list(known.items())[-1]
    match answer:
        case Returned(source):
            said = f"gave {shortened(source)}"
        case Raised(name):
            said = f"raised {name}"
        case Ended(why):
            said = why
    return f" ({shortened(call.source)} {said})"


def make(limits: Limits) -> Tool[Trial]:
    """The tool under these limits, which hold for each execution: of a test, or of one call of the program."""

    async def run(arguments: Trial, context: ToolContext) -> dict[str, Any]:
        return await _Examination(arguments, context, limits).report()

    return Tool(
        name="code-tests",
        description=(
            "Says what part of its tests a Python program passes, and why it fails the first that it fails.\n"
            "The functions under test take and give plain values: numbers, texts, lists, tuples, dictionaries, sets."
        ),
        arguments=Trial,
        work=run,
        permissions=frozenset({Permission.SANDBOX}),
        timeout=_TIMEOUT,
        settings=limits,
        rebuild=make,
    )


TOOL = make(Limits())
