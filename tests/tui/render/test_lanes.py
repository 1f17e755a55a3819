"""Step searches as lanes."""

from __future__ import annotations

from symposia.core.events import FrontierAdvanced, Lane
from symposia.tui.render.lanes import MOST, lane_lines
from symposia.tui.store.search import Lanes

from .world import DARK, PLAIN, plain


def lane(slot: int, parent: int | None, score: float | None = 0.5, *, weight: float = 0.25, state: str = "live") -> Lane:
    step = "" if score is None else f"step of {slot}"
    return Lane.model_validate({"slot": slot, "parent": parent, "step": step, "score": score, "weight": weight, "state": state})


def frontier(*rounds: tuple[Lane, ...], method: str = "particles", resampled: int = -1) -> Lanes:
    lanes = Lanes(method)
    for index, each in enumerate(rounds):
        event = {"index": index, "method": method, "lanes": each, "ess": 2.5, "threshold": 2.0, "resampled": index == resampled}
        lanes.advance(FrontierAdvanced.model_validate(event))
    return lanes


DROPPED = lane(2, 2, state="dropped", weight=0.0)
PARTICLES = frontier(
    (lane(0, None, 0.9), lane(1, None, 0.1), lane(2, None, 0.5), lane(3, None, 0.7)),
    (lane(0, 0, 0.8), lane(1, 1, 0.2), lane(2, 2, 0.5), lane(3, 3, 0.6)),
    (lane(0, 0, 0.8), lane(1, 0, 0.7), DROPPED, lane(3, 3, 0.9, state="finished")),
    (lane(0, 0, 0.9, weight=0.6), lane(1, 1, None, weight=0.3), DROPPED, lane(3, 3, None, weight=0.1, state="finished")),
    resampled=2,
)


def test_particles() -> None:
    assert plain(line.text for line in lane_lines(PARTICLES, 60, 20, DARK)) == (
        "round 4  2 live of 4  ESS 2.5 (resamples at 2.0)\n"
        "                 4\n"
        "p00 ●      █ ▇┆▇ █  .60 ██████\n"
        "p01 ● ←p00 ▁ ▂┆▆ ·  .30 ███\n"
        "p02 †      ▅ ▅┆† ·  .00\n"
        "p03 ■      ▆ ▅┆█ ·  .10 █\n"
        "┆ resampled  † dropped  ←pNN copied from"
    )


def test_columns_stay_where_they_are_whatever_was_copied() -> None:
    rows = [line.text.plain for line in lane_lines(PARTICLES, 60, 6, DARK)[2:]]
    assert {row.index("┆") for row in rows} == {14}
    assert [line.slot for line in lane_lines(PARTICLES, 60, 6, DARK)] == [None, None, 0, 1, 2, 3]


def test_plain_signs_and_no_room_for_the_legend() -> None:
    lines = lane_lines(PARTICLES, 60, 6, PLAIN)
    assert plain(line.text for line in lines[3:5]) == "p01 * <p00 _ ,:+ .  .30 ###\np02 x      = =:x .  .00"


def test_the_newest_rounds_stand_at_the_right_edge() -> None:
    many = frontier(*((lane(0, 0, 1.0), lane(1, 1, place / 30)) for place in range(30)))
    lines = lane_lines(many, 40, 9, DARK)
    assert plain(line.text for line in lines[1:3]) == "                25        30\np00 ●      █ █ █ █ █ █ █ █ █  .25 ██████"
    assert len(lane_lines(many, 12, 9, DARK)) == 5


def test_beams_and_what_fell_off_them() -> None:
    fallen = (lane(2, 0, 0.3, state="pruned"), lane(3, 1, 0.4, state="pruned"))
    beams = frontier((lane(0, None), lane(1, None), *fallen), (lane(0, 1), lane(1, 1)), method="beams")
    assert plain(line.text for line in lane_lines(beams, 50, 4, DARK, selected=0)) == (
        "round 2  2 live of 2  ESS 2.5 (resamples at 2.0)\n"
        "           1\n"
        "b00 ● ←b01 ▅ ▅  .25 ██████\n"
        "b01 ●      ▅ ▅  .25 ██████\n"
        "✂ ▄ .40 ←b01 step of 3\n"
        "✂ ▃ .30 ←b00 step of 2"
    )
    assert "✂" not in plain(line.text for line in lane_lines(beams, 50, 4, DARK))


def test_many_lanes_are_grouped_by_where_they_come_from() -> None:
    count = MOST + 2
    first = tuple(lane(slot, None, 0.5, weight=1 / count) for slot in range(count))
    second = tuple(lane(slot, 0 if slot < 40 else slot, 0.5, weight=1 / count) for slot in range(count))
    lanes = frontier(first, second)
    lines = lane_lines(lanes, 60, 30, DARK)[2:5]
    assert [(line.slot, line.group) for line in lines] == [(None, 0), (None, 40), (None, 41)]
    assert plain(line.text for line in lines[:2]) == "▸ p00 (40)   ▅ ▅  .95 ██████\n▸ p40 (1)    ▅ ▅  .02 ▏"
    opened = lane_lines(lanes, 60, 30, DARK, open_groups=frozenset({0}))
    assert len(opened) == len(lane_lines(lanes, 60, 30, DARK)) + 40 - (len(opened) > 30)
    assert [(line.slot, line.group) for line in opened[2:5]] == [(None, 0), (0, 0), (1, 0)]
    assert opened[4].text.plain.startswith("  p01 ● ←p00 ▅ ▅")


def test_before_the_first_round() -> None:
    assert plain(line.text for line in lane_lines(Lanes("particles"), 40, 5, DARK)) == "no round yet"
