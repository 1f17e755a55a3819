"""The toolbox of a run: its tool calls and programs as deeds, with what tools are given to work with.

What a model asks for is data. A name is looked up among the run's grants and nowhere else; arguments are read by the tool; a
person who is asked is shown the call and answers through a control row, which no model and no tool can write.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core.calls import CallResult, ChatRequest, EmbedReply, EmbedRequest, ModelCall
from ..core.errors import ReplayDiverged, SymposiaError
from ..core.events import ApprovalAsked, ApprovalGiven, Event, ToolCalled, ToolReturned
from ..core.model_spec import ModelSpec
from ..core.problem import Message
from ..core.records import Verdict
from ..core.result import StopReason
from ..core.retrieval import Hit
from ..core.sandbox import Execution, Limits
from ..core.tooling import Approval, Grant, ToolRequest, ToolResult, WebReply, WebRequest
from ..core.usage import Usage
from ..tools.tool import Tool, ToolError
from .deeds import ROLE
from .flight import Place
from .granting import stricter
from .journal import hash_json
from .services import Services

if TYPE_CHECKING:
    from .scope import RunScope

SANDBOX = "sandbox"
"""What a program's events name as the tool."""


class ToolDeed:
    """A call of a tool; implements :class:`.deeds.Deed`."""

    def __init__(self, services: Services, scope: RunScope, asked: ToolRequest) -> None:
        self._services = services
        self._scope = scope
        self._asked = asked
        self._arguments = _parsed(asked.arguments)
        self._grant = services.tools.get(asked.name)

    @property
    def request(self) -> dict[str, Any]:
        """Tool, version and arguments."""
        version = None if self._grant is None else _version(self._grant)
        return {"tool": self._asked.name, "version": version, "arguments": self._arguments}

    @property
    def price(self) -> Usage:
        """Of one call."""
        return Usage() if self._grant is None else _usage(self._grant.dollars)

    def begun(self, place: Place) -> Event:
        """With why the model wants it."""
        return ToolCalled(**_at(place), **self._said)

    def ended(self, place: Place, response: Any) -> Event:
        """With output or error."""
        charged = 0.0 if self._grant is None or response["refused"] else self._grant.dollars
        return ToolReturned(
            **_at(place),
            tool=self._asked.name,
            output=response["output"],
            error=response["error"],
            seconds=response["seconds"],
            dollars=charged,
        )

    async def refused(self, place: Place) -> Any:
        """An error for the model where the run has no such tool, or may not call it, or a person says no."""
        name, grant = self._asked.name, self._grant
        if grant is None:
            known = ", ".join(sorted(self._services.tools)) or "none"
            return _refusal(f"there is no tool {name[:80]!r}; the tools are: {known}")
        approval = stricter(grant.approval, self._services.workshop.approval(name))
        if approval is Approval.NEVER:
            return _refusal(f"the tool {name} may not be called")
        if approval is Approval.ASK:
            verdict = await self._verdict(place)
            if not verdict.approve:
                return _refusal("this call was not allowed" + (f": {verdict.note}" if verdict.note else ""))
        return None

    async def perform(self, place: Place) -> Any:
        """Call it. Whatever it raises is an error for the model, but for what ends the run."""
        digest = None if self._grant is None else self._grant.digest
        tool = await self._services.workshop.tool(self._asked.name, digest=digest)
        if self._grant is not None and (tool.spec, tool.digest) != (self._grant.spec, digest):
            raise ReplayDiverged(
                f"the tool {tool.name} is not the one that run {self._services.run_id} was made with",
                hint="install the version that it was made with, or start a new run",
            )
        began = time.monotonic()
        result = await _called(tool, self._arguments, Bench(self._services, self._scope, place))
        return {**result.model_dump(mode="json"), "seconds": round(time.monotonic() - began, 6), "refused": False}

    async def _verdict(self, place: Place) -> Verdict:
        """What a person says, journaled: nobody is asked twice."""
        services = self._services

        async def ask() -> Any:
            services.log.emit(ApprovalAsked(**_at(place), **self._said))
            return (await services.control.verdict(place.key)).model_dump(mode="json")

        told = await services.journal.effect(f"{place.key}.approval", self.request, ask, elapsed=services.clock.elapsed)
        verdict = Verdict.model_validate(told)
        services.log.emit(
            ApprovalGiven(**_at(place), tool=self._asked.name, approved=verdict.approve, author=verdict.author, note=verdict.note)
        )
        return verdict

    @property
    def _said(self) -> dict[str, Any]:
        return {"tool": self._asked.name, "arguments": self._arguments, "justification": self._asked.justification}


