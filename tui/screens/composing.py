"""Writing a question, choosing what works on it, and sending it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.widgets import Input, TextArea

from .. import choices, options
from ..item import Item
from ..keys import KEYS
from ..render.chips import Deed, chips
from ..render.keynames import key_name
from ..widgets.composer import Composer
from .base import DeskScreen
from .dialogs.form import Field
from .dialogs.picker import Picker, of

if TYPE_CHECKING:
    from ...runtime.settings import Settings

_CHOICES = ("compose.strategy", "compose.team", "compose.budget", "compose.options")


class Composing(DeskScreen):
    """A screen with a :class:`Composer`. What is chosen holds in the whole application; a draft belongs to its screen."""

    _sending = False

    @property
    def writing(self) -> bool:
        """Whether a text is being written, so that letters are no keys."""
        return isinstance(self.app.focused, TextArea | Input)

    # The line above the draft

    def deeds(self) -> list[tuple[str, str]]:
        """What the keys of the draft do now: the keys' ids, each with some words."""
        return [("compose.send", "asks")]

    def begins(self) -> tuple[str, str]:
        """The key that begins to write, by its id, and what for."""
        return "ask", "writes a question"

    def chosen_here(self) -> bool:
        """Whether what is sent is worked on with what is chosen."""
        return True

    def key(self, name: str) -> str:
        """A key as people read it, by its id; the first of several."""
        keys = self.its_app.settings.keys.get(name) or next(each.key for each in KEYS if each.id == name)
        return key_name(keys.split(",")[0])

    def redraw_chips(self) -> None:
        """Say what works on the draft, and what sending it does."""
        if not self.app.is_running:
            return  # what has the keys changes once more at the end
        composer = self.query_one(Composer)
        if self._sending:
            told = [Deed("", "sending …")]
        elif composer.has_focus_within:
            told = [Deed(self.key(name), does) for name, does in self.deeds()]
        else:
            key, does = self.begins()
            told = [Deed(self.key(key), does)]
        width = composer.content_size.width or max(1, self.size.width - 2)
        shown = choices.shown(self.its_app.choice, self._settings)
        keys = [self.key(name).upper() for name in _CHOICES]
        composer.say(chips(shown, keys, told, width, self.skin, counts=self.chosen_here()))

    @property
    def _settings(self) -> Settings | None:
        return self.desk.session.settings if self.its_app.roster is not None else None

    def on_descendant_focus(self) -> None:
        """Keys mean something else now."""
        self.redraw_chips()

    def on_descendant_blur(self) -> None:
        """Keys mean something else now."""
        self.call_after_refresh(self.redraw_chips)

    # Sending

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        if self._sending:
            return  # what was typed twice is sent once
        self._sending = True
        self.redraw_chips()
        self._carry_out(event.text, queue=event.queue)

    @work(group="send")
    async def _carry_out(self, text: str, *, queue: bool) -> None:
        try:
            done = await self.attempt(self.send(text, queue=queue))
        finally:
            self._sending = False
        composer = self.query_one(Composer)
        if done and composer.draft.strip() == text:
            composer.clear()
        self.redraw_chips()

    async def send(self, text: str, *, queue: bool) -> None:
        """Ask it, and look at the run. Raises :class:`SymposiaError`: the draft stays then."""
        del queue
        choice = self.its_app.choice
        record = await self.desk.ask(
            text, strategy=choice.strategy, team=choice.team, budget=choice.budget, options=choice.options
        )
        self.its_app.look_at(record.id)

    # Choosing

    @on(Composer.Pick)
    def _pick(self, event: Composer.Pick) -> None:
        if self._settings is None:
            self.notify("wait a moment", title="the store is not open yet", severity="warning")
            return
        picks: Mapping[str, Callable[[], Any]] = {
            "strategy": self._pick_strategy,
            "team": self._pick_team,
            "budget": self._pick_budget,
            "options": self._pick_options,
        }
        picks[event.what]()

    def _choose(self, **changes: Any) -> None:
        self.its_app.choice = self.its_app.choice.model_copy(update=changes)
        self.redraw_chips()

    @work(group="dialog", exclusive=True)
    async def _pick_strategy(self) -> None:
        choice, session = self.its_app.choice, self.desk.session
        now = choice.strategy or session.settings.strategy
        picker = Picker("Strategy", partial(choices.strategies, session, choice), chosen=now)
        name = await self.app.push_screen_wait(picker)
        if name is not None:
            self._choose(strategy=name, options=options.fitting(choice.options, name))

    @work(group="dialog", exclusive=True)
    async def _pick_team(self) -> None:
        session = self.desk.session

        def typed(text: str) -> Item:
            return choices.typed_team(text, session)

        now = choices.team_words(self.its_app.choice.team or {})
        load = partial(choices.teams, session)
        hint = "type to search, or MODEL verifier=MODEL …"
        text = await self.app.push_screen_wait(Picker("Models", load, chosen=now, typed=typed, hint=hint))
        if text is not None:
            self._choose(team=choices.read_team(text, session))

    @work(group="dialog", exclusive=True)
    async def _pick_budget(self) -> None:
        settings, roster = self.desk.session.settings, self.its_app.roster
        items = choices.budgets(settings, () if roster is None else roster.records)
        now = self.its_app.choice.budget or ""
        hint = "type to search, or 30, or calls=30,tokens=20k,seconds=90"
        picker = Picker("Budget", of(items), chosen=now, typed=choices.typed_budget, hint=hint)
        text = await self.app.push_screen_wait(picker)
        if text is not None:
            self._choose(budget=text or None)

    @work(group="dialog", exclusive=True)
    async def _pick_options(self) -> None:
        """One after the other, until no further one is taken."""
        settings, chosen = self.desk.session.settings, None
        strategy = self.its_app.choice.strategy or settings.strategy
        while True:
            given = self.its_app.choice.options
            found = options.options(options.config_of(strategy))
            items = options.option_items(found, {**settings.strategies.get(strategy, {}), **given})

            def typed(text: str, given: Mapping[str, Any] = given) -> Item | None:
                return options.typed_options(text, strategy, settings, given)

            hint = "type to search, or KEY=VALUE …"
            picker = Picker(f"Options of {strategy}", of(items), chosen=chosen, typed=typed, hint=hint)
            name = await self.app.push_screen_wait(picker)
            if name is None:
                return
            if "=" in name:
                self._choose(options={**given, **options.read_options(name, strategy, settings)})
                continue
            chosen = name
            await self._set_option(next(each for each in found if each.name == name), strategy)

    async def _set_option(self, option: options.Option, strategy: str) -> None:
        settings, given = self.desk.session.settings, self.its_app.choice.options
        others = {key: value for key, value in given.items() if key != option.name}
        default = settings.strategies.get(strategy, {}).get(option.name, option.default)

        def check(text: str) -> dict[str, Any]:
            return {**others, **options.read_option(option.name, text, strategy, settings, others)}

        told = f"{option.told}\n{option.kind}; empty takes the default: {options.value_words(default)}"
        value = options.value_words(given.get(option.name, default))
        title = f"{option.name} of {strategy}"
        text = await self.app.push_screen_wait(Field(title, value=value, told=told, check=check))
        if text is not None:
            self._choose(options=check(text))
