"""What is killed is replaced, what is closed leaves no process, and a snippet leaves nothing to the next."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from symposia.core.errors import SandboxError
from symposia.core.sandbox import Ending, Execution, Limits, Sandbox
from symposia.tools.sandbox import wall
from symposia.tools.sandbox.bubblewrap import BubblewrapSandbox
from symposia.tools.sandbox.monty import MontySandbox
from symposia.tools.sandbox.requests import request_of
from symposia.tools.sandbox.zygote_process import ZygoteProcess

from .host import left_of, workers

FOREVER = "while True:\n    pass"
LONG = Limits(seconds=100)


@pytest.fixture
async def bubblewrap() -> AsyncIterator[Sandbox]:
    """One worker, so that every snippet comes to the same place as the one before."""
    opened = BubblewrapSandbox(workers=1)
    yield opened
    await opened.close()


@pytest.fixture(params=[MontySandbox, BubblewrapSandbox])
async def single(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    opened = request.param(workers=1)
    yield opened
    await opened.close()


async def during(sandbox: Sandbox, act: Callable[[psutil.Process], None]) -> Execution:
    """Run code that never ends, and ``act`` on its worker meanwhile."""
    running = asyncio.create_task(sandbox.run(FOREVER, limits=LONG))
    await asyncio.sleep(0.2)
    [worker] = workers()
    act(worker)
    async with asyncio.timeout(5):
        return await running


async def test_a_worker_killed_in_the_middle_is_a_crash_and_the_next_is_another(single: Sandbox) -> None:
    await single.run("1")
    [before] = workers()
    below = before.children(recursive=True)
    execution = await during(single, lambda worker: worker.kill())
    assert execution.ending is Ending.CRASHED
    assert execution.error
    assert (await single.run("1 + 1")).value == 2
    [after] = workers()
    assert after.pid != before.pid
    assert left_of(below, seconds=2) == []


async def test_a_worker_killed_while_idle_is_replaced(single: Sandbox) -> None:
    await single.run("1")
    [worker] = workers()
    worker.kill()
    assert left_of([worker], seconds=5) == []
    await asyncio.sleep(0.1)
    assert (await single.run("1 + 1")).value == 2


async def test_the_process_of_a_snippet_killed_from_outside_is_a_crash_of_that_snippet_only(bubblewrap: Sandbox) -> None:
    await bubblewrap.run("1")
    [before] = workers()
    execution = await during(bubblewrap, lambda worker: worker.children(recursive=True)[-1].kill())
    assert execution.ending is Ending.CRASHED
    assert execution.error == "its process was ended by SIGKILL"
    assert (await bubblewrap.run("1")).ok
    assert [worker.pid for worker in workers()] == [before.pid]


async def test_a_zygote_that_hangs_is_ended_with_its_snippet(bubblewrap: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symposia.tools.sandbox.zygote_process._GRACE", 0.2)
    await bubblewrap.run("1")
    [worker] = workers()
    for process in worker.children(recursive=True):
        process.suspend()
    execution = await bubblewrap.run("1", limits=Limits(seconds=0.2))
    assert execution.ending is Ending.TIME
    assert (await bubblewrap.run("1")).ok
    assert worker.pid not in {other.pid for other in workers()}


@pytest.mark.parametrize("reply", ["", "\\xff\\xff\\xff\\xff", "\\0\\0\\0\\2{}", "\\0\\0\\0\\4null", "\\0\\0\\0\\1x"])
async def test_a_zygote_that_breaks_the_protocol_is_a_crash_and_ended(reply: str) -> None:
    script = (
        "import sys, os; os.write(1, b'\\0\\0\\0\\5ready'); os.read(0, 9999);"
        f"os.write(1, b'{reply}'); os.close(1) if not b'{reply}' else os.read(0, 9999)"
    )
    waiting = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {script!r}]))"
    zygote = await ZygoteProcess.start([sys.executable, "-c", waiting], files=1)
    execution = await zygote.run(request_of("1", {}), Limits(seconds=10))
    assert execution.ending is Ending.CRASHED
    assert not zygote.usable
    await zygote.close()


async def test_closing_leaves_no_process(single: Sandbox) -> None:
    await single.run("1")
    below = psutil.Process().children(recursive=True)
    running = asyncio.create_task(single.run(FOREVER, limits=LONG))
    await asyncio.sleep(0.2)
    await single.close()
    await running
    assert left_of(below, seconds=5) == []


HOST = """
import asyncio
from symposia.core.sandbox import Limits
from symposia.tools.sandbox.opening import open_sandbox
async def main():
    sandboxes = {open_sandbox("monty"): 2, open_sandbox("bubblewrap"): 100}
    for sandbox in sandboxes:
        await sandbox.run("1")
    code = "while True:\\n    pass"
    running = [asyncio.ensure_future(each.run(code, limits=Limits(seconds=n))) for each, n in sandboxes.items()]
    await asyncio.sleep(0.2)
    print("ready", flush=True)
    await asyncio.gather(*running)
