"""A session on a scripted model: everything is real but the network and the model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

QUICK = RetryPolicy(max_attempts=3, base=0.001, cap=0.01, unreachable_base=0.001)

Opener = Callable[..., AbstractAsyncContextManager[Session]]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    """Opens a session: ``async with opened(model) as session``. Keywords change the fake model's catalogue entry."""

    @asynccontextmanager
    async def opener(model: ScriptedModel, *, call_timeout: float = 30, **spec: Any) -> AsyncIterator[Session]:
        settings = load_settings(flags={"call_timeout": call_timeout}, environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
        gateway = ModelGateway(transports={"direct": model}, retry=QUICK, call_timeout=call_timeout)
        models = {"fake": fake_spec(**spec)}
        async with Session(settings=settings, store=tmp_path / "runs.db", gateway=gateway, models=models) as session:
            yield session

    return opener
