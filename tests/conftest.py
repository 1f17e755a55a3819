"""Shared by every test. Keeps the repository root off ``sys.path``: its folders must only be found as ``symposia.…``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from symposia.testing import PostgresServer

_ROOT = Path(__file__).resolve().parent.parent
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _ROOT]

# A shell that starts us in the background ignores SIGINT for all that we start, and nohup SIGHUP; tests need both.
for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL. Tests that use it are marked ``integration``; where none is installed they fail, saying so."""
    with PostgresServer.running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The address of an empty database of its own, password included."""
    return postgres_server.new_database()
