"""Tools of MCP servers: any server's tools as tools of ours, over stdio or streamable HTTP, by the official SDK (extra ``mcp``).

A server is somebody else's program. Its names, descriptions and schemas are text that was not written here: they are bounded,
offered to models as what they are, and have no way to permissions, approvals or other tools. Every tool of a server is named
``SERVER__TOOL`` after the name that the user gave the server, declares :attr:`Permission.NETWORK`, and is asked for nothing but
``tools/list`` and ``tools/call``: a server that wants our model, our files or a person gets a refusal from the SDK.

What a call does happens where no sandbox of ours holds it, so that a person is asked about each, unless the user says otherwise
of the server or of the tool. What a server says of its tools, such as that they only read, does not count: a server that lies
says it too.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from pydantic import Field, model_validator

from ..core.base import Frozen
from ..core.errors import ConfigError, MissingKeyError, UnknownNameError, UsageError
from ..core.options import read_options
from ..core.tooling import Approval, Permission, ToolContext
from .text import cut, shortened
from .tool import Given, Tool, ToolError

if TYPE_CHECKING:
    from mcp.client.client import Client
    from mcp_types import CallToolResult
    from mcp_types import Tool as Listed

MAX_TOOLS = 200
MAX_DESCRIPTION = 1_000
MAX_SCHEMA = 20_000
"""Characters of JSON."""
MAX_OUTPUT = 100_000
"""Characters."""
_MAX_PAGES = 20
_INVALID_PARAMS = -32602
"""JSON-RPC's code of a call whose tool or arguments the server does not take."""
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class McpServer(Frozen):
    """``[mcp.NAME]``: a program to start, or the address of a server that runs."""

    command: str | None = Field(default=None, min_length=1)
    """A program that speaks MCP over its standard input and output."""
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    """Names of variables that the program is given, beside ``PATH``, ``HOME`` and the like. Their values stay where they are."""
    url: str | None = Field(default=None, pattern=r"^https?://")
    """A server that speaks streamable HTTP."""
    token: str | None = None
    """Name of the variable whose value is sent to ``url`` as a bearer token."""
    timeout: float = Field(default=60.0, gt=0, le=3600)
    """Seconds, for connecting and for each call."""
    dollars: float | None = Field(default=None, ge=0)
    """What a call costs; None where you do not know."""
    approve: Approval = Approval.ASK
    """Whether its tools may be called where ``[approve]`` does not name them."""

    @model_validator(mode="after")
    def _one_of_two(self) -> McpServer:
        if (self.command is None) == (self.url is None):
            raise ValueError("set either command or url")
        if self.url is None and self.token is not None:
            raise ValueError("token is sent to a url; a command is given variables by env")
        if self.command is None and (self.args or self.env):
            raise ValueError("args and env belong to a command")
        return self


class Offered(NamedTuple):
    """What a server offers."""

    tools: tuple[Tool[Given], ...]
    refused: dict[str, str]
    """Why other tools cannot be used, by the names that the server gave them."""


