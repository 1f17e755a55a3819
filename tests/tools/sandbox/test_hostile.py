"""Hostile code ends as it should and leaves the host as it was; the same features used without harm work.

Where there are no user namespaces these tests fail. They are not skipped: there is no sandbox then.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from symposia.core.sandbox import Execution, Limits, Sandbox
from symposia.tools.sandbox.opening import open_sandbox

from .host import SECRET, Host, plant, settled, state
from .hostile import CASES, CATEGORIES, OK, TIME, Case

in_one_loop = pytest.mark.asyncio(loop_scope="module")
BRIEF = {name: case for name, case in CASES.items() if TIME not in case.bubblewrap.split("|")}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def in_each(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sandbox", names, indirect=True, scope="module")


class WithPackages:
    """Has a process with sympy and numpy in its memory run everything: what is among the inputs may be imported by its name."""

    def __init__(self, inner: Sandbox) -> None:
        self._inner = inner
        self.name = inner.name
        self.close = inner.close

    async def run(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        return await self._inner.run(code, inputs={**(inputs or {}), "LOADED": "sympy"}, limits=limits)


@pytest.fixture(scope="module")
def canary() -> Iterator[Path]:
    # Not below /tmp: that is the working folder of a sandbox, where a file that is not there is no attempt at anything.
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    yield plant(folder / "canary")
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(canary: Path) -> AsyncIterator[Host]:
    callers: list[object] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield Host(canary, server.sockets[0].getsockname()[1], callers)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Those with a wall, already started: what starting them opens is none of the code's doing."""
    name, *more = request.param.split(maxsplit=1)
    opened = WithPackages(open_sandbox(name)) if more else open_sandbox(name)
    await opened.run("1")
    yield opened
    await opened.close()


def limits(expected: str) -> Limits:
    """Small ones. Time is short where code is to run out of it, else long enough for a machine that is busy."""
    return Limits(seconds=0.4 if TIME in expected.split("|") else 20, memory=64 * 2**20, output=10_000, files=2**20)


def test_there_are_sixty_of_each_in_every_category() -> None:
    assert len(CASES) == sum(len(cases) for cases in CATEGORIES.values()) >= 60
    assert min(len(cases) for cases in CATEGORIES.values()) >= 3


@in_one_loop
@in_each("monty", "bubblewrap")
@every_case
async def test_hostile_code_ends_as_it_should_and_leaves_the_host_as_it_was(sandbox: Sandbox, host: Host, case: Case) -> None:
    await ends_well(sandbox, host, case)


@in_one_loop
@in_each("bubblewrap with packages")
@pytest.mark.parametrize("case", BRIEF.values(), ids=BRIEF.keys())
async def test_so_it_does_where_there_is_more_in_memory_to_be_found(sandbox: Sandbox, host: Host, case: Case) -> None:
    await ends_well(sandbox, host, case)


async def ends_well(sandbox: Sandbox, host: Host, case: Case) -> None:
    expected = case.monty if sandbox.name == "monty" else case.bubblewrap
    before = state(host)
    execution = await sandbox.run(case.hostile, inputs=host.inputs(), limits=limits(expected))
    assert execution.ending in expected.split("|"), execution
    assert execution.error
    assert execution.value is None
    assert SECRET not in execution.model_dump_json()
    assert await settled(host, before) == before
    assert (await sandbox.run("6 * 7")).value == 42


@in_one_loop
@in_each("monty", "bubblewrap")
@every_case
async def test_its_harmless_twin_works(sandbox: Sandbox, host: Host, case: Case) -> None:
    expected = case.twin_on_monty if sandbox.name == "monty" else OK
    before = state(host)
    execution = await sandbox.run(case.twin, inputs=host.inputs(), limits=limits(OK))
    assert execution.ending in expected.split("|"), execution
    if execution.ok:
        assert execution.value == case.value
    assert await settled(host, before) == before
