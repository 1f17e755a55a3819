"""Tools and MCP servers are configured like everything else, and found under their settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import ConfigError, UnknownNameError
from symposia.memory.store import Store
from symposia.runtime.settings import Settings, load_settings
from symposia.runtime.workshop import Workshop
from symposia.tools import mcp_client
from symposia.tools.tool import Given, Tool


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


async def test_a_server_that_is_wrongly_configured_is_named_when_it_is_needed(tmp_path: Path) -> None:
    shop = workshop(loaded(tmp_path, '[mcp.files]\ncommand = "a"\nurl = "http://b"\n'))
    with pytest.raises(ConfigError, match="the settings of MCP server files cannot be used: set either command or url"):
        await shop.tool("files__read")
    await shop.close()
