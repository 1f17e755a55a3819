"""What the tools of a session work with: the tools by name, the sandbox, the web, the documents. Opened when first needed.

All of it is shared by the runs of a session and closed with it. Nothing here decides what a run may use: that are the run's
own grants (:mod:`.granting`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigError, MissingKeyError, SandboxError, UnknownNameError, nearest
from ..core.retrieval import Hit
from ..core.sandbox import Sandbox
from ..core.tooling import Approval, WebReply, WebRequest
from ..memory.store import Store
from ..tools.mcp_client import McpServers, Offered
from ..tools.sandbox.opening import open_sandbox
from ..tools.tool import TOOLS, Tool
from ..tools.written import as_tool
from .embedders import Ask
from .library import Library
from .settings import Settings

if TYPE_CHECKING:
    from ..tools.web import Web


_UNSAFE = "unsafe"


class Workshop:
    """One per session. ``sandbox`` is used instead of the one that the settings name: for tests."""

    def __init__(
        self, settings: Settings, store: Callable[[], Store], sandbox: Sandbox | None = None, library: Library | None = None
    ) -> None:
        self._settings = settings
        self._store = store
        self._given = sandbox
        self._library = library or Library(settings, store)
        self._sandboxes: dict[str, Sandbox] = {}
        self._web: Web | None = None
        self._mcp = McpServers(settings.mcp)

    def approval(self, tool: str) -> Approval:
        """Whether the present settings let a tool be called: what they say of it, or else of its MCP server."""
        return self._settings.approve.get(tool) or self._mcp.approval(tool) or Approval.ALWAYS

    async def tool_names(self) -> list[str]:
        """Every tool that is installed or was written, sorted."""
        return sorted({*TOOLS.names(), *await self._store().written_tools().names()})

    async def has_tool(self, name: str) -> bool:
        """Whether there is a tool of this name, or an MCP server that may have it, which is not asked."""
        return name in TOOLS.names() or self._mcp.serves(name) or name in await self.tool_names()

    async def tool(self, name: str, *, digest: str | None = None) -> Tool[Any]:
        """The tool of this name under the present settings; with ``digest`` that written tool and no other.

        A tool that was written at run time is found last: it can take no other's place. Raises :class:`UnknownNameError`,
        :class:`ConfigError`.
        """
        if digest is not None:
            return as_tool(await self._store().written_tools().find(name, digest=digest))
        if self._mcp.serves(name):
            return await self._mcp.tool(name)
        if name in TOOLS.names():
            return TOOLS.get(name).configured(self._settings.tools.get(name, {}))
        if name in (known := await self.tool_names()):
            return as_tool(await self._store().written_tools().find(name))
        raise UnknownNameError("tool", name, known)

    async def offered(self, server: str) -> Offered:
        """What an MCP server offers. Raises :class:`UnknownNameError`, :class:`ConfigError`."""
        return await self._mcp.offered(server)

    async def sandbox(self, name: str | None) -> Sandbox:
        """The sandbox of this name, started where it is not. Raises :class:`SandboxError` where it cannot be had."""
        if self._given is not None:
            return self._given
        if name is None:
            raise SandboxError("this run has no sandbox: nothing that it was made for runs code")
        if name == _UNSAFE and self._settings.sandbox != _UNSAFE:
            raise SandboxError(
                "this run was made for the sandbox 'unsafe', and the settings here do not say so",
                hint="it may come from elsewhere: set sandbox = 'unsafe' only if its programs may do whatever you can",
            )
        if name not in self._sandboxes:
            self._sandboxes[name] = open_sandbox(name)
        return self._sandboxes[name]

    async def fetch(self, request: WebRequest) -> WebReply:
        """Ask a server. Raises :class:`ToolError`."""
        if self._web is None:
            from ..tools.web import Web  # noqa: PLC0415 - loads an HTTP library

            self._web = Web()
        return await self._web.fetch(request)

    async def search(self, query: str, *, corpus: str, limit: int, ask: Ask | None = None) -> tuple[Hit, ...]:
        """Search documents of the store. Raises as :meth:`Library.search`."""
        return await self._library.search(query, corpus=corpus, limit=limit, ask=ask)

    async def require_corpora(self, tool: Tool[Any]) -> None:
        """Raise :class:`ConfigError` where a corpus that the tool searches is not there, or its embedder cannot be had."""
        for name in tool.corpora:
            known = [corpus.name for corpus in await self._store().corpora().every()]
            if name in known:
                await self._library.of(name)
                continue
            near = nearest(name, known)
            raise ConfigError(
                f"the tool {tool.name} searches the corpus {name!r}, which is not there",
                hint=f"set tools.{tool.name}.corpus to {near!r}?" if near else f"`symposia corpus add {name} PATH` makes it",
            )

    @staticmethod
    def secret(variable: str) -> str:
        """An environment variable. Raises :class:`MissingKeyError` where it is not set."""
        value = os.environ.get(variable)
        if not value:
            raise MissingKeyError(f"a tool needs a key in the variable {variable}", hint=f"export {variable}=…")
        return value

    async def close(self) -> None:
        """End what was opened."""
        if self._web is not None:
            await self._web.close()
        await self._mcp.close()
        for sandbox in filter(None, [self._given, *self._sandboxes.values()]):
            await sandbox.close()