class McpConnection:
    """A server, connected to when first needed, and again after it was lost."""

    def __init__(self, name: str, server: McpServer) -> None:
        if not _NAME.fullmatch(name) or "__" in name or len(name) > 32:
            raise ConfigError(f"{name!r} cannot name an MCP server", hint="use up to 32 letters, digits, - and single _")
        self.name = name
        self._server = server
        self._open: _Open | None = None
        self._opening = asyncio.Lock()

    @classmethod
    def configured(cls, name: str, options: Mapping[str, Any]) -> McpConnection:
        """The server of ``[mcp.NAME]``. Raises :class:`UnknownNameError` or :class:`ConfigError`."""
        return cls(name, read_options(McpServer, options, f"MCP server {name}", what="setting"))

    @property
    def approval(self) -> Approval:
        """Whether its tools may be called where ``[approve]`` does not name them."""
        return self._server.approve

    async def offered(self) -> Offered:
        """What the server offers now. Raises :class:`ConfigError` where it cannot be reached."""
        client = await self._client()
        listed: list[Listed] = []
        cursor = None
        try:
            for _ in range(_MAX_PAGES):
                page = await client.list_tools(cursor=cursor)
                listed += page.tools
                cursor = page.next_cursor
                if cursor is None:
                    break
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises for whatever the server sent
            raise ConfigError(f"the MCP server {self.name} does not tell its tools: {_said(error)}") from None
        tools: dict[str, Tool[Given]] = {}
        refused = {}
        for found in listed:
            problem = _problem(self._full_name(found), found, tools)
            if problem is None:
                tools[self._full_name(found)] = self._tool(found)
            else:
                refused[shortened(found.name)] = problem
        return Offered(tuple(tools.values()), refused)

    async def close(self) -> None:
        """End the connection, and the program where one was started."""
        if self._open is not None:
            await self._open.close()
            self._open = None

    def _full_name(self, listed: Listed) -> str:
        return f"{self.name}__{listed.name}"

    def _tool(self, listed: Listed) -> Tool[Given]:
        async def work(given: Given, _context: ToolContext) -> Any:
            return _output(await self._call(listed.name, given.values), self.name)

        told = listed.description or listed.title or f"{listed.name} of {self.name}"
        return Tool(
            name=self._full_name(listed),
            description=cut(" ".join(told.split()), MAX_DESCRIPTION),
            arguments=Given,
            schema=listed.input_schema,
            work=work,
            permissions=frozenset({Permission.NETWORK}),
            timeout=self._server.timeout,
            dollars=self._server.dollars,
            approval=self._server.approve,
        )

    async def _call(self, tool: str, values: Mapping[str, Any]) -> CallToolResult:
        client = await self._client()
        try:
            return await client.call_tool(tool, dict(values))
        except Exception as error:  # noqa: BLE001 - as above
            if self._open is not None and self._open.client is client and getattr(error, "code", None) != _INVALID_PARAMS:
                self._open.lost = True  # closed, perhaps: that a server does not take a call is no reason to part
            raise ToolError(f"the MCP server {self.name} gave no result: {_said(error)}") from None

    async def _client(self) -> Client:
        async with self._opening:
            if self._open is None or self._open.lost:
                await self.close()
                self._open = await _Open.connect(self.name, self._server)
            return self._open.client


