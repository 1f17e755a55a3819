"""Colours that can be read, and signs that double them."""

from __future__ import annotations

from dataclasses import fields

import pytest
from rich.cells import cell_len
from rich.style import Style

from symposia.core.result import RunState
from symposia.tui.render.skin import ASCII, SKINS, UNICODE, Glyphs

STYLES = ("text", "dim", "accent", "high", "mid", "low", "good", "warn", "bad", "person")
LOWEST = {"dark": 4.5, "light": 4.5, "contrast": 7.0}


def luminance(colour: str) -> float:
    """Relative luminance, as the Web Content Accessibility Guidelines 2.1 define it."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_formula_gives_the_known_extremes() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("name", LOWEST)
def test_every_colour_can_be_read_on_its_ground(name: str) -> None:
    skin = SKINS[name]
    shades = [getattr(skin, style) for style in STYLES] + [skin.ramp(at / 40) for at in range(41)]
    assert min(contrast(shade, skin.ground) for shade in shades) >= LOWEST[name]


@pytest.mark.parametrize("name", LOWEST)
def test_the_ramp_goes_from_orange_through_grey_to_blue(name: str) -> None:
    skin = SKINS[name]
    assert (skin.ramp(0.0), skin.ramp(1.0), skin.ramp(2.0)) == (skin.low, skin.high, skin.high)
    for colour, reddish in ((skin.ramp(0.0), True), (skin.ramp(1.0), False)):
        assert (int(colour[1:3], 16) > int(colour[5:7], 16)) is reddish
    assert len({skin.ramp(at / 1000) for at in range(1001)}) == 16
    assert skin.ramp(None) == skin.ramp(float("nan")) == skin.dim


def test_the_terminals_own_colours_have_three_steps() -> None:
    skin = SKINS["ansi"]
    assert [skin.ramp(value) for value in (0.1, 0.5, 0.9)] == [skin.low, skin.mid, skin.high]
    assert skin.ground == ""


def test_each_skin_says_its_name() -> None:
    assert {name: skin.name for name, skin in SKINS.items()} == {name: name for name in ("dark", "light", "contrast", "ansi")}


@pytest.mark.parametrize("name", SKINS)
def test_without_colour_there_is_none(name: str) -> None:
    skin = SKINS[name].without_colour()
    shades = [getattr(skin, style) for style in STYLES] + [skin.ramp(at / 10) for at in range(11)]
    assert all(Style.parse(shade).color is None for shade in shades)


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_signs_are_as_wide_as_they_are_said_to_be(glyphs: Glyphs) -> None:
    for field in fields(Glyphs):
        sign = getattr(glyphs, field.name)
        wanted = {"heights": 8, "fills": 4, "dot": 3}.get(field.name, 1)
        if field.name not in {"lengths", "ellipsis"}:
            assert cell_len(sign) == len(sign) == wanted, field.name
    assert cell_len(glyphs.ellipsis) <= 2


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_signs_that_stand_at_one_place_differ(glyphs: Glyphs) -> None:
    assert len({glyphs.state(state) for state in RunState}) == len(RunState)
    assert len({*glyphs.heights, glyphs.unscored, glyphs.refused}) == 10
    assert len(set(glyphs.fills)) == 4
    assert len({glyphs.busy, glyphs.finished, glyphs.dropped}) == 3


def test_plain_signs_are_plain() -> None:
    assert all(getattr(ASCII, field.name).isascii() for field in fields(Glyphs))
