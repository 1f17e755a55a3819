"""Verifications in which the model writes programs: what they have in common, and running the programs of a round."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.calls import Choice
from ...core.candidate import Evidence
from ...core.problem import Message
from ...core.protocols import Scope
from ...core.result import StopReason
from ...core.sandbox import Execution, Limits


@dataclass
class Dialogue(ABC):
    """A :class:`.rounds.Verification`. While it waits for its program to be run it asks nothing."""

    group: int
    """Whose solution it is about."""
    place: int
    """Its number among all."""
    messages: tuple[Message, ...]
    """What was said so far."""
    program: str | None = field(default=None, init=False)
    """Waits to be run."""
    done: bool = field(default=False, init=False)
    """Nothing more is asked."""
    failure: str = field(default="", init=False)
    """Why it ended without what it was for."""
    checks: list[Evidence] = field(default_factory=list, init=False)
    """The programs that were run, and what came of them."""

    @property
    @abstractmethod
    def request(self) -> Mapping[str, Any]:
        """See :class:`.rounds.Verification`."""

    @abstractmethod
    def hear(self, choice: Choice) -> None:
        """See :class:`.rounds.Verification`."""

    @abstractmethod
    def show(self, program: str, execution: Execution) -> None:
        """Go on with what came of its program."""

    def fail(self, message: str) -> None:
        """End without what it was for."""
        self.failure, self.done = message, True

    def note(self, reply: str) -> None:
        """Add a turn of the model to what was said."""
        self.messages = (*self.messages, Message(role="assistant", content=reply.strip() or "(nothing)"))

    def ask(self, text: str) -> None:
        """Add a turn of the user, which the next reply answers."""
        self.messages = (*self.messages, Message(role="user", content=text))


async def run_programs(scope: Scope, dialogues: Sequence[Dialogue], limits: Limits, *, node: str, visit: int) -> StopReason:
    """A wave of the sandbox: every program that is waited for. Where the run is halted some go on waiting."""
    waiting = [(each, each.program) for each in dialogues if each.program is not None]
    if not waiting:
        return StopReason.FINISHED
    done = await scope.execute(node, [program for _, program in waiting], limits=limits, visit=visit)
    for (each, program), execution in zip(waiting, done.results, strict=True):
        if execution is not None:
            each.program = None
            each.show(program, execution)
    return done.stop_reason