asyncio.run(main())
"""


def test_no_process_outlives_a_host_that_is_killed() -> None:
    """Those of bubblewrap end with it at once, a worker of monty's when the time of its code is up at the latest."""
    with subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout
        assert host.stdout.readline() == "ready\n"
        below = psutil.Process(host.pid).children(recursive=True)
        behind_the_wall = [process for process in below if process.name() != "monty"]
        assert len(behind_the_wall) >= 3  # bubblewrap, zygote, snippet
        # In a session of their own, so that Ctrl-C is for the host to decide.
        assert os.getpgid(host.pid) not in {os.getpgid(process.pid) for process in behind_the_wall}
        host.kill()
    assert left_of(behind_the_wall, seconds=2) == []
    assert left_of(below, seconds=10) == []


async def test_a_snippet_leaves_nothing_to_the_next(bubblewrap: Sandbox) -> None:
    await bubblewrap.run("1")
    [before] = workers()
    look = (
        "import os, math\n[os.listdir('/work'), os.stat('/work').st_mode & 0o777, hasattr(math, 'mark'), len(os.listdir('/tmp'))]"
    )
    for leave in (
        "open('a', 'w').write('x')\nimport math\nmath.mark = 1",
        "import os\nos.makedirs('d/e/f')\nopen('d/e/f/g', 'w').write('x')\nos.symlink('/', 'd/root')\nos.symlink('nowhere', 'l')",
        "import os\nos.umask(0o777)\nos.chmod('/work', 0o500)",
        "f = open('open', 'w')\nf.write('x')\nimport os\nos._exit(1)",
    ):
        await bubblewrap.run(leave)
        assert (await bubblewrap.run(look)).value == [[], 0o700, False, 0]
    assert [worker.pid for worker in workers()] == [before.pid]


async def test_where_something_is_left_that_cannot_be_wiped_the_zygote_is_replaced(bubblewrap: Sandbox) -> None:
    await bubblewrap.run("1")
    [before] = workers()
    assert (await bubblewrap.run("import os\nos.mkdir('a')\nopen('a/b', 'w').close()\nos.chmod('a', 0)")).ok
    assert (await bubblewrap.run("import os\nos.listdir('.')")).value == []
    assert [worker.pid for worker in workers()] != [before.pid]


async def test_a_snippet_has_no_descriptor_but_its_own_and_draws_its_own_numbers(bubblewrap: Sandbox) -> None:
    code = """
import os, random
def there(number):
    try:
        os.fstat(number)
        return True
    except OSError:
        return False
[[number for number in range(64) if there(number)], random.random()]
"""
    one, other = [(await bubblewrap.run(code)).value for _ in range(2)]
    assert one[0] == other[0] == [0, 1, 2, 3]
    assert one[1] != other[1]


async def test_what_a_snippet_took_is_measured(bubblewrap: Sandbox) -> None:
    execution = await bubblewrap.run("x = b'x' * 50_000_000\nn = 0\nwhile n < 2_000_000:\n    n += 1")
    assert execution.ok
    assert execution.cpu_seconds
    assert 0.02 < execution.cpu_seconds <= execution.seconds + 0.05
    assert execution.peak_memory
    assert execution.peak_memory > 50_000_000


LOADED = "import sys\n[name for name in ('sym' + 'py', 'num' + 'py', 'mp' + 'math') if name in sys.modules]"
"""Asks for them and names none."""


async def test_code_that_names_a_package_finds_all_of_them_loaded_and_other_code_none(bubblewrap: Sandbox) -> None:
    code = "import numpy, sympy\nx = sympy.Symbol('x')\n[str(sympy.diff(x**3, x)), int(numpy.arange(4).sum())]"
    assert (await bubblewrap.run(code)).value == ["3*x**2", 6]
    assert (await bubblewrap.run(LOADED)).value == []
    for told in ({"of": "exec('import sympy')"}, {"of": {"mpmath": 1}}):
        assert (await bubblewrap.run(LOADED, inputs=told)).value == ["sympy", "numpy", "mpmath"]
    assert (await bubblewrap.run(LOADED + "  # as numpy is")).value == ["sympy", "numpy", "mpmath"]


async def test_a_package_whose_name_is_put_together_is_imported_where_it_is_not_loaded(bubblewrap: Sandbox) -> None:
    execution = await bubblewrap.run("int(__import__('num' + 'py').arange(4).sum())")
    assert execution.value == 6
    assert len(workers()) == 1


