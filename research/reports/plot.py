"""Accuracy against mean cost tokens: curves with their intervals, arms with error bars, the oracle dashed, the front behind.

A colour is an arm and a line is a rule. Colours are those of Okabe and Ito, which colour-blind people tell apart; arms also
differ in their markers and rules in their lines, so that a print in grey can be read. The same findings give the same bytes of
SVG (under one version of matplotlib): no date, no random ids.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, NamedTuple

from ..experiments.analysis import ArmSummary
from ..experiments.curves import BEST_OF, BETA, MAJORITY, ORACLE, WEIGHTED, Curve
from ..experiments.findings import Findings, Spot
from ..statistics.intervals import Interval
from .document import label, plural

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKERS = ("s", "^", "D", "v", "P", "X", "p", "h")
_INK, _FAINT, _GRID = "#222222", "#8A8A8A", "#E4E4E4"
_LINES: dict[str, dict[str, Any]] = {
    MAJORITY: {"linestyle": "-", "marker": "o"},
    BETA: {"linestyle": (0, (4, 1.2, 1, 1.2)), "marker": "d"},
    WEIGHTED: {"linestyle": (0, (1, 1)), "marker": "<"},
    BEST_OF: {"linestyle": (0, (6, 1)), "marker": ">"},
    ORACLE: {"linestyle": (0, (5, 4)), "marker": "none", "linewidth": 1.1},
}
_NAMES = {
    MAJORITY: "majority of N samples",
    BETA: "the same, Beta stopping",
    WEIGHTED: "weighted by scores",
    BEST_OF: "best by score",
    ORACLE: "pass@N (oracle)",
}
_VOTES = frozenset({MAJORITY, BETA, ORACLE})
_BANDS = (BEST_OF, MAJORITY)
"""The rule whose interval is drawn: the first that a pool shows. More bands would hide one another."""
_FRONT: dict[str, Any] = {"color": "#BFBFBF", "linewidth": 3, "solid_capstyle": "round"}
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "text.color": _INK,
    "svg.hashsalt": "symposia",
}


class Plot(NamedTuple):
    """One picture in two formats."""

    png: bytes
    svg: bytes


def plot(findings: Findings) -> Plot | None:
    """Draw the findings; None where there is nothing to draw, for no arm has a result.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib as mpl  # noqa: PLC0415 - half a second, and an extra

    if not any(each.accuracy for each in findings.arms):
        return None
    with mpl.rc_context(_STYLE):
        figure = _figure(findings)
        png, svg = io.BytesIO(), io.BytesIO()
        figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return Plot(png.getvalue(), svg.getvalue())


def _figure(findings: Findings) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    figure = Figure(figsize=(8.6, 4.8), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    axes = figure.add_subplot()
    axes.set_xscale("log")
    colours = {each.arm.label: _COLOURS[place % len(_COLOURS)] for place, each in enumerate(findings.arms)}
    curves = _shown(findings)
    pools = list(dict.fromkeys(curve.label for curve in curves))
    _draw_front(axes, findings.front)
    for curve in curves:
        _draw_curve(axes, curve, colours[curve.label])
    for place, pool in enumerate(pools):
        mine = {curve.rule: curve for curve in curves if curve.label == pool}
        _draw_band(axes, next(mine[rule] for rule in _BANDS if rule in mine), colours[pool], above=bool(place % 2))
    arms = [
        _draw_arm(axes, each, colours[each.arm.label], _MARKERS[place % len(_MARKERS)])
        for place, each in enumerate(findings.arms)
    ]
    _dress(axes, findings)
    handles = [handle for handle in arms if handle] + _keys({curve.rule for curve in curves}, front=len(findings.front) > 1)
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=8.5, handlelength=2.6, labelspacing=0.7)
    return figure


def _shown(findings: Findings) -> list[Curve]:
    """The curves, without votes on samples that were drawn to be scored where the same policy's were drawn to vote: they are of
    one distribution, and would be drawn twice.
    """
    policy = {each.arm.label: each.arm.team.get("policy") for each in findings.arms}
    scored = {curve.label for curve in findings.curves if curve.rule == BEST_OF}
    voted = {policy[curve.label] for curve in findings.curves if curve.label not in scored}
    return [
        curve
        for curve in findings.curves
        if curve.label not in scored or policy[curve.label] not in voted or curve.rule not in _VOTES
    ]


