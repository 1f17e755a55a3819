"""A session on a scripted model, for strategies that are embedded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symposia.models.gateway import ModelGateway
from symposia.models.gateway import RetryPolicy as CallRetry
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

from .hosts import Opener


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    @asynccontextmanager
    async def opener(model: ScriptedModel, **spec: Any) -> AsyncIterator[Session]:
        settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
        gateway = ModelGateway(transports={"direct": model}, retry=CallRetry(max_attempts=1))
        models = {"fake": fake_spec(**spec)}
        async with Session(settings=settings, store=tmp_path / "runs.db", gateway=gateway, models=models) as session:
            yield session

    return opener
