"""A password in the store's address is shown nowhere."""

from __future__ import annotations

import socket

import pytest


@pytest.fixture
def address() -> dict[str, str]:
    """Settings that name a server which is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return {"SYMPOSIA_STORE": f"postgresql://me:hidden%40word@127.0.0.1:{probe.getsockname()[1]}/runs?sslmode=disable"}


@pytest.mark.parametrize(
    "command",
    [
        ("run", "list"),
        ("--debug", "run", "list"),
        ("doctor",),
        ("doctor", "--json"),
        ("config", "show"),
        ("config", "show", "--json"),
    ],
)
def test_no_command_shows_it(symposia, address, command) -> None:
    ran = symposia(*command, env=address)
    said = ran.out + ran.err
    assert "postgresql://me@127.0.0.1:" in said
    assert "hidden" not in said


def test_a_server_that_is_down_is_worth_another_try(symposia, address) -> None:
    ran = symposia("run", "list", env=address)
    assert ran.code == 5
    assert "nobody answers for the store postgresql://me@127.0.0.1:" in ran.err
    assert "Traceback" not in ran.err


def test_an_address_that_cannot_be_read_is_not_repeated(symposia) -> None:
    ran = symposia("run", "list", "--store", "postgresql://me:hid@den@h/runs")
    assert ran.code == 2
    assert "postgresql://… cannot be read" in ran.err
    assert "hid" not in ran.err
    assert "den" not in ran.err
