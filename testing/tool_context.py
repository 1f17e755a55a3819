"""What a tool is given when it is tried alone: every part scripted, and everything asked for kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from ..core.errors import MissingKeyError
from ..core.retrieval import Hit
from ..core.sandbox import Ending, Execution, Limits
from ..core.tooling import WebReply, WebRequest


class Wanted(NamedTuple):
    """Something that a tool asked its context for."""

    what: str
    """``execute``, ``fetch``, ``search``, ``complete`` or ``secret``."""
    of: Any
    """The code, request, query, prompt or variable."""


class ScriptedContext:
    """Implements :class:`~symposia.core.tooling.ToolContext`; give it to ``Tool.call`` and ``tool_conformance``.

    Args:
        execute: what comes of a program, by its code.
        fetch: what the web replies to a request; ``Web().fetch`` asks a real server, such as a ``ReplyServer``.
        search: what a query finds.
        complete: what the model writes for a prompt.
        environ: the variables that are set.
    """

    def __init__(
        self,
        *,
        execute: Callable[[str], Execution | Awaitable[Execution]] = lambda _: Execution(ending=Ending.OK),
        fetch: Callable[[WebRequest], WebReply | Awaitable[WebReply]] = lambda _: WebReply(status=404, headers={}, text=""),
        search: Callable[[str], tuple[Hit, ...]] = lambda _: (),
        complete: Callable[[str], str] = lambda _: "FAKE",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.wanted: list[Wanted] = []
        """Everything that was asked for, in order."""
        self._execute = execute
        self._fetch = fetch
        self._search = search
        self._complete = complete
        self._environ = dict(environ or {})

    async def execute(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        """What the script says of the code. Inputs and limits are not looked at."""
        del inputs, limits
        self.wanted.append(Wanted("execute", code))
        found: Execution = await _got(self._execute(code))
        return found

    async def fetch(self, request: WebRequest) -> WebReply:
        """What the script says of the request."""
        self.wanted.append(Wanted("fetch", request))
        found: WebReply = await _got(self._fetch(request))
        return found

    async def search(self, query: str, *, corpus: str, limit: int = 10) -> tuple[Hit, ...]:
        """What the script finds, cut to ``limit``."""
        self.wanted.append(Wanted("search", (query, corpus)))
        return self._search(query)[:limit]

    async def complete(self, prompt: str, *, max_tokens: int = 1024) -> str:
        """What the script writes."""
        del max_tokens
        self.wanted.append(Wanted("complete", prompt))
        return self._complete(prompt)

    def secret(self, variable: str) -> str:
        """A variable of ``environ``. Raises :class:`MissingKeyError`."""
        self.wanted.append(Wanted("secret", variable))
        if not self._environ.get(variable):
            raise MissingKeyError(f"{variable} is not set")
        return self._environ[variable]


async def _got(found: Execution | WebReply | Awaitable[Any]) -> Any:
    return found if isinstance(found, Execution | WebReply) else await found
