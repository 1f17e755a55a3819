"""One execution in monty: its output, its sleeps, what it asks the operating system for, and its end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from typing import Any

import pydantic_monty
from pydantic_monty import MontyCrashedError, MontyRuntimeError, MontySyntaxError

from ...core.errors import SandboxError
from ...core.sandbox import Ending, Execution, Limits
from .inside.values import ValueTooLargeError, to_json
from .monty_endings import Raised, ending_of
from .requests import one_line

_SLEEPS = ("time.sleep", "asyncio.sleep")
_ATTEMPTS = 8
"""At a worker that lives; a pool has few."""


class Feed:
    """Code on its way through a worker. ``kill`` may be called from any thread at any time."""

    def __init__(self, code: str, inputs: dict[str, Any], limits: Limits) -> None:
        self._code = code
        self._inputs = inputs
        self._limits = limits
        self._lock = threading.Lock()
        self._worker: int | None = None
        self._verdict: Ending | None = None
        self._killed = threading.Event()
        self._deadline: threading.Timer | None = None
        self._reached = False
        self._room = limits.output
        self._output: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._began = time.monotonic()

    def run(self, pool: pydantic_monty.Monty) -> Execution:
        """Run the code in a worker of ``pool``, which gets another worker where this one dies."""
        self._began = time.monotonic()
        session = self._session(pool)
        try:
            self._begin(session.worker_pid)
            value = session.feed_run(self._code, inputs=self._inputs, print_callback=self._hear, os=self._answer)
            return self._execution(Ending.OK, value=json.loads(to_json(value)))
        except MontyCrashedError as error:
            return self._execution(Ending.TIME if error.timed_out else Ending.CRASHED, str(error))
        except (MontySyntaxError, MontyRuntimeError) as error:
            return self._raised(error)
        except ValueTooLargeError:
            return self._execution(Ending.ERROR, "its value is too large to be given back")
        except (ValueError, RecursionError) as error:  # a value that cannot be brought here: a huge integer, endless nesting
            return self._execution(Ending.ERROR, f"{type(error).__name__}: {error}")
        finally:
            self._end()
            session.__exit__(None, None, None)

    def kill(self, verdict: Ending) -> None:
        """End the code, which then has ended like that. Nothing happens where it has ended before."""
        with self._lock:
            self._verdict = self._verdict or verdict
            self._killed.set()
            if self._worker is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._worker, signal.SIGKILL)
                self._worker = None

    def _session(self, pool: pydantic_monty.Monty) -> pydantic_monty.MontySession:
        """A worker to itself. That one died while it was idle shows now; the pool then has another for whoever asks again."""
        limits: pydantic_monty.ResourceLimits = {
            "max_feed_duration_secs": self._limits.seconds,
            "max_memory": self._limits.memory,
        }
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(MontyCrashedError):
                return pool.checkout(limits=limits, os_policy={"sleep": "call_host"}).__enter__()
        raise SandboxError("the workers of monty die before they run anything", hint="install pydantic-monty again")

    def _begin(self, worker: int | None) -> None:
        with self._lock:
            self._worker = worker
        if self._verdict:  # while it waited for its turn
            self.kill(self._verdict)

    def _end(self) -> None:
        with self._lock:
            self._worker = None
        if self._deadline:
            self._deadline.cancel()

    def _hear(self, stream: str, text: str) -> None:
        data = text.encode(errors="replace")
        self._output[stream].append(data[: max(self._room, 0)].decode(errors="ignore"))
        self._room -= len(data)
        if self._room < 0:
            self.kill(Ending.OUTPUT)

    def _answer(self, *, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], **_: Any) -> Any:
        """What monty asks of the operating system for the code: sleeping is done here, nothing else is."""
        if name not in _SLEEPS:
            self._reached = True
            return pydantic_monty.NOT_HANDLED
        seconds = next(iter((*args, *kwargs.values())), 0)
        if self._deadline is None:  # monty's own clock stands still meanwhile
            self._deadline = threading.Timer(self._began + self._limits.seconds - time.monotonic(), self.kill, [Ending.TIME])
            self._deadline.start()
        self._killed.wait(min(seconds, 2 * self._limits.seconds))  # who sleeps longer is killed meanwhile
        return None

    def _raised(self, error: MontySyntaxError | MontyRuntimeError) -> Execution:
        kind, _, message = error.display("type-msg").partition(": ")
        frames = error.traceback()
        if kind == "SystemExit" and message in {"", "0", "None"}:
            return self._execution(Ending.OK)
        ending = ending_of(Raised(kind, message, traced=bool(frames), reached=self._reached))
        place = f" (line {frames[-1].line})" if frames else ""
        return self._execution(ending, f"{kind}: {message}{place}" if message else f"{kind}{place}")

    def _execution(self, ending: Ending, error: str | None = None, *, value: Any = None) -> Execution:
        if self._verdict:  # whatever monty made of the end of its worker, or managed to say before it
            ending, value, error = self._verdict, None, error or "its worker was ended"
        if ending is Ending.TIME:
            error = f"it took more than {self._limits.seconds:g} seconds"
        elif ending is Ending.OUTPUT:
            error = f"it wrote more than {self._limits.output} bytes"
        return Execution(
            ending=ending,
            value=value,
            stdout="".join(self._output["stdout"]),
            stderr="".join(self._output["stderr"]),
            error=one_line(error) if error else None,
            seconds=time.monotonic() - self._began,
        )