def _draw_front(axes: Axes, front: Sequence[Spot]) -> None:
    if len(front) > 1:
        costs, shares = [_positive(spot.cost) for spot in front], [100 * spot.accuracy for spot in front]
        axes.step(costs, shares, where="post", zorder=1, **_FRONT)


def _draw_curve(axes: Axes, curve: Curve, colour: str) -> None:
    axes.plot(*_line(curve), color=colour, zorder=3, **_line_style(curve.rule))


def _draw_band(axes: Axes, curve: Curve, colour: str, *, above: bool) -> None:
    """The intervals of a curve, and its sizes beside its points; those of neighbours on the other side."""
    costs, shares = _line(curve)
    low, high = zip(*[_within(point.accuracy) for point in curve.points], strict=True)
    axes.fill_between(costs, low, high, color=colour, alpha=0.13, linewidth=0, zorder=2)
    for cost, share, point in zip(costs, shares, curve.points, strict=True):
        # To the side of the bar of an arm that lies on the curve.
        offset = (-8, 7) if above else (8, -12)
        place: dict[str, Any] = {"xytext": offset, "textcoords": "offset points", "ha": "center", "zorder": 6}
        axes.annotate(f"{point.size}", (cost, share), fontsize=7.5, color=colour, **place)


def _draw_arm(axes: Axes, arm: ArmSummary, colour: str, marker: str) -> Artist | None:
    """The arm itself; what stands for it in the legend, or None where it has no result."""
    from matplotlib.lines import Line2D  # noqa: PLC0415

    if arm.accuracy is None or arm.cost_tokens is None:
        return None
    share, (low, high) = 100 * arm.accuracy.estimate, _within(arm.accuracy)
    looks: dict[str, Any] = {
        "color": colour,
        "marker": marker,
        "markersize": 8,
        "markeredgecolor": _INK,
        "markeredgewidth": 0.8,
        "linestyle": "none",
    }
    ends = [[max(0.0, share - low)], [max(0.0, high - share)]]
    axes.errorbar([_positive(arm.cost_tokens)], [share], yerr=ends, elinewidth=1.3, capsize=3, zorder=5, **looks)
    return Line2D([], [], label=textwrap.fill(label(arm.arm.label), 30), **looks)


def _keys(rules: AbstractSet[str], *, front: bool) -> list[Artist]:
    """What the lines mean, in a colour that is no arm's."""
    from matplotlib.lines import Line2D  # noqa: PLC0415

    keys: list[Artist] = [
        Line2D([], [], color=_FAINT, label=name, **_line_style(rule)) for rule, name in _NAMES.items() if rule in rules
    ]
    return [*keys, Line2D([], [], label="Pareto front", **_FRONT)] if front else keys


def _line(curve: Curve) -> tuple[list[float], list[float]]:
    return [_positive(point.cost) for point in curve.points], [100 * point.accuracy.estimate for point in curve.points]


def _line_style(rule: str) -> dict[str, Any]:
    return {"linewidth": 1.8, "markersize": 4.5, "markeredgewidth": 0.8, "markeredgecolor": "white", **_LINES[rule]}


def _dress(axes: Axes, findings: Findings) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: PLC0415

    plan = findings.evidence.plan
    told = [str(plan[name]) for name in ("task", "split") if plan.get(name)]
    told.append(plural(max(each.n_problems for each in findings.arms), "problem"))
    axes.set_title(label(f"{findings.evidence.name} · {', '.join(told)}"), loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel("mean cost tokens a problem (log scale)")
    axes.set_ylabel("accuracy, %")
    axes.grid(visible=True, which="major", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    low, high = axes.get_ylim()
    axes.set_ylim(max(0.0, low), min(100.0, high))
    left, right = axes.get_xlim()
    # One arm alone has no width: a decade around it, so that the axis has a number.
    axes.set_xlim(min(left, right / 4), max(right, left * 4))
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _positive(cost: float) -> float:
    """A cost that a logarithmic axis can show."""
    return max(1.0, cost)


def _within(interval: Interval) -> tuple[float, float]:
    """Ends in per cent."""
    return 100 * interval.low, 100 * interval.high
