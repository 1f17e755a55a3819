"""Shared by every test. Keeps the repository root off ``sys.path``: its folders must only be found as ``symposia.…``."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _ROOT]
