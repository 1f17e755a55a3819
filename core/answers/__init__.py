"""Answers: found in text, brought into canonical form, and compared.

Definitions and invariants:

* ``extract`` finds the answer in what a model wrote, by a fixed order of rules; the rule that found it stands in the answer.
  It never raises, takes linear time, and never invents an answer: a text without one gives None.
* ``canonical`` turns a text that is an answer into ``(value, unit)``. Values are fixed points of it: equal numbers have equal
  values however they are written (3.50, 7/2), and a unit is never part of the value.
* ``plain_same`` compares two answers exactly, where that decides; where only symbols can, :class:`SymbolicWorker` asks sympy
  in a process that is killed when its time is up, and "unknown" never counts as equal.
* ``group`` makes a partition of answers, the basis of every vote: a pure function of their order by index.

Importing this loads no sympy.
"""

from __future__ import annotations

from .equivalence import Same, group, plain_same
from .extract import extract
from .normalise import Canonical, canonical
from .symbolic import SymbolicWorker

__all__ = ["Canonical", "Same", "SymbolicWorker", "canonical", "extract", "group", "plain_same"]
