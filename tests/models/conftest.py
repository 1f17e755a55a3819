"""Every test of a transport runs once for each way to a model, plain and streamed."""

from __future__ import annotations

import pytest

from .ways import WAYS


@pytest.fixture(params=list(WAYS))
def way(request):
    return request.param


@pytest.fixture
async def transport(way):
    transport = WAYS[way][0]()
    yield transport
    await transport.close()


@pytest.fixture(params=[False, True], ids=["plain", "stream"])
def stream(request):
    return request.param
