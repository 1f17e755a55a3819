"""What a person can ask of the run that is looked at. Nothing here is done by the application: the run takes it up."""

from __future__ import annotations

from textual import on, work

from ...core.budget import Budget
from ...core.errors import ConfigError, SymposiaError
from ...core.records import ControlKind, ControlRecord, RunRecord
from ..feed import Feed
from ..render.caps import budget_of, elapsed
from ..render.cells import money, span, tokens
from ..render.wishes import Strip
from ..store.run import Question
from ..widgets.composer import Composer
from ..widgets.wishes import Wishes
from ..wishing import draft_of, goes_on, last_own, open_questions, taken_last, toggled
from .composing import Composing
from .dialogs.confirm import Confirm
from .dialogs.export import export
from .dialogs.form import Field
from .dialogs.question import QuestionDialog, Word
from .forking import fork

_ANSWER_EVERY = 0.5


class Steering(Composing):
    """A screen of a run, with its :class:`Composer` and :class:`Wishes`."""

    def __init__(self) -> None:
        super().__init__()
        self._answered: set[str] = set()
        """Keys of calls that were answered here."""
        self._left: set[str] = set()
        """Keys of calls whose question was left: it does not open by itself again."""
        self._allowed: set[tuple[str, str]] = set()
        """Runs and tools: their calls are allowed without being asked again."""

    def on_mount(self) -> None:
        """Questions are answered whatever screen is in front."""
        self.set_interval(_ANSWER_EVERY, self._answer_allowed)

    @property
    def record(self) -> RunRecord | None:
        """The run that is looked at."""
        return None if self.feed is None else self.feed.record

    @property
    def selected(self) -> str | None:
        """Id of the sample under the cursor."""
        return None

    def redraw_steering(self) -> None:
        """The strip and the line above the draft; a question opens by itself where nothing is being written."""
        feed = self.feed
        if feed is None:
            return
        questions = self._questions(feed)
        taken = None if feed.ended else taken_last(feed.now)
        strip = Strip(feed.wishes, taken, questions)
        answer = self.key("run.answer") if not self.writing else f"{self.key('up')} {self.key('run.answer')}"
        back = self.key("compose.take_back") if self.writing else self.key("run.take_back")
        self.query_one(Wishes).tell(strip, (answer, back), self.its_app.now, self.skin)
        self.redraw_chips()
        fresh = [each for each in questions if each.key not in self._left and (feed.run_id, each.tool) not in self._allowed]
        if fresh and not self.writing and self.is_current:
            self._ask_about(feed, fresh[0])

    # The draft

    def deeds(self) -> list[tuple[str, str]]:
        """A run that goes on is steered; one that has ended is followed by another."""
        if goes_on(self.record):
            return [("compose.send", "steers"), ("compose.queue", "asks it next")]
        return [("compose.send", "asks anew")]

    def begins(self) -> tuple[str, str]:
        """A run that goes on is written to."""
        return ("run.steer", "writes to the run") if goes_on(self.record) else super().begins()

    def chosen_here(self) -> bool:
        """A run that goes on has its own strategy, team and budget."""
        return not goes_on(self.record)

    async def send(self, text: str, *, queue: bool) -> None:
        """Steer, or queue, or ask anew."""
        record = self.record
        if record is None or not goes_on(record):
            await super().send(text, queue=queue)
        else:
            await self.desk.wish(record, ControlKind.QUEUE if queue else ControlKind.STEER, text=text)

    def action_steer(self) -> None:
        """Begin to write."""
        self.query_one(Composer).action_write()

    # Pause, resume, stop

    def _wish(self, kind: ControlKind, *, budget: Budget | None = None, said: str = "") -> None:
        record = self.record
        if record is not None:
            self.run_worker(self.attempt(self.desk.wish(record, kind, budget=budget), said), group="wish")

    def action_pause(self) -> None:
        """Pause, or resume."""
        feed = self.feed
        if feed is None or feed.record is None:
            return
        if not goes_on(feed.record):
            self.its_app.tell(_not_going(feed.record, self.key("run.resume"), self.key("run.fork")))
        else:
            self._wish(toggled(feed.record, feed.wishes))

    def action_pause_now(self) -> None:
        """Pause, and cancel the calls under way."""
        self._wish(ControlKind.PAUSE_NOW)

    @work(group="wish")
    async def action_resume(self) -> None:
        """Go on with a run that was paused or interrupted."""
        record = self.record
        if record is None:
            return
        try:
            said = await self.desk.resume(record.id)
        except SymposiaError as error:
            self.its_app.tell(error)
        else:
            self.notify(said, title=f"run {record.id}", markup=False)

    @work(group="dialog", exclusive=True)
    async def action_stop(self) -> None:
        """Stop the run, after asking again."""
        record = self.record
        if record is None:
            return
        if not goes_on(record):
            self.its_app.tell(_not_going(record, self.key("run.resume"), self.key("run.fork")))
            return
        told = (
            "It makes no new call and ends with the best answer so far. Calls under way are cancelled; what they spent stays "
            f"spent. With {self.key('run.resume')} it can be gone on with later."
        )
        if await self.app.push_screen_wait(Confirm(f"Stop run {record.id}?", told, yes="stops it")):
            self._wish(ControlKind.STOP, said="asked to stop")

    # Budget

    @work(group="dialog", exclusive=True)
    async def action_retune(self) -> None:
        """Change caps of the budget."""
        feed = self.feed
        if feed is None or feed.record is None:
            return
        record = feed.record
        if not goes_on(record):
            self.its_app.tell(_not_going(record, self.key("run.resume"), self.key("run.fork")))
            return
        now = budget_of(feed.now, record)
        intro = f"in force: {now}\nspent:    {_spent(feed, record, self.its_app.now)}"
        told = "write for example calls=50,tokens=20k,seconds=90; a cap that is left out stays as it is"
        field = Field("Budget", value="" if now == Budget() else str(now), told=told, intro=intro, check=_caps)
        text = await self.app.push_screen_wait(field)
        if text is not None:
            self._wish(ControlKind.RETUNE, budget=_caps(text))

    # Taking back

    @on(Composer.TakeBack)
    def _take_back(self) -> None:
        self.action_take_back()

    @work(group="take-back", exclusive=True)
    async def action_take_back(self) -> None:
        """Take back the last wish; what it said returns to the draft."""
        feed = self.feed
        if feed is None:
            return
        wish = last_own(feed.wishes, self.desk.author)
        if wish is None:
            self.notify("what was taken up cannot be taken back", title="nothing of yours waits", severity="warning")
            return
        await self.attempt(self._withdraw(feed, wish))

    async def _withdraw(self, feed: Feed, wish: ControlRecord) -> None:
        if not await self.desk.take_back(feed.run_id, wish.seq):
            raise ConfigError(f"{wish.kind.value} was taken up in the meantime")
        feed.wishes = [each for each in feed.wishes if each.seq != wish.seq]
        if wish.response is not None:
            self._answered.discard(wish.response.about)
        if draft := draft_of(wish):
            composer = self.query_one(Composer)
            composer.write("\n".join(filter(None, (draft, composer.draft.strip()))))
            composer.action_write()
        self.redraw_steering()

    # Forking

    @work(group="dialog", exclusive=True)
    async def action_fork(self) -> None:
        """A new run that goes on from a place of this one."""
        if self.feed is not None:
            await fork(self, self.feed, self.feed.now.samples.get(self.selected or ""))

    # Questions

    def _questions(self, feed: Feed) -> list[Question]:
        return open_questions(feed.now, feed.wishes, self._answered) if not feed.ended else []

    def action_answer(self) -> None:
        """Open the question that waits longest."""
        feed = self.feed
        questions = [] if feed is None else self._questions(feed)
        if feed is None or not questions:
            self.notify("no tool's call waits for a word", severity="warning")
            return
        self._left.clear()
        self._ask_about(feed, questions[0])

    @work(group="dialog", exclusive=True)
    async def _ask_about(self, feed: Feed, question: Question) -> None:
        self._left.add(question.key)
        count = self._questions(feed)
        place = (1 + [each.key for each in count].index(question.key) if question in count else 1, max(1, len(count)))
        keys = [(self.key(name), does) for name, does in _WORDS]
        dialog = QuestionDialog(question, place, lambda: question.key in feed.now.questions, keys=keys)
        word = await self.app.push_screen_wait(dialog)
        if word is None:  # later: that goes for the others, too
            self._left |= feed.now.questions.keys()
            self.redraw_steering()
            return
        note = ""
        if word.asks_note:
            asked = await self.app.push_screen_wait(Field("Why not?", told="the model is told this"))
            if asked is None:  # thought better of it: nothing is decided
                self.redraw_steering()
                return
            note = asked.strip()
        # In work of its own: the next question may open before the store has answered, and ends this one.
        self._answered.add(question.key)
        if word.every:
            self._allowed.add((feed.run_id, question.tool))
        self.run_worker(self._respond(feed, question, word, note), group="wish")

    async def _respond(self, feed: Feed, question: Question, word: Word, note: str) -> None:
        if not await self.attempt(self.desk.respond(feed.run_id, question.key, approve=word.approve, note=note)):
            self._answered.discard(question.key)
        elif word.every:
            told = "its further calls are allowed unasked while this run is open here"
            self.notify(told, title=f"{question.tool} in run {feed.run_id}", markup=False)
        self.redraw_steering()

    async def _answer_allowed(self) -> None:
        """Allow further calls of tools that were allowed for the rest of the run."""
        feed = self.feed
        if feed is None:
            return
        for question in self._questions(feed):
            if (feed.run_id, question.tool) in self._allowed:
                self._answered.add(question.key)
                try:
                    await self.desk.respond(feed.run_id, question.key, approve=True, note="")
                except SymposiaError:
                    self._answered.discard(question.key)  # tried again, or asked about

    # Export

    @work(group="dialog", exclusive=True)
    async def action_export(self) -> None:
        """Write the run to a file."""
        if self.record is not None:
            await export(self, self.desk.store, self.record.id)


_WORDS = (
    ("question.allow", "allow"),
    ("question.allow_all", "allow this tool from now on"),
    ("question.deny", "do not allow"),
    ("question.deny_saying", "say why not"),
    ("up", "decide later"),
)


def _not_going(record: RunRecord, resume: str, fork: str) -> ConfigError:
    return ConfigError(f"run {record.id} is {record.state}: nobody would hear it", hint=f"{resume} resumes it, {fork} forks it")


def _caps(text: str) -> Budget:
    """Caps to be changed. Raises :class:`SymposiaError`."""
    budget = Budget.parse(text)
    if budget == Budget():
        raise ConfigError("no cap is given that should change", hint="write for example calls=50,seconds=90")
    return budget


def _spent(feed: Feed, record: RunRecord, now: float) -> str:
    total = feed.now.burn.total
    dollars = money(total.dollars) + (f" + {total.unpriced_calls} unpriced calls" if total.unpriced_calls else "")
    return f"{total.calls} calls, {tokens(total.tokens)} tokens, {dollars}, {span(elapsed(feed.now, record, now))}"
