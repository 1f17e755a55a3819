"""Every kind of sandbox: ``sandbox`` serves all tests of a module in turn, ``fresh`` serves one."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from symposia.core.sandbox import Sandbox
from symposia.tools.sandbox.opening import SANDBOXES, open_sandbox


def quietly_opened(name: str) -> Sandbox:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of the one that is unsafe
        return open_sandbox(name)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=SANDBOXES)
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    opened = quietly_opened(request.param)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="module", params=SANDBOXES)
async def fresh(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    opened = quietly_opened(request.param)
    yield opened
    await opened.close()
