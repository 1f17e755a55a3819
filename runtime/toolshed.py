"""The tools of a session outside of any run: listing them, calling one by hand, keeping and removing those that were written."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from ..core.errors import ConfigError, MissingKeyError, NameTakenError, ToolRefusedError
from ..core.retrieval import Hit
from ..core.sandbox import Ending, Execution, Limits
from ..core.tooling import ToolResult, WebReply, WebRequest
from ..core.written import WRITER, Provenance, ToolDraft, WrittenTool
from ..memory.store import Store
from ..tools.admission import LIMITS, require_passed, require_sound, trials
from ..tools.tool import TOOLS, Tool
from ..tools.written import as_tool, read_draft
from .failpoints import pass_point
from .settings import Settings
from .workshop import Workshop

Ask = Callable[[str, int], Awaitable[str]]
"""Asks a model: prompt and most tokens in, text out."""

WRITTEN = "written"
"""Where a written tool comes from, in lists."""


class Listed(NamedTuple):
    """A tool in a list."""

    tool: Tool[Any]
    origin: str
    """The package that brings it, ``mcp:SERVER``, or ``written``."""
    written: WrittenTool | None = None

    @property
    def missing_keys(self) -> str:
        """The variables that have to be set before it can work, in words; empty where there are none."""
        return (" or " if self.tool.any_key else " and ").join(self.tool.missing_keys(os.environ))


class Listing(NamedTuple):
    """The tools that there are."""

    tools: list[Listed]
    left_out: list[str]
    """Why others are not among them, a sentence each."""


class Toolshed:
    """See the module's docstring; made by :attr:`.session.Session.tools`."""

    def __init__(self, workshop: Workshop, settings: Settings, store: Store, ask: Ask) -> None:
        self._workshop = workshop
        self._settings = settings
        self._store = store
        self._ask = ask

    async def every(self, *, ask_servers: bool = False) -> Listing:
        """The tools by name under the present settings; those of MCP servers only with ``ask_servers``, for that starts them."""
        broken = TOOLS.broken()
        left_out = [str(error) for error in broken.values()]
        found = {name: await self.find(name) for name in TOOLS.names() if name not in broken}
        for written in await self._store.written_tools().every():  # of several versions the last one stays
            if written.draft.name in TOOLS.names():
                left_out.append(f"{written.title}, which was written, has the name of a tool that is installed")
            else:
                found[written.draft.name] = Listed(as_tool(written), WRITTEN, written)
        for server in sorted(self._settings.mcp) if ask_servers else ():
            try:
                offered = await self._workshop.offered(server)
            except ConfigError as error:
                left_out.append(str(error))
                continue
            found |= {tool.name: Listed(tool, f"mcp:{server}") for tool in offered.tools}
            left_out += [f"tool {name!r} of the MCP server {server}: {why}" for name, why in offered.refused.items()]
        return Listing([found[name] for name in sorted(found)], left_out)

    async def find(self, name: str) -> Listed:
        """A tool as a run would get it, or with ``NAME@VERSION`` that version. Raises :class:`UnknownNameError`."""
        name, version = parse_title(name)
        if version is not None:
            written = await self._store.written_tools().find(name, version=version)
            return Listed(as_tool(written), WRITTEN, written)
        tool = await self._workshop.tool(name)
        if tool.digest is not None:
            return Listed(tool, WRITTEN, await self._store.written_tools().find(name, digest=tool.digest))
        server, mark, _ = name.partition("__")
        return Listed(tool, TOOLS.package(name) or (f"mcp:{server}" if mark else "this process"))

    async def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call a tool by hand, with everything that it declares: whoever calls it needs no approval.

        What it asks of a model is a run of its own, within the configured budget. Raises :class:`UnknownNameError`,
        :class:`MissingKeyError`, :class:`SandboxError`, and what asking a model raises.
        """
        found = await self.find(name)
        if found.missing_keys:
            first = found.tool.missing_keys(os.environ)[0]
            raise MissingKeyError(f"the tool {name} needs a key in {found.missing_keys}", hint=f"export {first}=…")
        return await found.tool.call(arguments, Bench(self._workshop, self._settings.sandbox, self._ask))

    async def add(
        self, draft: ToolDraft, *, admitted_by: str, run_id: str | None = None, model: str | None = None
    ) -> WrittenTool:
        """Admit a written tool and store it as the next version of its name; a draft that is the latest version stays that.

        It is stored whole once every test of it has passed here, and not at all before. Raises :class:`ToolRefusedError`
        with the reason, :class:`NameTakenError` for the name of a tool that is installed, :class:`SandboxError`.
        """
        require_sound(draft)
        if draft.name in TOOLS.names():
            raise NameTakenError(f"there is a tool {draft.name!r} already, which was not written", hint="give another name")
        sandbox = await self._workshop.sandbox(self._settings.sandbox)
        executions: list[Execution] = []
        for program in trials(draft):
            executions.append(await sandbox.run(program, limits=LIMITS))
            if executions[-1].ending not in {Ending.OK, Ending.ERROR}:
                break  # it passes no test, and further ones may take as long
        require_passed(draft, executions)
        pass_point("tool-tried")
        provenance = Provenance(admitted_by=admitted_by, sandbox=sandbox.name, run_id=run_id, model=model)
        return await self._store.written_tools().add(draft, provenance)

    async def add_from_run(self, run_id: str, *, admitted_by: str) -> WrittenTool:
        """Store the tool that a run of ``write-tool`` wrote, as :meth:`add` does: its tests are run once more.

        Raises :class:`RunNotFoundError`, :class:`ToolRefusedError` for a run that wrote none, and as :meth:`add` does.
        """
        record = await self._store.run(run_id)
        result = record.result
        if record.spec.strategy != WRITER or result is None or result.answer is None or result.candidate is None:
            raise ToolRefusedError(f"run {record.id} wrote no tool", hint="`symposia tools write` makes one that does")
        draft = read_draft(result.answer)
        return await self.add(draft, admitted_by=admitted_by, run_id=record.id, model=result.candidate.model)

    async def remove(self, name: str) -> list[str]:
        """Remove a written tool, or with ``NAME@VERSION`` a version; what was removed. Raises :class:`UnknownNameError`."""
        name, version = parse_title(name)
        return [f"{name}@{number}" for number in await self._store.written_tools().remove(name, version)]


class Bench:
    """What a tool is given that is called by hand; implements :class:`core.tooling.ToolContext`."""

    def __init__(self, workshop: Workshop, sandbox: str, ask: Ask) -> None:
        self._workshop = workshop
        self._sandbox = sandbox
        self._ask = ask

    async def execute(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        """Run code in the configured sandbox."""
        sandbox = await self._workshop.sandbox(self._sandbox)
        return await sandbox.run(code, inputs=inputs, limits=limits)

    async def fetch(self, request: WebRequest) -> WebReply:
        """Ask a server."""
        return await self._workshop.fetch(request)

    async def search(self, query: str, *, corpus: str, limit: int = 10) -> tuple[Hit, ...]:
        """Search documents of the store."""
        return await self._workshop.search(query, corpus=corpus, limit=limit)

    async def complete(self, prompt: str, *, max_tokens: int = 1024) -> str:
        """Ask a model."""
        return await self._ask(prompt, max_tokens)

    def secret(self, variable: str) -> str:
        """An environment variable."""
        return self._workshop.secret(variable)


def parse_title(text: str) -> tuple[str, int | None]:
    """Name and version of ``NAME`` or ``NAME@VERSION``. Raises :class:`ConfigError` for a version that is no number."""
    name, mark, version = text.partition("@")
    if mark and not (version.isascii() and version.isdigit() and len(version) < 9):
        raise ConfigError(f"{version!r} in {text!r} is no version", hint="write NAME@NUMBER, or NAME alone")
    return name, int(version) if mark else None
