"""Tools and MCP servers are configured like everything else, and found under their settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import ConfigError, UnknownNameError
from symposia.core.problem import Problem
from symposia.core.result import StopReason
from symposia.core.tooling import Approval
from symposia.memory.store import Store
from symposia.runtime.settings import Settings, load_settings
from symposia.runtime.workshop import Workshop
from symposia.tools import mcp_client
from symposia.tools.tool import Given, Tool

from .calling import Heard, opened


def loaded(folder: Path, text: str, **environ: str) -> Settings:
    (folder / "symposia.toml").write_text(text, encoding="utf-8")
    return load_settings(environ=environ, cwd=folder, user_file=folder / "none.toml").settings


def workshop(settings: Settings) -> Workshop:
    def no_store() -> Any:
        raise AssertionError("no store is needed")

    return Workshop(settings, no_store)


async def test_a_tool_is_found_under_its_settings(tmp_path: Path) -> None:
    settings = loaded(tmp_path, '[tools.web-search]\nprovider = "brave"\n', SYMPOSIA_TOOLS__WEB_SEARCH__DOLLARS="0.005")
    tool = await workshop(settings).tool("web-search")
    assert tool.keys == ("BRAVE_API_KEY",)
    assert tool.dollars == 0.005


async def test_a_setting_that_a_tool_does_not_have_is_an_error(tmp_path: Path) -> None:
    settings = loaded(tmp_path, '[tools.wiki]\nlanguag = "de"\n')
    with pytest.raises(UnknownNameError, match="unknown setting 'languag' in tool wiki"):
        await workshop(settings).tool("wiki")


def test_a_tool_that_there_is_not_is_an_error_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown tool 'wikki' in .*symposia.toml:2 .did you mean 'wiki'"):
        loaded(tmp_path, '[tools.wikki]\nlanguage = "de"\n')


MCP = """
[mcp.files]
command = "serve-files"
args = ["--read-only"]
env = ["FILES_TOKEN"]

[mcp.remote]
url = "https://mcp.example/mcp"
token = "REMOTE_TOKEN"

[approve]
files__read = "ask"
"""


async def test_the_tools_of_mcp_servers_are_found_by_the_servers_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def nothing(given: Given, context: Any) -> Any:
        return given.values

    async def offered(self: mcp_client.McpConnection) -> mcp_client.Offered:
        asked.append(self.name)
        read = Tool(name="files__read", description="Reads.", arguments=Given, work=nothing, schema={"type": "object"})
        return mcp_client.Offered((read,), {"odd/name": "model APIs take no such name"})

    monkeypatch.setattr(mcp_client.McpConnection, "offered", offered)
    async with await Store.open(":memory:") as store:
        shop = Workshop(loaded(tmp_path, MCP), lambda: store)
        assert [await shop.has_tool(name) for name in ("files__read", "remote__x", "other__x", "files", "wiki")] == [
            True,
            True,
            False,
            False,
            True,
        ]
        assert asked == []
        tool = await shop.tool("files__read")
        assert (await tool.call('{"path": "a"}')).output == {"path": "a"}
        with pytest.raises(UnknownNameError, match="did you mean 'files__read'"):
            await shop.tool("files__raed")
        with pytest.raises(ConfigError, match="cannot be used: model APIs take no such name"):
            await shop.tool("files__odd/name")
        with pytest.raises(UnknownNameError):
            await shop.tool("other__read")
        assert asked == ["files"]
    await shop.close()


APPROVED = """
[mcp.files]
command = "serve-files"

[mcp.trusted]
command = "serve-files"
approve = "always"

[mcp.odd]
command = "serve-files"
approve = "sometimes"

[approve]
files__read = "always"
trusted__write = "ask"
"""


def test_who_is_asked_is_said_of_a_tool_or_of_its_server(tmp_path: Path) -> None:
    shop = workshop(loaded(tmp_path, APPROVED, SYMPOSIA_MCP__FILES__TIMEOUT="5"))
    names = ("files__write", "files__read", "trusted__read", "trusted__write", "unknown__read", "wiki")
    assert [shop.approval(name).value for name in names] == ["ask", "always", "always", "ask", "always", "always"]
    with pytest.raises(ConfigError, match=r"setting approve='sometimes' of MCP server odd cannot be used"):
        shop.approval("odd__read")


CALL: dict[str, Any] = {"team": "fake", "options": {"tools": ["files__write"], "calls": [("files__write", "{}")]}}


async def test_a_run_asks_about_the_tools_of_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def write(given: Given, context: Any) -> Any:
        return "written"

    async def offered(self: mcp_client.McpConnection) -> mcp_client.Offered:
        approval = self.approval
        made = Tool(name="files__write", description="Writes.", arguments=Given, work=write, schema={}, approval=approval)
        return mcp_client.Offered((made,), {})

    async def granted(**flags: Any) -> Approval:
        async with opened(tmp_path, **flags) as session:
            return (await session.prepare(Problem.of("?"), **CALL)).tools["files__write"].approval

    monkeypatch.setattr(mcp_client.McpConnection, "offered", offered)
    files = {"command": "serve-files"}
    assert await granted(mcp={"files": files}) is Approval.ASK
    assert await granted(mcp={"files": files | {"approve": "always"}}) is Approval.ALWAYS
    with pytest.raises(ConfigError, match=r"files__write may never be called .*approve.files__write"):
        await granted(mcp={"files": files | {"approve": "never"}})
    async with opened(tmp_path, mcp={"files": files}, approve={"files__write": "always"}) as session:
        spec = await session.prepare(Problem.of("?"), budget="seconds=0.3", **CALL)
        assert spec.tools["files__write"].approval is Approval.ALWAYS
        await session.store.create_run(spec, id="mine")
    async with opened(tmp_path, mcp={"files": files}) as session:
        result = await session.resume("mine")
        assert Heard.results == (None,), "a run that was made under other settings asks where the present ones do"
    assert result.stop_reason is StopReason.DEADLINE


async def test_a_server_that_is_wrongly_configured_is_named_when_it_is_needed(tmp_path: Path) -> None:
    shop = workshop(loaded(tmp_path, '[mcp.files]\ncommand = "a"\nurl = "http://b"\n'))
    with pytest.raises(ConfigError, match="the settings of MCP server files cannot be used: set either command or url"):
        await shop.tool("files__read")
    await shop.close()
