"""The one table of keys: the footer, the help, the palette and the settings are made of it.

A key that ``tmux send-keys`` cannot send has no place here, and nothing destructive is done by a single letter without being
asked again. Letters work wherever no text is being written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Key(NamedTuple):
    """What one key does."""

    id: str
    """Stable: settings name it to give it another key."""
    key: str
    """As Textual spells it; several by commas."""
    action: str
    """Of the screen or of the application."""
    label: str
    """For the footer."""
    help: str
    where: str
    """``everywhere``, ``composer``, ``question`` or a screen; several by blanks."""
    shown: bool = False
    """Whether the footer has it."""


KEYS: tuple[Key, ...] = (
    Key("screen.runs", "1", "mode('runs')", "runs", "All runs, newest first", "everywhere"),
    Key("screen.live", "2", "mode('live')", "live", "The run as it happens", "everywhere"),
    Key("screen.trace", "3", "mode('trace')", "trace", "Every sample of the run, step by step", "everywhere"),
    Key("screen.models", "7", "mode('models')", "models", "Models: what is here, running, or to be had", "everywhere"),
    Key("palette", "ctrl+p,colon", "command_palette", "palette", "Find any action by its name", "everywhere"),
    Key("help", "question_mark,f1", "help", "keys", "What each key does here", "everywhere", shown=True),
    Key("quit", "q,ctrl+q", "quit", "quit", "Leave; runs go on", "everywhere", shown=True),
    Key("up", "escape", "up", "back", "Out of a text, a search, a zoom; else back to the runs", "everywhere"),
    Key("pane.next", "tab", "app.pane(1)", "pane", "The next pane", "everywhere"),
    Key("pane.before", "shift+tab", "app.pane(-1)", "pane", "The pane before", "everywhere"),
    Key("pane.zoom", "z", "zoom", "zoom", "One pane on the whole screen, and back", "everywhere"),
    Key("theme", "f8", "next_theme", "theme", "The next theme", "everywhere"),
    Key("ask", "a", "ask", "ask", "Ask a question", "everywhere", shown=True),
    Key("down", "j,down", "down", "down", "Down", "everywhere"),
    Key("above", "k,up", "above", "up", "Up", "everywhere"),
    Key("page.down", "pagedown", "page_down", "page down", "A page down", "everywhere"),
    Key("page.up", "pageup", "page_up", "page up", "A page up", "everywhere"),
    Key("first", "g,home", "first", "first", "The first line", "everywhere"),
    Key("last", "G,end", "last", "last", "The last line; a growing text is followed from there on", "everywhere"),
    Key("open", "enter", "open", "open", "Open what is under the cursor", "everywhere"),
    Key("search", "slash", "search", "search", "Show only lines with these words", "everywhere", shown=True),
    Key("runs.sort", "s", "sort", "sort", "Sort by the next column", "runs", shown=True),
    Key(
        "run.pause",
        "space",
        "pause",
        "pause",
        "Pause: calls under way end, no new one is made; again to resume",
        "live",
        shown=True,
    ),
    Key("run.pause_now", "P", "pause_now", "pause now", "Pause, and cancel the calls under way", "live"),
    Key("run.resume", "r", "resume", "resume", "Go on with a run that was paused or interrupted", "live"),
    Key("run.stop", "x", "stop", "stop", "Stop with the best answer so far; asked again first", "live", shown=True),
    Key("run.steer", "s", "steer", "steer", "Tell the models something from their next calls on", "live", shown=True),
    Key("run.retune", "b", "retune", "budget", "Change the budget of the run", "live", shown=True),
    Key("run.answer", "w", "answer", "allow", "Say whether a tool's call that waits may be made", "live"),
    Key("run.take_back", "u", "take_back", "take back", "Take back the last wish that was not taken up yet", "live"),
    Key("run.fork", "f", "fork", "fork", "A new run that goes on from here", "live trace"),
    Key("run.export", "e", "export", "export", "Write the run to a file: Markdown, JSON or SVG", "live trace", shown=True),
    Key("step.copy", "y", "copy", "copy", "Copy the step under the cursor", "trace", shown=True),
    Key("step.diff", "d", "diff", "diff", "What a sample changed in the one that it was made from", "trace", shown=True),
    Key("search.next", "n", "next_match(1)", "next", "The next place with these words", "trace"),
    Key("search.before", "N", "next_match(-1)", "before", "The place before with these words", "trace"),
    Key("scrub.back", "comma", "scrub(-1)", "earlier", "The run as it was one event earlier", "live trace"),
    Key("scrub.on", "full_stop", "scrub(1)", "later", "The run as it was one event later", "live trace"),
    Key("scrub.first", "less_than_sign", "scrub_end(-1)", "beginning", "The run as it began", "live trace"),
    Key("scrub.last", "greater_than_sign", "scrub_end(1)", "now", "The run as it is now", "live trace"),
    Key("text.thinking", "t", "thinking", "thinking", "Show or fold what was thought", "live trace"),
    Key("text.tools", "o", "tool_output", "tools", "Show or fold what tools gave", "trace"),
    Key("model.pull", "p", "pull", "pull", "Download a model; again to stop: what came is kept", "models", shown=True),
    Key("model.serve", "v", "serve", "serve", "Serve a model for every program on this machine", "models", shown=True),
    Key("model.stop", "x", "stop", "stop", "Stop a model that is served; asked again first", "models", shown=True),
    Key("model.use", "u", "use", "use", "Use a model where no other is named", "models", shown=True),
    Key("compose.send", "enter", "send", "send", "Ask; in a run that goes on: steer", "composer"),
    Key("compose.line", "ctrl+j", "newline", "new line", "A new line", "composer"),
    Key("compose.queue", "ctrl+n", "queue", "queue", "Ask it when the run has ended", "composer"),
    Key("compose.take_back", "alt+up", "take_back", "take back", "Take back what waits last, to write it anew", "composer"),
    Key("compose.strategy", "f2", "pick_strategy", "strategy", "Choose the strategy", "composer"),
    Key("compose.team", "f3", "pick_team", "team", "Choose the models", "composer"),
    Key("compose.budget", "f4", "pick_budget", "budget", "Choose the budget", "composer"),
    Key("compose.options", "f5", "pick_options", "options", "Set options of the strategy", "composer"),
    Key("question.allow", "a", "allow", "allow", "Allow this call", "question"),
    Key("question.allow_all", "A", "allow_all", "allow all", "Allow this tool in this run", "question"),
    Key("question.deny", "r", "deny", "deny", "Do not allow this call", "question"),
    Key("question.deny_saying", "R", "deny_saying", "deny, saying why", "Do not allow it, and tell the model why", "question"),
)
"""Every key, in the order of the help."""


def keys_of(*where: str, changed: Mapping[str, str] | None = None) -> list[Key]:
    """The keys that work there, with the settings' own keys by id in the place of ours."""
    changed = changed or {}
    return [each._replace(key=changed.get(each.id, each.key)) for each in KEYS if set(each.where.split()) & {*where}]
