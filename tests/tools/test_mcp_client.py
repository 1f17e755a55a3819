"""Tools of MCP servers, against real servers made with the official SDK."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from pydantic import ValidationError

from symposia.core.errors import ConfigError, MissingKeyError, UnknownNameError
from symposia.core.tooling import Approval, Permission
from symposia.tools import mcp_client
from symposia.tools.mcp_client import McpConnection, McpServer, Offered
from symposia.tools.tool import ToolResult

from . import mcp_server

PROGRAM = str(Path(mcp_server.__file__))


def by_stdio(**changes: Any) -> McpServer:
    return McpServer(**({"command": sys.executable, "args": (PROGRAM,), "timeout": 30} | changes))


@asynccontextmanager
async def connected(server: McpServer | None = None, name: str = "demo") -> AsyncIterator[tuple[McpConnection, Offered]]:
    connection = McpConnection(name, server or by_stdio())
    try:
        yield connection, await connection.offered()
    finally:
        await connection.close()


def tool(offered: Offered, name: str) -> Any:
    (found,) = [tool for tool in offered.tools if tool.name == f"demo__{name}"]
    return found


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> McpServer:
    """A server in this process, which starts at once."""
    from mcp.client.client import Client

    async def made(server: McpServer, stack: Any) -> Client:
        return Client(mcp_server.make(), cache=None, read_timeout_seconds=server.timeout)

    monkeypatch.setattr(mcp_client, "_made", made)
    return by_stdio()


async def test_a_program_is_started_asked_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_TOKEN", "t-1")
    monkeypatch.setenv("DEMO_SECRET", "s-1")
    async with connected(by_stdio(env=("DEMO_TOKEN",))) as (connection, offered):
        assert {tool.name for tool in offered.tools} == {
            f"demo__{name}" for name in ("add", "planted", "fail", "blocks", "variable", "leave")
        }
        assert offered.refused == {"odd.name/x": "model APIs take no such name"}
        assert await tool(offered, "add").call('{"a": 2, "b": 40}') == ToolResult(output="42")
        values = await asyncio.gather(*(tool(offered, "add").call({"a": number}) for number in range(20)))
        assert [value.output for value in values] == [str(number + 1) for number in range(20)]
        assert (await tool(offered, "variable").call({"name": "DEMO_TOKEN"})).output == "t-1"
        assert (await tool(offered, "variable").call({"name": "DEMO_SECRET"})).output == "unset"
        lost = await tool(offered, "leave").call({})
        assert str(lost.error).startswith("the MCP server demo gave no result: ")
        assert (await tool(offered, "add").call({"a": 1})).output == "2"  # it is started again
        assert connection.name == "demo"


async def test_a_server_by_its_address_with_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_TOKEN", "t-1")
    seen: list[str] = []
    app = mcp_server.make().streamable_http_app()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(value.decode() for key, value in scope.get("headers", ()) if key == b"authorization")
        await app(scope, receive, send)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(watched, log_level="critical", lifespan="on", ws="none"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        try:
            async with connected(McpServer(url=address, token="DEMO_TOKEN")) as (_, offered):
                assert (await tool(offered, "add").call({"a": 2})).output == "3"
        finally:
            server.should_exit = True
            await serving
    assert set(seen) == {"Bearer t-1"}


async def test_schemas_pass_as_they_are_and_the_server_checks_them(in_process: McpServer) -> None:
    async with connected(in_process) as (_, offered):
        add = tool(offered, "add")
        assert add.spec.description == "Adds two whole numbers."
        assert add.spec.parameters["required"] == ["a"]
        assert add.spec.parameters["properties"]["b"]["default"] == 1
        assert "the MCP server demo says: " in str((await add.call({"a": "two"})).error)
        assert "not JSON" in str((await add.call("{")).error)
        assert "no JSON object" in str((await add.call("[1]")).error)


async def test_results_are_text(in_process: McpServer) -> None:
    async with connected(in_process) as (_, offered):
        assert (await tool(offered, "blocks").call({})).output == "one\n[image]\ntwo ✓"
        failed = await tool(offered, "fail").call({})
        assert failed.output is None
        assert "\n" not in str(failed.error)
        assert "failed" in str(failed.error)


async def test_what_a_server_writes_is_bounded_and_changes_nothing(
    in_process: McpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_client, "MAX_OUTPUT", 500)
    monkeypatch.setattr(mcp_client, "MAX_SCHEMA", 100)
    async with connected(in_process) as (_, offered):
        planted = tool(offered, "planted")
        assert len(planted.description) <= mcp_client.MAX_DESCRIPTION
        assert len((await planted.call({})).output) <= 500
        assert "schema is longer" in offered.refused["add"]
        assert {tool.permissions for tool in offered.tools} == {frozenset({Permission.NETWORK})}
        assert {tool.dollars for tool in offered.tools} == {None}


async def test_a_person_is_asked_unless_the_user_says_otherwise(in_process: McpServer) -> None:
    async with connected(in_process) as (_, offered):
        assert {tool.approval for tool in offered.tools} == {Approval.ASK}
    async with connected(in_process.model_copy(update={"approve": Approval.ALWAYS})) as (_, offered):
        assert {tool.approval for tool in offered.tools} == {Approval.ALWAYS}


async def test_a_server_with_endless_tools_is_cut_off(in_process: McpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_client, "MAX_TOOLS", 2)
    async with connected(in_process) as (_, offered):
        assert len(offered.tools) == 2
        assert "more than 2 tools" in " ".join(offered.refused.values())


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (McpServer(command="no-such-program-anywhere"), "cannot be used"),
        (McpServer(command=sys.executable, args=("-c", "pass"), timeout=10), "cannot be used"),
        (McpServer(command=sys.executable, args=("-c", "import sys; sys.stdin.read()"), timeout=0.3), "cannot be used"),
        (McpServer(url="http://127.0.0.1:9/mcp", timeout=5), "cannot be used"),
    ],
)
async def test_a_server_that_cannot_be_had_is_a_sentence(server: McpServer, said: str) -> None:
    connection = McpConnection("demo", server)
    with pytest.raises(ConfigError, match=f"the MCP server demo {said}") as error:
        await connection.offered()
    assert "\n" not in str(error.value)
    await connection.close()


async def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEMO_TOKEN", raising=False)
    for server in (by_stdio(env=("DEMO_TOKEN",)), McpServer(url="http://127.0.0.1:9", token="DEMO_TOKEN")):
        with pytest.raises(MissingKeyError, match="DEMO_TOKEN"):
            await McpConnection("demo", server).offered()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"command": "a", "url": "http://b"},
        {"command": "a", "token": "T"},
        {"url": "http://b", "args": ("x",)},
        {"url": "file:///etc/passwd"},
        {"command": ""},
    ],
)
def test_a_server_is_a_program_or_an_address(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        McpServer(**fields)


def test_a_server_is_configured_like_anything_else() -> None:
    assert McpConnection.configured("demo", {"command": "x", "args": ["-y"], "env": ["TOKEN"]}).name == "demo"
    with pytest.raises(UnknownNameError, match=r"unknown setting 'comand' in MCP server demo .did you mean 'command'"):
        McpConnection.configured("demo", {"comand": "x"})
    with pytest.raises(ConfigError, match="the settings of MCP server demo cannot be used: set either command or url"):
        McpConnection.configured("demo", {})


async def test_giving_up_while_connecting_leaves_nothing_behind() -> None:
    before = len(asyncio.all_tasks())
    waits = by_stdio(args=("-c", "import sys; sys.stdin.read()"))
    connecting = asyncio.create_task(McpConnection("demo", waits).offered())
    await asyncio.sleep(0.2)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert len(asyncio.all_tasks()) == before


@pytest.mark.parametrize("name", ["", "a__b", "a b", "x" * 33, "a/b"])
def test_a_server_has_a_name_that_tools_can_begin_with(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name an MCP server"):
        McpConnection(name, by_stdio())
