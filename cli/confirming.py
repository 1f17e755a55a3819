"""Asking before something is removed for good."""

from __future__ import annotations

import sys

import click

from ..core.errors import ConfigError

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def confirm(question: str, *, yes: bool) -> None:
    """Go on only with a yes. Raises :class:`ConfigError` where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nobody can be asked whether to remove", hint="say --yes")
    click.confirm(question, abort=True, err=True)
