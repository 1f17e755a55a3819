"""The text of a stream is told while it comes, its thinking is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.core.thinking import LiveText, split_thinking


def live(pieces):
    text = LiveText()
    return [text.feed(piece) for piece in pieces]


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        (["It is", " 42."], ["It is", " 42."]),
        (["<think>", "hm", "</think>", "\n\n", "42"], ["", "", "", "", "42"]),
        (["<th", "ink>h", "m</th", "ink>", "\n4", "2"], ["", "", "", "", "4", "2"]),
        (["\n", "<think>hm</think>42"], ["", "42"]),
        (["<", "b"], ["", "<b"]),
        (["  ", "b"], ["", "  b"]),
        (["<think>hm", "hm"], ["", ""]),
        (["4", "<think>2"], ["4", "<think>2"]),
        ([""], [""]),
    ],
)
def test_live_text(pieces, told):
    assert live(pieces) == told


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "think>", "a", " ", "\n", "b<"]), max_size=8))
def test_what_is_told_live_is_the_text_in_the_end(pieces):
    content = "".join(pieces)
    if "</think>" in content and not content.lstrip().startswith("<think>"):
        return  # a block that the template opened: its end comes too late
    text = split_thinking(content)[1]
    told = "".join(live(pieces))
    assert text.startswith(told)
    if "<think>".startswith(text.lstrip()):
        return  # it might still have become thinking
    assert told == text
