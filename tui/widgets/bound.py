"""Keys of the table as Textual's bindings."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from ..keys import keys_of


def bindings(*where: str, priority: bool = False, only: str = "") -> list[BindingType]:
    """The bindings of the keys that work there, or of those whose id begins with ``only``.

    The settings' own keys come in by their ids, with Textual's key map.
    """
    return [
        Binding(each.key, each.action, each.label, show=each.shown, id=each.id, tooltip=each.help, priority=priority)
        for each in keys_of(*where)
        if each.id.startswith(only)
    ]
