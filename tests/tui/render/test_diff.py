"""What changed from one text to another."""

from __future__ import annotations

from symposia.tui.render.diff import diff_lines

from .world import DARK, PLAIN, plain

OLD = "\n".join(f"line {place}" for place in range(12))
NEW = OLD.replace("line 5\n", "line five\nand more\n")


def test_one_under_the_other_with_what_is_around() -> None:
    assert plain(diff_lines(OLD, NEW, 40, DARK)) == (
        "… 2 lines as before\n  line 2\n  line 3\n  line 4\n- line 5\n+ line five\n+ and more\n"
        "  line 6\n  line 7\n  line 8\n… 3 lines as before"
    )


def test_side_by_side_where_there_is_room() -> None:
    lines = diff_lines(OLD, NEW, 120, PLAIN)
    assert {line.plain.index("|") for line in lines[1:-1]} == {59}
    assert [" ".join(line.plain.split()) for line in lines[3:6]] == ["line 4 | line 4", "- line 5 | + line five", "| + and more"]


def test_long_lines_are_wrapped_and_marked_once() -> None:
    assert plain(diff_lines("one two three four", "five", 12, DARK)) == "- one two\n  three four\n+ five"


def test_nothing_changed() -> None:
    assert plain(diff_lines(OLD, OLD, 40, DARK)) == "nothing changed"


def test_two_changes_far_from_each_other() -> None:
    new = OLD.replace("line 0\n", "first\n").replace("line 11", "last")
    assert plain(diff_lines(OLD, new, 40, DARK)) == (
        "- line 0\n+ first\n  line 1\n  line 2\n  line 3\n… 4 lines as before\n  line 8\n  line 9\n  line 10\n- line 11\n+ last"
    )
