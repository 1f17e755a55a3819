"""How the loopback servers send a reply: whole, in part, or not at all."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

from aiohttp import web

from .faults import Fault


async def commit(fault: Fault, request: web.Request, payload: Any) -> web.StreamResponse:
    """Answer ``request``, whose sound reply were ``payload``, with a fault that is not streamed and not about choices."""
    if fault.kind == "answer":
        response = web.Response(status=fault.status, text=fault.text, content_type=fault.content_type, headers=fault.headers)
        return await send(request, response)
    if fault.kind in {"drop", "abort"}:
        return break_off(request, web.Response(), reset=fault.kind == "abort")
    if fault.kind == "stall":
        await asyncio.sleep(fault.seconds)
    return await send_json(request, payload, fault.kind if fault.kind in {"reset", "truncate"} else None)


async def send_json(request: web.Request, payload: Any, cut: str | None = None) -> web.StreamResponse:
    """Send ``payload`` whole; with ``cut`` half of it: a complete reply that is no JSON (``truncate``), or none (``reset``)."""
    data = json.dumps(payload).encode()
    if cut != "reset":
        return await send(request, web.Response(body=data[: len(data) // 2] if cut else data, content_type="application/json"))
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(data)
    await response.prepare(request)
    await response.write(data[: len(data) // 2])
    return break_off(request, response)


async def send(request: web.Request, response: web.Response) -> web.Response:
    """Send now rather than after the handler has returned, so that ``on_reply`` comes after the reply."""
    await response.prepare(request)
    await response.write_eof()
    return response


def break_off(request: web.Request, response: web.StreamResponse, *, reset: bool = False) -> web.StreamResponse:
    """Close the connection; with ``reset`` by RST."""
    if request.transport is not None:
        if reset:  # closing a socket that does not linger sends RST
            raw: socket.socket = request.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return response
