"""The error tree. Every error a user can meet is one of these, raised with one clear sentence.

::

    SymposiaError
    ├── UsageError                  the request is wrong; nothing was spent             exit 2
    │   ├── UnknownNameError        no such strategy, model, option or key; nearest name
    │   ├── ConfigError             a configuration file or variable cannot be used
    │   │   └── LabelTokensError    a label that is not one token of the model
    │   ├── ProblemError            empty or oversized question, answer kind that cannot be voted
    │   ├── MissingAbilityError     no model of the team can do what the strategy needs
    │   ├── MissingKeyError         the environment variable with the API key is not set
    │   ├── TaskError               problems cannot be read: file, line, field
    │   ├── EvidenceError           results of an experiment cannot be read, or not compared
    │   ├── SplitClosedError        a test split that nobody opened
    │   └── ToolRefusedError        a tool written at run time that cannot be admitted: the reason
    ├── ModelError                  a model call failed; translated at one boundary
    │   ├── UnreachableError        nobody answers at the endpoint              retryable, exit 5
    │   ├── RateLimitError          429                                         retryable, exit 5
    │   ├── ServerError             5xx                                         retryable, exit 5
    │   ├── ModelTimeoutError       no reply within the deadline                retryable, exit 5
    │   ├── BrokenReplyError        reset, truncated, not JSON, no choices      retryable, exit 5
    │   ├── AuthError               401, 403
    │   ├── ContextLengthError      the prompt does not fit the model
    │   └── RejectedError           any other 4xx
    ├── BudgetExhaustedError        the call does not fit what is left                  exit 4
    ├── DeadlineError               the run's seconds are used up                       exit 4
    ├── StoppedError                a stop was asked for; no new call is made         exit 130
    ├── RunInterruptedError         whoever executed the run is gone; it can be resumed  exit 130
    ├── RunFailedError              a run inside a host's graph ended without an answer
    ├── DetachError                 the process that should execute a run gave up
    ├── ReplayDiverged              the run asks for something else than its journal holds
    ├── StoreError                  the store cannot be used; nothing already in it is lost
    │   ├── StoreFullError          no space left on the device
    │   ├── StoreUnreachableError   its database server cannot be reached       retryable, exit 5
    │   ├── StoreReadOnlyError
    │   ├── StoreCorruptError
    │   ├── StoreVersionError       written by a newer symposia
    │   ├── RunNotFoundError                                                            exit 2
    │   ├── NameTakenError          a run, ledger or experiment has this name already   exit 2
    │   ├── LeaseHeldError          another process executes this run                   exit 2
    │   └── LeaseLostError          another process took this run over
    ├── WeightsError                weights could not be had
    │   ├── ChecksumError           sha256 differs
    │   └── DownloadError           every source failed                                 exit 5
    ├── EngineError                 a local engine did not start or died
    └── SandboxError                the sandbox that was asked for cannot be had: nothing is run in a weaker one

A caller decides by ``retryable`` and ``code``, never by reading text. ``billed`` on a :class:`ModelError` says whether the
provider may have spent tokens on the failed call: such a call stays charged as lost.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .result import Result


class SymposiaError(Exception):
    """Root of the tree. ``str(error)`` is one sentence for the user; ``hint`` says how to mend it."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(SymposiaError):
    """The request cannot be carried out as asked. Nothing was spent."""

    code = "usage"
    exit_code = 2


class UnknownNameError(UsageError):
    """A name that is not known, with the nearest one that is."""

    code = "unknown_name"

    def __init__(self, what: str, name: str, known: Iterable[str], *, where: str | None = None) -> None:
        choices = sorted(known)
        near = nearest(name, choices)
        place = f" in {where}" if where else ""
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(choices)}" if choices else "none is known"
        super().__init__(f"unknown {what} {name!r}{place}", hint=hint)


class ConfigError(UsageError):
    """A configuration file, variable or option value cannot be used."""

    code = "config"


class LabelTokensError(ConfigError):
    """A model was asked how likely its reply begins with a label that is not one of its tokens."""

    code = "label_tokens"


class ProblemError(UsageError):
    """The question itself cannot be worked on."""

    code = "problem"


class MissingAbilityError(UsageError):
    """No model of the team has an ability that the strategy needs."""

    code = "missing_ability"


class MissingKeyError(UsageError):
    """The environment variable that should hold an API key is not set. The message names the variable only."""

    code = "missing_key"


class TaskError(UsageError):
    """Problems of a task cannot be read, or their gold answers cannot be used. Names file, line and field where there are."""

    code = "task"


class EvidenceError(UsageError):
    """Results of an experiment cannot be read, or two of them cannot be compared. Names file, line and column where there are."""

    code = "evidence"


class SplitClosedError(UsageError):
    """A test split was asked for that nobody opened. Opening one takes a reason, which is recorded."""

    code = "split_closed"


