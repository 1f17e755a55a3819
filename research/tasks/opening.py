"""Opening a test split: never by accident, always with a reason that is recorded."""

from __future__ import annotations

import getpass
import time

from pydantic import field_validator

from ...core.base import Frozen
from ...core.errors import SplitClosedError
from .item import Split


class Opening(Frozen):
    """Who looks at a test split, when and why. There is none without a reason. Made by :func:`open_test`."""

    reason: str
    who: str
    at: float
    """Seconds since the epoch."""

    @field_validator("reason")
    @classmethod
    def _says_why(cls, reason: str) -> str:
        if not reason.strip():
            raise SplitClosedError("a test split is opened for a reason, and none is given", hint=_HOW)
        return reason.strip()


_HOW = "say why, it is recorded: --split test --open-test REASON, in Python opening=open_test(reason=REASON)"


def open_test(reason: str) -> Opening:
    """Permission to read a test split, for :func:`~.load.load_task`. Raises :class:`SplitClosedError` without a reason."""
    return Opening(reason=reason, who=_user(), at=time.time())


def may_read(task: str, split: Split, opening: Opening | None) -> None:
    """Raise :class:`SplitClosedError` where ``split`` is closed to whoever asks."""
    if split is Split.TEST and opening is None:
        raise SplitClosedError(f"the test split of {task} is closed: develop and compare on the dev split", hint=_HOW)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return "unknown"
