"""The options of strategies and verifiers as a table."""

from __future__ import annotations

from ..core.base import Frozen
from .output import columns


def option_table(config: type[Frozen]) -> str:
    """A table of the options; text that Python writes as code in its docstrings is shown plain."""
    fields = config.model_json_schema()["properties"]
    rows = [[name, str(field.get("default")), field.get("description", "").replace("``", "")] for name, field in fields.items()]
    return columns(rows, ["OPTION", "DEFAULT", "WHAT IT DOES"])
