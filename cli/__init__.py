"""The ``symposia`` command. stdout is data, everything else goes to stderr; exit codes are in docs/exit-codes.md."""

from __future__ import annotations


def main() -> None:
    """Run the command."""
    from .app import run  # noqa: PLC0415 - keeps `import symposia.cli` free of click

    run()
