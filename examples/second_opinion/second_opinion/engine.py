"""``canned``: an engine says how to start a server that speaks the OpenAI protocol; everything else is done for it.

This one starts the fake server of ``symposia.testing``, which answers the same whatever it is asked.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import ClassVar

from symposia.core.errors import EngineError
from symposia.core.model_spec import ModelSpec
from symposia.models.engines.engine import HOST, Engine, EngineOptions, Launch, guarded
from symposia.models.engines.process import OnWait


class CannedEngine(Engine):
    """Serves the text of its "weights" as every answer."""

    name: ClassVar[str] = "canned"

    async def prepare(self, spec: ModelSpec, weights: Path | str, options: EngineOptions, on_wait: OnWait | None) -> Launch:
        """The command line of the server."""
        del on_wait  # there is nothing to download or convert
        try:
            answer = Path(weights).read_text(encoding="utf-8")  # noqa: ASYNC240 - a line
        except OSError as error:
            raise EngineError(f"the weights of {spec.name} cannot be read: {error.strerror}") from error
        with socket.create_server((HOST, options.port)) as free:
            port = free.getsockname()[1]
        command = ["-m", "symposia.testing.server", "--port", str(port), "--model", spec.remote_name, "--reply", answer]
        # Behind the guard the server ends with the process that started it, however that ends.
        return Launch(command=guarded([sys.executable, *command], self.stop_grace), spec=spec, address=f"http://{HOST}:{port}")
