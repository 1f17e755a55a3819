"""The command tree. Sub-commands are loaded when they are called, so that ``--help`` answers at once."""

from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType

import click

from ..core.errors import SymposiaError
from .lazy import LazyGroup, Place
from .output import data, note, report, report_usage, without_secrets
from .unbroken import keep_stderr_unbroken

_COMMANDS = {
    "tui": Place("tui:tui", "Ask, watch and steer in the terminal; also what `symposia` alone does."),
    "solve": Place("solve:solve", "Answer a question with a strategy."),
    "verify": Place("verify:verify", "Score solutions that are there already."),
    "strategies": Place("strategies:strategies", "List the strategies, or show the options of one."),
    "verifiers": Place("verifiers:verifiers", "List the verifiers, or show the options of one."),
    "tasks": Place("tasks:tasks", "List the tasks, or show one and count its problems."),
    "tools": Place("tools:tools", "List, show, call, write, add and remove tools."),
    "corpus": Place("corpus:corpus", "Keep documents that tools search: list, show, add, search, embed and remove them."),
    "run": Place("runs:run", "List, show, follow, steer, resume, replay, fork, copy and remove runs."),
    "eval": Place("eval:evaluate", "Run an experiment, go on with it, and read its results."),
    "calibrate": Place("calibrate:calibrate", "Learn from an experiment how likely answers are right, by confidence."),
    "bench": Place("bench:bench", "Measure verifiers on solutions whose worth is known."),
    "models": Place("models:models", "List, download, choose and serve models."),
    "doctor": Place("doctor:doctor", "Check this machine: store, engines, weights, servers, keys."),
    "config": Place("config:config", "Show the configuration and where each value comes from."),
}


class UnexpectedError(SymposiaError):
    """A mistake in the program, said in one sentence."""

    def __init__(self, error: Exception) -> None:
        super().__init__(
            f"something that should not happen did: {type(error).__name__}: {error}",
            hint="what was committed is safe; please report it with what --debug shows",
        )


@click.command(cls=LazyGroup, places=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="symposia", message="%(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, *, debug: bool) -> None:
    """Language models that reason together."""
    ctx.meta["symposia.debug"] = debug


def _show_traceback(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    note(without_secrets("".join(traceback.format_exception(error))))


def _arguments() -> list[str]:
    """What was asked for: where nothing was, the application, if there is a terminal to show it in."""
    if len(sys.argv) > 1:
        return sys.argv[1:]
    streams = (sys.stdin, sys.stdout, sys.stderr)
    shown = all(stream.isatty() for stream in streams) and os.environ.get("TERM", "") not in {"", "dumb", "unknown"}
    return ["tui"] if shown else []


def run() -> None:
    """Run the command; every error becomes one sentence on stderr and an exit code."""
    keep_stderr_unbroken()
    debug = "--debug" in sys.argv
    as_json = "--json" in sys.argv
    if debug:
        sys.excepthook = _show_traceback
    try:
        code = cli.main(_arguments(), standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.exceptions.NoArgsIsHelpError as error:
        data(error.format_message())
        code = 0
    except click.ClickException as error:
        code = report_usage(error)
    except BrokenPipeError:
        # The reader of stdout went away (`| head`): nothing is wrong, and nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except SymposiaError as error:
        if debug:
            raise
        code = report(error, as_json=as_json)
    except Exception as error:
        if debug:
            raise
        code = report(UnexpectedError(error), as_json=as_json)
    sys.exit(code if isinstance(code, int) else 0)
