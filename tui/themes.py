"""The four themes: what Textual paints its widgets with, made of the same colours as everything that is drawn."""

from __future__ import annotations

from textual.theme import Theme

from .render.skin import SKINS, Skin
from .settings import Settings

_PREFIX = "symposia-"


def _of(skin: Skin, *, dark: bool, surface: str, panel: str, edge: str) -> Theme:
    return Theme(
        name=f"{_PREFIX}{skin.name}",
        primary=skin.accent,
        secondary=skin.person,
        accent=skin.accent,
        warning=skin.warn,
        error=skin.bad,
        success=skin.good,
        foreground=skin.text,
        background=skin.ground,
        surface=surface,
        panel=panel,
        dark=dark,
        variables={
            "border-blurred": edge,
            "block-cursor-background": skin.accent,
            "block-cursor-foreground": skin.ground,
            "block-cursor-text-style": "bold",
            "footer-key-foreground": skin.accent,
            "footer-background": panel,
            "input-selection-background": f"{skin.accent} 35%",
        },
    )


_ANSI = Theme(
    name=f"{_PREFIX}ansi",
    ansi=True,
    primary="ansi_bright_blue",
    secondary="ansi_magenta",
    accent="ansi_bright_blue",
    warning="ansi_magenta",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables={
        "block-cursor-background": "ansi_bright_blue",
        "block-cursor-foreground": "ansi_black",
        "border-blurred": "ansi_bright_black",
        "input-cursor-background": "ansi_default",
        "input-cursor-foreground": "ansi_default",
        "input-cursor-text-style": "reverse",
        "input-selection-background": "ansi_blue",
        "input-selection-foreground": "ansi_white",
        "footer-key-foreground": "ansi_bright_blue",
    },
)

THEMES: tuple[Theme, ...] = (
    _of(SKINS["dark"], dark=True, surface="#1b1f24", panel="#22272d", edge="#42484e"),
    _of(SKINS["light"], dark=False, surface="#f0f0ec", panel="#e6e6e1", edge="#b9b9b1"),
    _of(SKINS["contrast"], dark=True, surface="#000000", panel="#1c1c1c", edge="#8c8c8c"),
    _ANSI,
)
"""In the order in which one key goes through them."""


def skin_of(theme: str, settings: Settings, *, plain: bool) -> Skin:
    """What everything is drawn with under a theme of this name; ``plain`` leaves out colours, as ``NO_COLOR`` asks for.

    A theme that is not ours is drawn with the terminal's own colours.
    """
    skin = SKINS.get(theme.removeprefix(_PREFIX), SKINS["ansi"])
    if plain:
        skin = skin.without_colour()
    return skin.with_ascii() if settings.ascii else skin
