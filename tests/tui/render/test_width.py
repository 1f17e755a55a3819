"""Whatever is drawn: never too wide, never more than it was given room for, never a control character, never a base style."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from symposia.tui.render.agents import agent_lines
from symposia.tui.render.burn import burn_lines
from symposia.tui.render.diff import diff_lines
from symposia.tui.render.lanes import lane_lines
from symposia.tui.render.log import note_line
from symposia.tui.render.runs import COLUMNS, run_cells
from symposia.tui.render.samples import live_line, sample_line
from symposia.tui.render.skin import SKINS, Skin
from symposia.tui.render.steps import step_lines
from symposia.tui.render.top import top_bar
from symposia.tui.render.tree import node_label, tree_footer
from symposia.tui.render.votes import forms_lines, vote_lines

from .world import BEGAN, anything, coloured, reasoned, record, result

NASTY = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("ab \n\t\x1b\x9b\r\x07\u202e\u200d\ufe0f\ud800漢字한🏽👩🇩مرחकि\u0301[]/"),
    ),
    min_size=1,
    max_size=40,
)
NOW = BEGAN + 60


def lines(text: str, width: int, height: int, skin: Skin) -> Iterator[Text]:
    """Everything that can be drawn of a run in which ``text`` stands everywhere."""
    view = anything(text)
    its = record(question=text if text.strip() else "?", strategy=text)
    yield top_bar(view, its, writing=210, now=NOW, width=width, skin=skin)
    for drawn in (vote_lines(view, width, height, skin), burn_lines(view, its, NOW, width, height, skin)):
        assert len(drawn) <= height
        yield from drawn
    for ballot in view.tally.ranked:
        yield from forms_lines(view, ballot.answer, width, skin)
    yield from agent_lines(view, its, NOW, width, skin)
    yield from (note_line(note, width, skin) for note in view.notes)
    yield from (sample_line(sample, width, skin, picked=sample.number == 1) for sample in view.samples.values())
    yield live_line(f"/{text}#0", text, width, skin)
    assert view.lanes is not None
    yield from (line.text for line in lane_lines(view.lanes, width, height, skin))
    old = reasoned(f"{text}.", "and so", scores=(0.2, None), said=text, thinking=text)
    new = reasoned(f"{text}.", f"or {text}")
    for focused, unfolded in ((None, False), (0, True)):
        drawn = step_lines(old, width, skin, focused=focused, thinking=unfolded, tools=unfolded, refined=new)
        yield from (line.text for line in drawn)
    yield from diff_lines(f"{text}\nsame", f"{text}!\nsame", width, skin)


def loose(text: str, skin: Skin) -> Iterator[Text]:
    """What has columns of its own, or is cut by who shows it."""
    view = anything(text)
    assert view.tree is not None
    yield node_label(view.tree, "a", skin, focused=True)
    yield tree_footer(view.tree, skin)
    yield from run_cells(record(question=text if text.strip() else "?", strategy=text, result=result(answer=text)), NOW, skin)


def harmless(line: Text) -> bool:
    return not {unicodedata.category(each) for each in line.plain} & {"Cc", "Cs", "Zl", "Zp"} and line.style == ""


@settings(max_examples=60, deadline=None)
@given(NASTY, st.integers(1, 170), st.integers(1, 30), st.sampled_from([SKINS["dark"], SKINS["ansi"].with_ascii()]))
def test_nothing_is_wider_than_asked_whatever_a_model_writes(text: str, width: int, height: int, skin: Skin) -> None:
    for line in lines(text, width, height, skin):
        assert cell_len(line.plain) <= width, line.plain
        assert harmless(line), repr(line.plain)
    for line in loose(text, skin):
        assert cell_len(line.plain) <= 200
        assert harmless(line), repr(line.plain)


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(max_codepoint=126, min_codepoint=32), min_size=1, max_size=30), st.integers(1, 170))
def test_plain_signs_draw_plain_text(text: str, width: int) -> None:
    skin = SKINS["dark"].with_ascii()
    for line in [*lines(text, width, 20, skin), *loose(text, skin)]:
        assert line.plain.isascii(), line.plain


def test_without_colour_no_part_has_one() -> None:
    shown = [*lines("so it [bold]is", 150, 30, SKINS["dark"]), *loose("so", SKINS["dark"])]
    assert any(map(coloured, shown))
    for name in SKINS:
        skin = SKINS[name].without_colour()
        assert not any(coloured(line) for line in [*lines("so it is", 150, 30, skin), *loose("so it is", skin)])


def test_markup_is_text() -> None:
    shown = "\n".join(line.plain for line in lines("[bold]so[/bold]", 150, 30, SKINS["dark"]))
    assert "[bold]so[/bold]" in shown


def test_a_row_has_a_cell_for_each_column() -> None:
    assert len(run_cells(record(), NOW, SKINS["dark"])) == len(COLUMNS)
