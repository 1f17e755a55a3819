"""Which runs are no evidence: those in which calls failed in a way that may pass. They are counted, and tried again."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.errors import AuthError, ModelError
from ...core.result import Result, Status


def _with_descendants(kind: type[ModelError]) -> Iterator[type[ModelError]]:
    for each in kind.__subclasses__():
        yield from _with_descendants(each)
    yield kind


_BY_CODE = {kind.code: kind for kind in _with_descendants(ModelError)}


def broken_by(result: Result) -> str | None:
    """The code of the failure that makes a run no evidence about its arm; None where it is evidence.

    A run without any answer because all calls failed, whatever the reason, and one that lost some of its calls to a failure
    that may pass: a vote of 9 samples is not what was asked for where the server was gone for the other 7.
    """
    passing = [code for code in result.failures if code in _BY_CODE and _BY_CODE[code].retryable]
    if passing:
        return max(passing, key=result.failures.__getitem__)
    if result.status is not Status.FAILED:
        return None
    return max(result.failures, key=result.failures.__getitem__, default="error")


def concerns_all(code: str) -> bool:
    """Whether every other run with that model will fail as well, as long as nothing is done about it."""
    kind = _BY_CODE.get(code)
    return kind is not None and (kind.retryable or kind is AuthError)


def gone(model: str, code: str, times: int, said: str | None) -> ModelError:
    """The error that ends an experiment whose model does not answer any more."""
    message = f"{times} runs in a row failed with {model}: {said or code}"
    return _BY_CODE[code](message, hint="nothing is lost; the same command goes on once the model answers again")
