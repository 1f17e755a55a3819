"""Written tools as tools: reading a draft, and calling what was admitted. What a model wrote runs in the sandbox only.

A draft is JSON with ``name``, ``description``, ``parameters``, ``source`` and ``tests``. Nothing in it can declare a permission,
a key or a price: a written tool has the permission to run code, always and only.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from ..core.errors import ToolRefusedError
from ..core.tooling import Approval, Permission, ToolContext
from ..core.written import ToolDraft, WrittenTool
from .admission import LIMITS, call_of, said
from .schemas import mismatch
from .text import shortened
from .tool import Given, Tool, ToolError

MAX_DRAFT = 200_000
"""Characters of a draft's JSON."""
_MAX_OUTPUT = 100_000
"""Characters of an output's JSON."""
_SECONDS_TO_START = 30.0
"""Beside the program's own seconds: the first call may have to start the sandbox."""


def read_draft(text: str) -> ToolDraft:
    """A draft from its JSON; see :func:`draft_of`."""
    try:
        return draft_of(json.loads(text))
    except (ValueError, RecursionError):
        raise ToolRefusedError("the tool is no JSON") from None


def draft_of(found: Any) -> ToolDraft:
    """A draft from JSON that was read. Raises :class:`ToolRefusedError` for what is none; whether it can be admitted is not
    looked at.
    """
    try:
        text = json.dumps(found)
        if len(text) > MAX_DRAFT:
            raise ToolRefusedError(f"the tool is longer than {MAX_DRAFT:,} characters")
        return ToolDraft.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ToolRefusedError(f"the tool cannot be read: {f'{shortened(place)}: ' if place else ''}{first['msg']}") from None
    except RecursionError:
        raise ToolRefusedError("the tool is nested too deeply") from None


def as_tool(written: WrittenTool) -> Tool[Given]:
    """The tool that was admitted."""
    draft = written.draft

    async def work(given: Given, context: ToolContext) -> object:
        problem = mismatch(given.values, draft.parameters)
        if problem is not None:
            raise ToolError(f"{draft.name} cannot be called so: {problem}")
        execution = await context.execute(call_of(draft, given.values), limits=LIMITS)
        if not execution.ok or execution.value is None:
            raise ToolError(f"{draft.name} {said(execution)}")
        if len(json.dumps(execution.value)) > _MAX_OUTPUT:
            raise ToolError(f"{draft.name} gave more than {_MAX_OUTPUT:,} characters")
        return execution.value

    return Tool(
        name=draft.name,
        description=draft.description,
        arguments=Given,
        schema=draft.parameters,
        work=work,
        permissions=frozenset({Permission.SANDBOX}),
        timeout=LIMITS.seconds + _SECONDS_TO_START,
        approval=Approval.ASK,
        digest=draft.digest,
    )
