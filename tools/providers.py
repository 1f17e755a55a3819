"""Asking a provider's API: what a refusal means, and reading a reply by its documented shape.

Every shape names only the fields that are used; a reply without them is an error and never an empty result. What a provider
says is quoted shortened and without the key, which it may echo.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ..core.tooling import ToolContext, WebReply, WebRequest
from .context import ToolError
from .text import shortened

_NO_KEY = frozenset({401, 403})


class Shape(BaseModel):
    """The part of a reply that is used."""

    model_config = ConfigDict(frozen=True, extra="ignore")


ShapeT = TypeVar("ShapeT", bound=Shape)


class Provider(NamedTuple):
    """Who is asked, and with which key."""

    name: str
    variable: str = ""
    """Environment variable of the key; empty where none is needed."""
    secret: str = ""


async def ask(context: ToolContext, request: WebRequest, provider: Provider, shape: type[ShapeT]) -> ShapeT:
    """Send a request and read the reply. Raises :class:`ToolError` with a sentence for whatever is not a reply of that shape."""
    reply = await context.fetch(request)
    if not 200 <= reply.status < 300:
        raise ToolError(_refusal(reply, provider))
    try:
        return shape.model_validate_json(reply.text)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise ToolError(f"{provider.name} sent what is not JSON: {_said(reply.text, provider)!r}") from None
        where = ".".join(str(part) for part in first["loc"])
        raise ToolError(
            f"{provider.name} sent a reply of another shape than documented: {where}: {first['msg'].lower()}"
        ) from None


def _refusal(reply: WebReply, provider: Provider) -> str:
    who = provider.name
    if reply.status in _NO_KEY:  # never quoted: the key may be echoed in parts
        return (
            f"{who} refuses the key ({reply.status}): check the variable {provider.variable}"
            if provider.variable
            else (f"{who} refuses to answer ({reply.status})")
        )
    if reply.status == 429:
        after = reply.headers.get("retry-after")
        return f"{who} allows no more calls now (429)" + (f"; it asks to wait {shortened(after, 40)} s" if after else "")
    said = _message(reply.text, provider)
    if reply.status >= 500:
        return f"{who} has a problem of its own ({reply.status}){said}"
    return f"{who} does not take the request ({reply.status}){said}"


def _message(text: str, provider: Provider) -> str:
    """The provider's own words, where its reply is JSON that has some."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        return ""
    for key in ("error", "detail", "message", "reason", "info"):
        if isinstance(found, dict) and isinstance(found.get(key), str | dict):
            found = found[key]
    return f": {_said(found, provider)}" if isinstance(found, str) else ""


def _said(text: str, provider: Provider) -> str:
    return shortened(text.replace(provider.secret, "[key]") if provider.secret else text)
