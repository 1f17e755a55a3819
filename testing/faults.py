"""Faults that the loopback server commits on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .recorded import Recorded

Kind = Literal["answer", "reset", "drop", "abort", "stall", "truncate", "choices"]


@dataclass(frozen=True)
class Fault:
    """One way to answer wrongly. Made by the class methods, each of which says what the client meets."""

    kind: Kind
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    content_type: str = "application/json"
    count: int = 0
    seconds: float = 0.0

    @classmethod
    def answer(cls, status: int, text: str = "", **headers: str) -> Fault:
        """Any status and body; underscores in header names become hyphens. Without ``text`` an OpenAI-style error."""
        text = text or '{"error": {"message": "FAKE fault", "type": "fake", "code": null}}'
        return cls("answer", status=status, text=text, headers={name.replace("_", "-"): value for name, value in headers.items()})

    @classmethod
    def rate_limit(cls, retry_after: float | str | None = None) -> Fault:
        """429, with ``Retry-After`` where given (seconds or an HTTP date)."""
        return cls.answer(429) if retry_after is None else cls.answer(429, Retry_After=str(retry_after))

    @classmethod
    def server_error(cls, status: int = 500) -> Fault:
        """A 5xx."""
        return cls.answer(status)

    @classmethod
    def html(cls, status: int = 200) -> Fault:
        """An HTML page, as proxies and captive portals send."""
        page = f"<html><head><title>FAKE page {status}</title></head><body>{'<p>lorem ipsum</p>' * 400}</body></html>"
        return cls("answer", status=status, text=page, content_type="text/html")

    @classmethod
    def reset(cls) -> Fault:
        """Half of the reply, then the connection breaks."""
        return cls("reset")

    @classmethod
    def drop(cls) -> Fault:
        """The connection is closed before a byte of the reply."""
        return cls("drop")

    @classmethod
    def abort(cls) -> Fault:
        """The connection is reset (RST) before a byte of the reply."""
        return cls("abort")

    @classmethod
    def stall(cls, seconds: float = 3600.0) -> Fault:
        """Silence for ``seconds`` before the reply."""
        return cls("stall", seconds=seconds)

    @classmethod
    def truncated(cls) -> Fault:
        """A complete HTTP reply whose JSON is cut in the middle; a stream that ends without its end."""
        return cls("truncate")

    @classmethod
    def choices(cls, count: int) -> Fault:
        """``count`` choices whatever ``n`` was; zero is an empty list."""
        return cls("choices", count=count)


Faults = Mapping[int, Fault] | Sequence[Fault | None] | Callable[[Recorded], Fault | None]
"""Faults by number of the request in order of arrival, from 0; or a function of the request."""


def fault_for(faults: Faults, request: Recorded) -> Fault | None:
    """What ``faults`` says about ``request``."""
    if callable(faults):
        return faults(request)
    if isinstance(faults, Mapping):
        return faults.get(request.index)
    return faults[request.index] if request.index < len(faults) else None
