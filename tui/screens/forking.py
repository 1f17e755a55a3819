"""Forking a run: a new one that goes on from a place of it, with what was done up to there copied."""

from __future__ import annotations

from functools import partial

from ...core.budget import Budget
from .. import options
from ..feed import Feed
from ..store.run import Sample
from ..wishing import fork_place
from .base import DeskScreen
from .dialogs.form import Form, Line


async def fork(screen: DeskScreen, feed: Feed, under: Sample | None) -> None:
    """Ask from where, with which budget and options, have the fork executed and look at it.

    Offered is the sample ``under`` the cursor, or the event after which the run is shown.
    """
    record = feed.record
    if record is None:
        return
    samples = list(feed.now.samples.values())
    here = "last" if under is None else f"sample {under.number}"
    if feed.scrub is not None:  # the run is shown as it was then
        here = f"event {feed.view.seq}"
    read = partial(options.read_options, strategy=record.spec.strategy, settings=screen.desk.session.settings)
    place = partial(fork_place, samples=samples)
    told = "last, sample 3, event 12, or a journal key: what is up to there is copied and not paid again"
    budget = "" if record.spec.budget == Budget() else str(record.spec.budget)
    form = Form(
        f"Fork run {record.id}",
        [
            Line("place", "from", here, told, place),
            Line("budget", "budget", budget, "of the new run; what is copied counts against it", _budget),
            Line("options", "options", "", f"KEY=VALUE … of {record.spec.strategy} that shall be others", read),
        ],
    )
    values = await screen.app.push_screen_wait(form)
    if values is None:
        return

    async def make() -> None:
        caps = values["budget"].strip() or None
        made = await screen.desk.fork(record.id, at=place(values["place"]), budget=caps, options=read(values["options"]))
        screen.notify(f"goes on from run {record.id}", title=f"run {made.id}", markup=False)
        screen.its_app.look_at(made.id)

    await screen.attempt(make())


def _budget(text: str) -> Budget:
    """Caps of a new run; none where nothing is written. Raises :class:`SymposiaError`."""
    budget = Budget.parse(text) if text.strip() else Budget()
    budget.require_room()
    return budget
