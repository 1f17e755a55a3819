"""Lines of a given width."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.tui.render.lines import fit, flowed, joined, left, packed, right, words

from .world import DARK, PLAIN

WORDS = st.lists(st.text("ab 漢", min_size=1, max_size=8), max_size=6)


def test_words_keep_their_styles() -> None:
    text = words("a ", ("b", "bold"), words(("c", "dim")))
    assert (text.plain, [(span.start, span.style) for span in text.spans]) == ("a bc", [(2, "bold"), (3, "dim")])


def test_what_is_cut_says_so_and_keeps_its_styles() -> None:
    text = words(("漢字", "bold"), "rest")
    assert fit(text, 5, DARK).plain == "漢字…"
    assert fit(text, 4, PLAIN).plain == "漢.."
    assert fit(text, 5, DARK).spans[0].style == "bold"
    assert fit(text, 8, DARK) is text


@settings(deadline=None)
@given(WORDS, st.integers(2, 20))
def test_no_line_is_wider_than_asked(parts: list[str], width: int) -> None:
    texts = [words(part) for part in parts]
    for skin in (DARK, PLAIN):
        assert all(line.cell_len <= width for line in flowed(texts, width, skin))
        for text in texts:
            assert left(text, width, skin).cell_len == right(text, width, skin).cell_len == width
    assert "".join("".join(part.split()) for part in parts).startswith("".join(packed(texts, width).plain.split()))


def test_joining() -> None:
    parts = [words("one"), words(), words("two"), words("three")]
    assert joined(parts, "-").plain == "one-two-three"
    assert packed(parts, 8).plain == "one  two"
    assert [line.plain for line in flowed(parts, 8, DARK)] == ["one  two", "three"]
    assert packed([], 8).plain == ""
