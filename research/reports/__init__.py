"""Reports: what an experiment shows, as tables, files and one plot. Every number in them is computed from the evidence."""

from __future__ import annotations

from .write import Written, terminal_table, write_report

__all__ = ["Written", "terminal_table", "write_report"]
