"""How the vote stands."""

from __future__ import annotations

from symposia.core.events import CandidateAdded
from symposia.core.result import StopReason
from symposia.tui.render.votes import forms_lines, vote_lines

from .world import DARK, PLAIN, answer, decided, plain, started, view, voted


def ballots(**languages: str) -> list[CandidateAdded]:
    """Votes by language, a letter each; ``-`` is one without an answer."""
    each = [(value, language) for language, values in languages.items() for value in values]
    return [voted(place, None if value == "-" else value, language) for place, (value, language) in enumerate(each)]


def test_answers_alone_where_there_is_one_language() -> None:
    of = view(started(), *ballots(en="aaaabbc-"))
    assert plain(vote_lines(of, 40, 10, DARK)) == (
        "a    █████████████████████████  4   57%\n"
        "b    ████████████▌              2   29%\n"
        "c    ██████▎                    1   14%\n"
        "▸ a  4/7 votes  margin 2\n"
        "1 without an answer"
    )
    assert plain(vote_lines(of, 40, 3, PLAIN)) == (
        "a    #########################  4   57%\n+2 answers  3\n> a  4/7 votes  margin 2"
    )  # fmt: skip


def test_languages_and_where_they_differ() -> None:
    of = view(started(), *ballots(en="aaab", hi="aa", sw="abbb", es="-"))
    assert plain(vote_lines(of, 46, 10, DARK)) == (
        "                   a               b  agree\n"
        "en    ██████████   3  ███▍         1    75%\n"
        "hi    ██████▋      2               0   100%\n"
        "sw    ███▍         1  ██████████   3    25% ≠\n"
        "es                 0               0      ·\n"
        "▸ a  6/10 votes  margin 2  languages agree 2/4\n"
        "1 without an answer"
    )


def test_what_does_not_fit_is_counted() -> None:
    of = view(started(), *ballots(en="aabcdefg", hi="a", sw="b"))
    lines = vote_lines(of, 40, 4, DARK)
    assert len(lines) == 4
    assert lines[0].plain.rstrip().endswith("agree  +5")
    assert lines[2].plain == "+2 languages"


def test_the_strategys_own_count_is_what_holds() -> None:
    came = ballots(en="aab", hi="bbb")
    own = decided({"b": 4, "a = b": 2}, reason=StopReason.AGREED, pick="b", en=[("b", 1), ("a = b", 2)], hi=[("b", 3)])
    shown = plain(vote_lines(view(started(), *came, own, voted(9, "z", counted=False)), 90, 10, DARK))
    assert shown.endswith("▸ b  4/6 votes  margin 2  languages agree 1/2  cannot change any more  1 late")
    assert "z" not in shown


def test_the_pick_leads_though_others_have_more_votes() -> None:
    own = decided({"$5": 3, "7 kg": 2}, pick="7")
    assert plain(vote_lines(view(started(), own), 60, 10, DARK)).endswith("▸ 7 kg  2/5 votes  margin -1")
    assert plain(vote_lines(view(started(), decided({"$5": 3, "7 kg": 2}, pick="5")), 60, 10, DARK)).endswith(
        "▸ $5  3/5 votes  margin 1"
    )


def test_nothing_can_change_is_only_said_where_it_was_proven() -> None:
    shown = plain(vote_lines(view(started(), decided({"a": 3})), 80, 10, DARK))
    assert "cannot change" not in shown


def test_before_the_first_vote() -> None:
    assert plain(vote_lines(view(started()), 40, 5, DARK)) == "no votes yet"
    assert plain(vote_lines(view(started(), *ballots(en="--")), 40, 5, DARK)) == "2 without an answer, no votes yet"
    assert vote_lines(view(started()), 40, 0, DARK) == []


def test_ways_of_writing_an_answer() -> None:
    written = [answer("42", raw) for raw in ("42", "\\boxed{42}", "42", "42.0")]
    each = [voted(place, "42") for place in range(4)]
    events = [
        one.model_copy(update={"candidate": one.candidate.model_copy(update={"answer": given})})
        for one, given in zip(each, written, strict=True)
    ]
    of = view(started(), *events)
    assert plain(forms_lines(of, "42", 40, DARK)) == "   2  42\n   1  \\boxed{42}\n   1  42.0"
    assert plain(forms_lines(of, "43", 40, DARK)) == "nobody wrote it in another way"
