"""Where a user's own files are. It imports nothing of ours, for a screen is drawn before settings are read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs


def user_file_path(environ: Mapping[str, str] | None = None) -> Path:
    """The user's own file: ``SYMPOSIA_CONFIG`` where set, else ``config.toml`` in the platform's configuration folder."""
    named = (os.environ if environ is None else environ).get("SYMPOSIA_CONFIG")
    return Path(named).expanduser() if named else platformdirs.user_config_path("symposia") / "config.toml"


def user_data_path() -> Path:
    """The platform's folder for what the program keeps: the store, weights, logs."""
    return platformdirs.user_data_path("symposia", appauthor=False)
