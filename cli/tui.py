"""``symposia tui``: the terminal application, here or in a browser of this machine."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
from pathlib import Path

import click

from ..core.errors import ConfigError, UsageError
from ..tui.settings import Settings, load, settings_path
from .options import store_option
from .output import data, data_json, note

_THEMES = [name.removeprefix("symposia-") for name in ("symposia-dark", "symposia-light", "symposia-contrast", "symposia-ansi")]


@click.command()
@click.argument("run", required=False)
@store_option
@click.option("--theme", type=click.Choice(_THEMES), help="Colours; by default those of the settings.")
@click.option("--serve", is_flag=True, help="Show it in a browser of this machine, at an address with a key.")
@click.option("--port", type=click.IntRange(1, 65535), help="With --serve; by default a free one.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the settings file.")
def tui(*, run: str | None, store: str | None, theme: str | None, serve: bool, port: int | None, schema: bool) -> None:
    """Ask, watch and steer in the terminal, beginning with RUN where one is named. Leaving it never stops a run.

    Settings are read from tui.toml, beside the user's config.toml.
    """
    if schema:
        data_json(Settings.model_json_schema())
    elif serve:
        _serve(run, store, theme, port or 0)
    elif port is not None:
        raise UsageError("--port goes with --serve")
    else:
        _start(run, store, theme)


def refusal() -> str | None:
    """Why the application cannot be shown here; None where it can."""
    if os.environ.get("TEXTUAL_DRIVER"):  # a browser shows it
        return None
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        return "the terminal application needs a terminal, and this is none"
    if os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
        return f"the terminal application needs a terminal that can do more than TERM={os.environ.get('TERM', '')}"
    return None


def _start(run: str | None, store: str | None, theme: str | None) -> None:
    why = refusal()
    if why is not None:
        raise UsageError(why, hint="`symposia run list` and `symposia run attach` show the same facts")
    from ..tui.app import SymposiaApp  # noqa: PLC0415 - Textual takes a quarter of a second
    from ..tui.desk import Desk, open_session  # noqa: PLC0415
    from ..tui.remembered import recall, remember, remembered_path  # noqa: PLC0415

    settings, fault = load(settings_path())
    place, cwd = remembered_path(), Path.cwd()
    before = recall(place)
    chosen = f"symposia-{theme}" if theme else before.theme if "theme" not in settings.model_fields_set else None
    if chosen in {f"symposia-{name}" for name in _THEMES}:
        settings = Settings.model_validate(settings.model_dump() | {"theme": chosen})
    app = SymposiaApp(
        Desk(lambda: open_session(store, cwd)), run_id=run, settings=settings, remembered=before, fault_of_settings=fault
    )
    app.run()
    remember(place, app.to_remember())
    sys.exit(app.return_code or 0)


def _serve(run: str | None, store: str | None, theme: str | None, port: int) -> None:
    try:
        from ..tui.browser import new_key, serve  # noqa: PLC0415 - a package of its own
    except ImportError as error:
        raise ConfigError("what shows it in a browser is not installed", hint='pip install "symposia[browser]"') from error
    words = [sys.executable, "-m", "symposia.cli", "tui", *([f"--theme={theme}"] if theme else []), *(["--", run] if run else [])]
    if store is not None:
        os.environ["SYMPOSIA_STORE"] = store  # a command line is seen by everybody

    def told(address: str) -> None:
        note("the application is shown to browsers of this machine that have the key; Ctrl-C ends it, runs go on")
        data(address)

    try:
        asyncio.run(serve(shlex.join(words), port, new_key(), told))
    except KeyboardInterrupt:
        note("ended")
    except OSError as error:
        raise ConfigError(f"port {port} cannot be used: {error.strerror or error}") from error