class ProgramDeed:
    """A program to run in the sandbox; implements :class:`.deeds.Deed`."""

    def __init__(self, services: Services, code: str, limits: Limits) -> None:
        self._services = services
        self._code = code
        self._limits = limits

    @property
    def request(self) -> dict[str, Any]:
        """Sandbox, code and limits."""
        return {"sandbox": self._services.sandbox, "code": self._code, "limits": self._limits.model_dump(mode="json")}

    @property
    def price(self) -> Usage:
        """Nothing."""
        return Usage()

    def begun(self, place: Place) -> Event:
        """With the code."""
        return ToolCalled(**_at(place), tool=SANDBOX, arguments={"code": self._code})

    def ended(self, place: Place, response: Any) -> Event:
        """With the execution."""
        error, seconds = response["error"], response["seconds"]
        return ToolReturned(**_at(place), tool=SANDBOX, output=response, error=error, seconds=seconds, dollars=0.0)

    async def refused(self, place: Place) -> Any:  # noqa: ARG002 - a sandbox holds whatever the code does
        """Never."""
        return None

    async def perform(self, place: Place) -> Any:  # noqa: ARG002 - programs know nothing of the run
        """Run it."""
        sandbox = await self._services.workshop.sandbox(self._services.sandbox)
        execution = await sandbox.run(self._code, limits=self._limits)
        return execution.model_dump(mode="json")


class Bench:
    """What a tool is given in a run; implements :class:`core.tooling.ToolContext`. One for each call of a tool."""

    def __init__(self, services: Services, scope: RunScope, place: Place) -> None:
        self._services = services
        self._scope = scope.child(place.key.removeprefix(f"{scope.path}/"))
        self._asked = 0

    async def execute(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        """Run code in the run's sandbox."""
        sandbox = await self._services.workshop.sandbox(self._services.sandbox)
        return await sandbox.run(code, inputs=inputs, limits=limits)

    async def fetch(self, request: WebRequest) -> WebReply:
        """Ask a server."""
        return await self._services.workshop.fetch(request)

    async def search(self, query: str, *, corpus: str, limit: int = 10) -> tuple[Hit, ...]:
        """Search documents of the store. A model that has to embed the query is a call of the run."""
        return await self._services.workshop.search(query, corpus=corpus, limit=limit, ask=self._embed)

    async def _embed(self, spec: ModelSpec, request: EmbedRequest) -> EmbedReply:
        visit, self._asked = self._asked, self._asked + 1
        return await self._scope.embed("embed", spec, request, visit=visit)

    async def complete(self, prompt: str, *, max_tokens: int = 1024) -> str:
        """Ask the model of the role ``tool``: a call of the run like any other, journaled and within its budget."""
        replies: list[CallResult] = []

        async def consume(result: CallResult) -> bool:
            replies.append(result)
            return False

        request = ChatRequest(messages=(Message(role="user", content=prompt),), max_tokens=max_tokens)
        visit, self._asked = self._asked, self._asked + 1
        calls = [ModelCall(role=ROLE, request=request)]
        wave = await self._scope.wave("complete", calls, consume=consume, visit=visit)
        if wave.stop_reason not in {StopReason.FINISHED, StopReason.BUDGET}:
            await asyncio.get_running_loop().create_future()  # halted: the tool's call is broken off with the run
        reply = replies[0].reply if replies else None
        if reply is None:
            failure = replies[0].failure if replies else None
            raise ToolError(failure.message if failure else "the run has no budget left to ask a model")
        return reply.choices[0].text

    def secret(self, variable: str) -> str:
        """An environment variable."""
        return self._services.workshop.secret(variable)


async def _called(tool: Tool[Any], arguments: Any, bench: Bench) -> ToolResult:
    given = arguments if isinstance(arguments, str | dict) else json.dumps(arguments)
    try:
        result = await tool.call(given, bench)
        json.dumps(result.output)
    except SymposiaError:
        raise
    except Exception as error:  # noqa: BLE001 - another package's code can raise anything, and must not end the run
        said = " ".join(str(error).split())
        return ToolResult(error=f"the tool {tool.name} failed: {type(error).__name__}{said and f': {said[:200]}'}")
    return result


def _parsed(arguments: str) -> Any:
    """As JSON where it is JSON, so that events and approvals show what is really asked for; else the text."""
    try:
        return json.loads(arguments or "{}", parse_constant=_no_number)
    except ValueError:
        return arguments


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _version(grant: Grant) -> str:
    return (grant.digest or hash_json(grant.spec.model_dump(mode="json")))[:16]


def _usage(dollars: float | None) -> Usage:
    return Usage(unpriced_calls=1) if dollars is None else Usage(dollars=dollars)


def _refusal(error: str) -> dict[str, Any]:
    return {"output": None, "error": error, "seconds": 0.0, "refused": True}


def _at(place: Place) -> dict[str, Any]:
    return {"scope": place.path, "node": place.node, "visit": place.visit, "index": place.index}
