"""What a tool is given to work with: only what it declares, whatever there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.retrieval import Hit
from ..core.sandbox import Execution, Limits
from ..core.tooling import Permission, ToolContext, WebReply, WebRequest


class ToolError(Exception):
    """Raised by a tool's work where it cannot do what it was asked; one sentence for the model that asked."""


class Permitted:
    """Implements :class:`core.tooling.ToolContext`: ``context`` within what tool ``name`` declares.

    Where there is no context, as for a tool that is called by itself, nothing is given.
    """

    def __init__(self, context: ToolContext | None, name: str, permissions: frozenset[Permission], keys: tuple[str, ...]) -> None:
        self._context = context
        self._name = name
        self._permissions = permissions
        self._keys = keys

    async def execute(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        """Run code in the sandbox."""
        return await self._given(Permission.SANDBOX).execute(code, inputs=inputs, limits=limits)

    async def fetch(self, request: WebRequest) -> WebReply:
        """Ask a server."""
        return await self._given(Permission.NETWORK).fetch(request)

    async def search(self, query: str, *, corpus: str, limit: int = 10) -> tuple[Hit, ...]:
        """Search documents of the store."""
        return await self._given(Permission.STORE).search(query, corpus=corpus, limit=limit)

    async def complete(self, prompt: str, *, max_tokens: int = 1024) -> str:
        """Ask a model."""
        return await self._given(Permission.MODEL).complete(prompt, max_tokens=max_tokens)

    def secret(self, variable: str) -> str:
        """An environment variable that the tool declares."""
        if variable not in self._keys or self._context is None:
            raise ToolError(f"tool {self._name} may not read {variable}")
        return self._context.secret(variable)

    def _given(self, permission: Permission) -> ToolContext:
        if permission not in self._permissions:
            raise ToolError(f"tool {self._name} has no permission for {permission}: it does not declare it")
        if self._context is None:
            raise ToolError(f"tool {self._name} needs {permission}, which there is only in a session")
        return self._context
