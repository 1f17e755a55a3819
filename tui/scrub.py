"""A run as it was: folded again from its events, up to one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .store import snapshot
from .store.run import RunView, fold

if TYPE_CHECKING:
    from ..memory.store import Store

_NEAR = 1_000
"""Events between the place that is looked at and the one from which a step back begins anew."""


class Scrub:
    """Steps through the events of a run. ``view`` is the run after event ``view.seq``."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.view = RunView()
        self._store = store
        self._run_id = run_id
        self._marks: dict[int, bytes] | None = None
        """Views by the number of their last event: few where the run is long past, one near to what is looked at."""

    async def go(self, seq: int) -> RunView:
        """Show the run after event ``seq``, or after its first where that is before it. Raises :class:`StoreError`."""
        seq = max(1, seq)
        if self._marks is None:
            kept = await self._store.fold(self._run_id, snapshot.NAME, snapshot.VERSION)
            self._marks = {} if kept is None else {kept.seq: kept.body}
        begin = seq < self.view.seq or not self.view.seq
        view = _before(seq, self._marks) if begin else self.view
        while view.seq < seq:
            ahead = min(seq, view.seq // _NEAR * _NEAR + _NEAR)
            page = await self._store.events(self._run_id, after=view.seq, limit=ahead - view.seq)
            if not page:
                break
            fold(view, page)
            if _worth(view.seq, seq, self._marks):
                self._marks[view.seq] = snapshot.dump(view)
        self.view = view
        return view


def _worth(at: int, goal: int, marks: Mapping[int, bytes]) -> bool:
    """Whether a view after event ``at``, on the way to ``goal``, is kept: the rarer the longer the run, for it costs."""
    last = max((mark for mark in marks if mark <= at), default=0)
    return at % _NEAR == 0 and at > last and (goal - at < _NEAR or at - last >= max(_NEAR, at // 8))


def _before(seq: int, marks: Mapping[int, bytes]) -> RunView:
    """The run at the last mark that is not behind ``seq``."""
    mark = max((each for each in marks if each <= seq), default=None)
    view = None if mark is None else snapshot.load(marks[mark])
    return view or RunView()