class ToolRefusedError(UsageError):
    """A tool that was written at run time cannot be admitted. The message is the reason; nothing was stored."""

    code = "tool_refused"


class ModelError(SymposiaError):
    """A model call failed. ``billed`` is True where the provider may have generated tokens all the same."""

    code = "model"
    billed: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class UnreachableError(ModelError):
    """Nobody answers at the endpoint: refused, no route, name not found."""

    code = "unreachable"
    exit_code = 5
    retryable = True


class RateLimitError(ModelError):
    """The provider asked us to slow down. ``retry_after`` is its wish in seconds, where it gave one."""

    code = "rate_limit"
    exit_code = 5
    retryable = True


class ServerError(ModelError):
    """The provider answered with a 5xx status."""

    code = "server"
    exit_code = 5
    retryable = True


class ModelTimeoutError(ModelError):
    """No complete reply within the deadline of the call."""

    code = "timeout"
    exit_code = 5
    retryable = True
    billed = True


class BrokenReplyError(ModelError):
    """The reply broke off or is not what the protocol promises: reset, truncated JSON, HTML, no choices."""

    code = "broken_reply"
    exit_code = 5
    retryable = True
    billed = True


class AuthError(ModelError):
    """The provider refuses the key. The message names the variable, never its value."""

    code = "auth"


class ContextLengthError(ModelError):
    """Prompt and ``max_tokens`` do not fit the model's context."""

    code = "context_length"


class RejectedError(ModelError):
    """The provider rejects the request for another reason (any other 4xx)."""

    code = "rejected"


class BudgetExhaustedError(SymposiaError):
    """A call does not fit what is left of the budget."""

    code = "budget"
    exit_code = 4


class DeadlineError(SymposiaError):
    """The run's seconds are used up."""

    code = "deadline"
    exit_code = 4


class StoppedError(SymposiaError):
    """A stop was asked for; the run makes no new call and ends with what it has."""

    code = "stopped"
    exit_code = 130


class RunInterruptedError(SymposiaError):
    """The process that executed the run is gone and left no result. Resuming the run goes on from its journal."""

    code = "run_interrupted"
    exit_code = 130


class DetachError(SymposiaError):
    """A process that should execute a run could not be started, or gave up before it began. The run waits as it was."""

    code = "detach"


class RunFailedError(SymposiaError):
    """A run inside a host's graph ended without an answer; ``result`` holds what there is."""

    code = "run_failed"

    def __init__(self, result: Result) -> None:
        why = f": {result.error}" if result.error else f" ({result.stop_reason})"
        super().__init__(
            f"run {result.run_id} of {result.strategy} ended {result.status}{why}",
            hint=f"see `symposia run show {result.run_id}`, or embed with on_failure='write'",
        )
        self.result = result


class ReplayDiverged(SymposiaError):  # noqa: N818 - the name is part of the design
    """The run asks under a key for something else than its journal holds there, or for what it does not hold at all."""

    code = "replay_diverged"


class StoreError(SymposiaError):
    """The store cannot be used. What was committed stays."""

    code = "store"


class StoreFullError(StoreError):
    """No space left on the device."""

    code = "store_full"


class StoreUnreachableError(StoreError):
    """The database server of the store does not answer, or the connection to it was lost."""

    code = "store_unreachable"
    exit_code = 5
    retryable = True


class StoreReadOnlyError(StoreError):
    """The store or its folder cannot be written."""

    code = "store_read_only"


class StoreCorruptError(StoreError):
    """The file is not a store or is damaged."""

    code = "store_corrupt"


class StoreVersionError(StoreError):
    """The store was written by a newer symposia."""

    code = "store_version"


class RunNotFoundError(StoreError):
    """No run has this id."""

    code = "run_not_found"
    exit_code = 2


class NameTakenError(StoreError):
    """A run, a shared ledger or an experiment has this name already."""

    code = "name_taken"
    exit_code = 2


class LeaseHeldError(StoreError):
    """Another live process executes this run."""

    code = "lease_held"
    exit_code = 2


class LeaseLostError(StoreError):
    """The lease went to another process; this one must write nothing more for the run."""

    code = "lease_lost"


class WeightsError(SymposiaError):
    """Weights of a local model could not be had."""

    code = "weights"


class ChecksumError(WeightsError):
    """The sha256 of a file is not the one the catalogue names."""

    code = "checksum"


class DownloadError(WeightsError):
    """Every source of the weights failed."""

    code = "download"
    exit_code = 5
    retryable = True


class EngineError(SymposiaError):
    """A local engine did not start, or died."""

    code = "engine"


class SandboxError(SymposiaError):
    """The sandbox that was asked for cannot be had here, or broke down. No code is ever run in a weaker one instead."""

    code = "sandbox"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to ``name``, or None where nothing is close."""
    choices = {choice.casefold(): choice for choice in known}
    found = difflib.get_close_matches(name.casefold(), choices, n=1, cutoff=0.5)
    return choices[found[0]] if found else None
