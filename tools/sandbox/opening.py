"""The one way to a sandbox: by its name."""

from __future__ import annotations

from typing import Literal, get_args

from ...core.errors import SandboxError, UnknownNameError
from ...core.sandbox import Sandbox

SandboxName = Literal["monty", "bubblewrap", "unsafe"]
SANDBOXES: tuple[str, ...] = get_args(SandboxName)
"""Every name, the one that is kept tightest first."""


def open_sandbox(name: str, *, workers: int = 2) -> Sandbox:
    """The sandbox ``name`` with ``workers`` processes, which are started when they are first needed.

    Raises :class:`UnknownNameError` for a name that is none, :class:`SandboxError` where that sandbox cannot be had here: no
    other is taken instead.
    """
    if name == "monty":
        return _monty(workers)
    if name == "bubblewrap":
        from .bubblewrap import BubblewrapSandbox  # noqa: PLC0415 - only what is asked for is loaded

        return BubblewrapSandbox(workers=workers)
    if name == "unsafe":
        from .unsafe import UnsafeSandbox  # noqa: PLC0415 - as above

        return UnsafeSandbox(workers=workers)
    raise UnknownNameError("sandbox", name, SANDBOXES)


def _monty(workers: int) -> Sandbox:
    try:
        from .monty import MontySandbox  # noqa: PLC0415 - a compiled module, absent on rare machines
    except ImportError as error:
        raise SandboxError(f"monty cannot be loaded: {error}", hint="pip install pydantic-monty") from error
    return MontySandbox(workers=workers)