async def test_a_worker_keeps_a_zygote_of_each_kind_and_no_more(bubblewrap: Sandbox) -> None:
    code = "import os\nos.getppid()  # 1: process 1 of a namespace of its own"
    for _ in range(2):
        for each in (code, code + " # numpy"):
            assert (await bubblewrap.run(each)).value == 1
    before = {worker.pid for worker in workers()}
    assert len(before) == 2
    one, other = await asyncio.gather(bubblewrap.run(code), bubblewrap.run(code + " # numpy"))
    assert one.ok
    assert other.ok
    assert {worker.pid for worker in workers()} == before
    below = psutil.Process().children(recursive=True)
    await bubblewrap.close()
    assert left_of(below, seconds=5) == []


async def test_more_room_for_files_than_before_takes_another_zygote(bubblewrap: Sandbox) -> None:
    code = "n = open('f', 'wb').write(b'x' * 20_000_000)\nn"
    assert (await bubblewrap.run(code)).ending is Ending.DENIED
    assert (await bubblewrap.run(code, limits=Limits(files=32 * 2**20))).value == 20_000_000
    assert (await bubblewrap.run(code)).ending is Ending.DENIED
    assert len(workers()) == 1


def test_without_bubblewrap_there_is_no_sandbox_and_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall.shutil, "which", lambda _: None)
    monkeypatch.setattr(wall.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SandboxError, match=r"not installed \(pip install \"symposia\[sandbox\]\""):
        BubblewrapSandbox()
    monkeypatch.setattr(wall.sys, "platform", "darwin")
    with pytest.raises(SandboxError, match="needs Linux, and this is darwin"):
        BubblewrapSandbox()


def test_an_installed_bubblewrap_is_used_before_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert wall.find_bubblewrap() == Path("/usr/bin/bwrap")


async def test_without_namespaces_it_does_not_start_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    refusing.chmod(0o700)
    monkeypatch.setattr(wall, "find_bubblewrap", lambda: refusing)
    sandbox = BubblewrapSandbox()
    with pytest.raises(SandboxError, match=r"bubblewrap does not start: .*namespace \(users may not make namespaces here"):
        await sandbox.run("1")
    refusing.unlink()
    with pytest.raises(SandboxError, match="bubblewrap cannot be started"):
        await sandbox.run("1")
    await sandbox.close()


def test_the_wall_shows_nothing_of_the_user() -> None:
    command = wall.command(Path("bwrap"), files=2**20)
    binds = {command[index + 1]: command[index + 2] for index, word in enumerate(command) if word.endswith("-bind")}
    home, project = Path.home(), Path(wall.__file__).parents[2]
    for source, target in binds.items():
        assert not home.is_relative_to(source), source
        assert not project.is_relative_to(source), source
        assert target.startswith(("/python/", "/packages/", "/zygote/inside", "/lib", "/usr/lib", "/dev/null")), target
    assert not {"--bind", "--share-net", "--proc"} & set(command)


LOOK_THROUGH_MEMORY = r"""
import ctypes, os, re, sys
libc = ctypes.CDLL(None)
reader, writer = os.pipe()
seen, found = set(), set()
def look(page):
    # The kernel refuses to write out of what cannot be read; this process would die of reading it.
    while page not in seen and libc.write(writer, ctypes.c_void_p(page), 4096) == 4096:
        seen.add(page)
        found.update(re.findall(rb"zebra-[0-9]{6}", os.read(reader, 4096)))
        page += 4096
buffers = [ctypes.create_string_buffer(1000) for _ in range(100)]
for start in [id(sys), id(look), *map(id, sys.modules.values()), *map(ctypes.addressof, buffers)]:
    for down in range(0, 2**21, 4096):
        look((start & ~0xFFF) - down)
[sorted(each.decode() for each in found), len(seen) > 2000]
"""
"""Looks for the mark in all that can be read within some megabytes of the interpreter's own objects: most of its heap."""


async def test_nothing_of_a_snippet_is_in_the_memory_that_the_next_is_forked_with(bubblewrap: Sandbox) -> None:
    kept = [f"zebra-{number}" for number in range(400_000, 400_500)]  # long, so that the next request does not cover all of it
    code = "# zebra-100000\nprint(kept, 'zebra-200000')\n[kept, 'zebra-300000']"
    assert (await bubblewrap.run(code, inputs={"kept": kept})).ok
    look = "own = 'zebra-' + str(999_999)\n" + LOOK_THROUGH_MEMORY
    execution = await bubblewrap.run(look, limits=Limits(seconds=100))
    assert execution.value == [["zebra-999999"], True], execution
