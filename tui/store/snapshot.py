"""A view as bytes, so that a long run is not folded from its beginning each time that it is looked at."""

from __future__ import annotations

import json
import zlib
from dataclasses import fields
from operator import attrgetter

from pydantic import TypeAdapter

from .run import RunView, Sample, Verdict

NAME = "tui"
VERSION = 1
"""Rises with every change of what a view holds or of how events are folded: older snapshots are folded anew."""
EVERY = 5_000
"""Events between two snapshots."""

_VIEW: TypeAdapter[RunView] = TypeAdapter(RunView)
_SAMPLE = attrgetter(*(each.name for each in fields(Sample) if each.name != "verdicts"))
_VERDICT = attrgetter(*(each.name for each in fields(Verdict)))


def dump(view: RunView) -> bytes:
    """The view as compressed JSON."""
    # There may be ten thousands of samples: as rows they are read ten times as fast as by pydantic.
    rows = [(*_SAMPLE(sample), [_VERDICT(each) for each in sample.verdicts]) for sample in view.samples.values()]
    rest = _VIEW.dump_json(view, exclude={"samples"}).decode()
    return zlib.compress(json.dumps([rest, rows], ensure_ascii=False).encode(), 1)


def load(body: bytes) -> RunView | None:
    """The view that :func:`dump` was given; None where the bytes hold none."""
    try:
        rest, rows = json.loads(zlib.decompress(body))
        view = _VIEW.validate_json(rest)
        for row in rows:
            row[-1] = [Verdict(name, value, tuple(steps), seq) for name, value, steps, seq in row[-1]]
            sample = Sample(*row)
            view.samples[sample.id] = sample
    except (zlib.error, ValueError, TypeError, LookupError):  # pydantic's ValidationError is a ValueError
        return None
    return view