class McpServers:
    """The servers of a session, each connected to when one of its tools is first asked for."""

    def __init__(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        self._settings = settings
        self._connections: dict[str, McpConnection] = {}
        self._offers: dict[str, Offered] = {}

    def serves(self, tool: str) -> bool:
        """Whether a tool's name is that of a server that there is; asks nobody."""
        server, mark, _ = tool.partition("__")
        return bool(mark) and server in self._settings

    def approval(self, tool: str) -> Approval | None:
        """What the settings say of calls of a server's tools; None for the tool of no server. Raises :class:`ConfigError`."""
        return self._connection(tool.partition("__")[0]).approval if self.serves(tool) else None

    async def offered(self, server: str) -> Offered:
        """What a server offered when it was first asked: what models were told does not change under their hands.

        Raises :class:`UnknownNameError` for a server that there is not, :class:`ConfigError` for one that cannot be used.
        """
        if server not in self._offers:
            self._offers[server] = await self._connection(server).offered()
        return self._offers[server]

    async def tool(self, name: str) -> Tool[Any]:
        """The tool of that name, ``SERVER__TOOL``. Raises as :meth:`offered` does."""
        server, _, own = name.partition("__")
        offered = await self.offered(server)
        found = {tool.name: tool for tool in offered.tools}.get(name)
        if found is None:
            if own in offered.refused:
                raise ConfigError(f"the tool {own!r} of the MCP server {server} cannot be used: {offered.refused[own]}")
            raise UnknownNameError("tool", name, [tool.name for tool in offered.tools])
        return found

    async def close(self) -> None:
        """End every connection, and every program that was started."""
        await asyncio.gather(*(connection.close() for connection in self._connections.values()))

    def _connection(self, server: str) -> McpConnection:
        if server not in self._settings:
            raise UnknownNameError("MCP server", server, self._settings)
        if server not in self._connections:
            self._connections[server] = McpConnection.configured(server, self._settings[server])
        return self._connections[server]


class _Open:
    """A connection that is open, held by a task of its own: the SDK wants it closed by the task that opened it."""

    def __init__(self, client: Client, holder: asyncio.Task[None], closing: asyncio.Event) -> None:
        self.client = client
        self.lost = False
        """Whether the next call has to connect anew."""
        self._holder = holder
        self._closing = closing

    @classmethod
    async def connect(cls, name: str, server: McpServer) -> _Open:
        """Connect. Raises :class:`ConfigError`."""
        ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        closing = asyncio.Event()
        holder = asyncio.create_task(_hold(server, ready, closing), name=f"mcp-{name}")
        try:
            async with asyncio.timeout(server.timeout):
                return cls(await asyncio.shield(ready), holder, closing)
        except BaseException as error:
            holder.cancel()
            await asyncio.gather(holder, return_exceptions=True)
            if isinstance(error, UsageError) or not isinstance(error, Exception):
                raise
            how = f"run {server.command!r} by hand to see what it says" if server.command else "is the address right?"
            raise ConfigError(f"the MCP server {name} cannot be used: {_said(error)}", hint=how) from None

    async def close(self) -> None:
        """Close it and wait until it is."""
        self._closing.set()
        await asyncio.gather(self._holder, return_exceptions=True)


async def _hold(server: McpServer, ready: asyncio.Future[Client], closing: asyncio.Event) -> None:
    try:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(await _made(server, stack))
            ready.set_result(client)
            await closing.wait()
    except Exception as error:  # noqa: BLE001 - told to whoever waits; afterwards a lost connection is found by the next call
        if not ready.done():
            ready.set_exception(error)


async def _made(server: McpServer, stack: AsyncExitStack) -> Client:
    """The SDK's client, not yet connected."""
    try:
        from httpx2 import AsyncClient, Timeout  # noqa: PLC0415 - an extra, and slow to load
        from mcp.client.client import Client  # noqa: PLC0415
        from mcp.client.stdio import StdioServerParameters, stdio_client  # noqa: PLC0415
        from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ConfigError("MCP servers need a package that is not installed", hint='pip install "symposia[mcp]"') from None
    if server.command is not None:
        passed = {variable: _variable(variable) for variable in server.env}
        program = StdioServerParameters(command=server.command, args=list(server.args), env=passed)
        return Client(stdio_client(program, errlog=_silence(stack)), read_timeout_seconds=server.timeout, cache=None)
    headers = {"Authorization": f"Bearer {_variable(server.token)}"} if server.token else None
    http = await stack.enter_async_context(AsyncClient(headers=headers, timeout=Timeout(server.timeout)))
    return Client(streamable_http_client(server.url or "", http_client=http), read_timeout_seconds=server.timeout, cache=None)


def _silence(stack: AsyncExitStack) -> TextIO:
    """Where a program's own log goes: it may hold anything, and the terminal is ours."""
    return stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise MissingKeyError(f"an MCP server needs the variable {name}", hint=f"export {name}=…")
    return value


def _problem(name: str, listed: Listed, known: Mapping[str, Any]) -> str | None:
    """Why a tool of a server cannot be offered; None where it can."""
    if not _NAME.fullmatch(name):
        return "model APIs take no such name"
    if name in known:
        return "the server names two tools so"
    if len(known) >= MAX_TOOLS:
        return f"the server has more than {MAX_TOOLS} tools"
    if len(json.dumps(listed.input_schema)) > MAX_SCHEMA:
        return f"its schema is longer than {MAX_SCHEMA} characters"
    return None


def _output(result: CallToolResult, server: str) -> Any:
    """The text of a result, or its structured content where it has no text. Raises :class:`ToolError` for an error."""
    texts = [str(getattr(block, "text", f"[{block.type}]")) for block in result.content]
    text = "\n".join(texts)
    if result.is_error:
        raise ToolError(f"the MCP server {server} says: {shortened(text, MAX_DESCRIPTION)}")
    if not texts and result.structured_content is not None:
        shown = json.dumps(result.structured_content, ensure_ascii=False)
        return result.structured_content if len(shown) <= MAX_OUTPUT else cut(shown, MAX_OUTPUT)
    return cut(text, MAX_OUTPUT)


def _said(error: BaseException) -> str:
    """The innermost of grouped errors, in a few words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return shortened(str(error) or type(error).__name__)
