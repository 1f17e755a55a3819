"""Groups of commands that live in modules which are imported on use, so that ``--help`` answers at once."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click

from ..core.errors import UnknownNameError


class Place(NamedTuple):
    """Where a command lives, and its line in the help."""

    where: str
    """``MODULE:ATTRIBUTE`` within this package."""
    summary: str


class LazyGroup(click.Group):
    """Commands by name, in the order of the help. With ``default``, arguments that begin with no command are that one's."""

    def __init__(self, *args: Any, places: Mapping[str, Place], default: str | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._places = places
        self._default = default

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names in the order of use."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load a command."""
        if cmd_name not in self._places:
            return None
        module, _, attribute = self._places[cmd_name].where.partition(":")
        command: click.Command = getattr(importlib.import_module(f".{module}", __package__), attribute)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command before arguments that name none."""
        if self._default is not None and args and args[0] not in {*self._places, *ctx.help_option_names}:
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Resolve, naming the nearest command where there is none."""
        if args and args[0] not in self._places and not args[0].startswith("-"):
            raise UnknownNameError("command", args[0], self._places)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the help lines without loading the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in self._places.items()])
