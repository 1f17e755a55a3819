"""The models of a machine as a table, and what is known of one of them."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from ...models.engines.running import EngineState
from ...models.shelf import Standing, price_words, standing_words
from ...models.weights import gigabytes
from ..shelf import Job, Machine, Row
from .cells import gauge, tokens
from .inert import inert, one_line
from .lines import fit, flowed, words
from .skin import Skin
from .table import Column, fitted, line
from .wrap import wrapped

COLUMNS: Mapping[str, Column] = {
    "MODEL": Column(26, grows=True),
    "STATE": Column(34),
    "SIZE": Column(7, drop=2),
    "CONTEXT": Column(8, drop=3),
    "$/M IN/OUT": Column(11, drop=1),
}
_BAR = 12


def head_line(width: int, skin: Skin) -> Text:
    """The names of the columns."""
    return line([words((name, f"bold {skin.dim}".strip())) for name in COLUMNS], fitted(COLUMNS, width))


def row_line(row: Row, job: Job | None, width: int, skin: Skin) -> Text:
    """A model in a line; the default has a mark."""
    spec, columns = row.spec, fitted(COLUMNS, width)
    room = next((each.width for each in columns if each.place == 1), 0)
    name = words((f"{skin.glyphs.best if row.default else ' '} ", skin.accent), (one_line(row.name, width, skin), skin.text))
    size = "" if spec.weights is None else gigabytes(spec.weights.size)
    price = price_words(spec)
    cells = [
        name,
        _state(row, job, room, skin),
        words((size, skin.dim)),
        words((tokens(spec.context), skin.dim)),
        words(("" if price == "unknown" else price, skin.dim)),
    ]
    return fit(line(cells, columns), width, skin)


def detail_lines(row: Row, job: Job | None, width: int, skin: Skin) -> list[Text]:
    """What is known of the model under the cursor, and how the work on it goes."""
    spec = row.spec
    lines = [words((one_line(row.name, width, skin), f"bold {skin.text}".strip()))]
    if spec.note:
        lines += [words((each.plain, skin.dim)) for each in wrapped(inert(spec.note), width, skin)]
    facts = [f"context {tokens(spec.context)}", "can " + ", ".join(sorted(spec.abilities))]
    if spec.memory:
        facts.append(f"needs {gigabytes(spec.memory)} of memory")
    if spec.weights is not None:
        facts.append(f"licence {spec.weights.licence}")
    lines += flowed([words((one_line(fact, width, skin), skin.dim)) for fact in facts], width, skin, skin.glyphs.dot)
    if row.engine is not None:
        served = row.engine
        about = f"{served.engine}, {row.state}, {gigabytes(row.memory)}" if row.memory else f"{served.engine}, {row.state}"
        lines.append(_fact("served by", one_line(about, width, skin), skin))
        if served.endpoint:
            lines.append(_fact("at", one_line(served.endpoint, width, skin), skin))
        if served.log and row.state is EngineState.DEAD:
            lines.append(_fact("log", one_line(served.log, width, skin), skin))
    if job is not None:
        lines += job_lines(job, width, skin)
    return [fit(each, width, skin) for each in lines]


def job_lines(job: Job, width: int, skin: Skin) -> list[Text]:
    """How the work on a model goes, or why it failed and how that is mended."""
    if job.error is not None:
        said = [words((each.plain, skin.bad)) for each in wrapped(inert(job.error.message), width, skin)]
        hint = [words((each.plain, skin.text)) for each in wrapped(inert(job.error.hint or ""), width, skin)]
        return [*said, *(hint if job.error.hint else [])]
    lines = [] if job.share is None else [gauge(job.share, max(1, min(width - 5, 48)), skin).append(f" {job.share:4.0%}")]
    return [*lines, *([words((one_line(job.told, width, skin), skin.dim))] if job.told else [])]


def machine_line(machine: Machine, width: int, skin: Skin) -> Text:
    """What this machine has, in a line."""
    facts = [
        f"{gigabytes(machine.memory)} of memory free",
        f"{gigabytes(machine.disk)} of disk free",
        "llama.cpp installed" if machine.llamacpp else 'no llama.cpp: pip install "symposia[local]"',
        *(f"{name} answers on this machine" for name in machine.servers),
    ]
    return fit(words((one_line(skin.glyphs.dot.join(facts), width, skin), skin.dim)), width, skin)


def _fact(label: str, value: str, skin: Skin) -> Text:
    return words((f"{label:<9} ", skin.dim), (value, skin.text))


def _state(row: Row, job: Job | None, width: int, skin: Skin) -> Text:
    glyphs = skin.glyphs
    if job is not None and job.going:
        if job.share is not None:
            return gauge(job.share, _BAR, skin).append(f" {job.share:4.0%}", skin.accent or None)
        return words((f"{glyphs.busy} {one_line(job.told or job.kind, max(1, width - 2), skin)}", skin.accent))
    if job is not None and job.error is not None:
        return words((f"{glyphs.rejected} {job.kind} failed", skin.bad))
    if row.engine is not None:
        runs = row.state is EngineState.RUNNING
        said = f"served by {row.engine.engine}" if runs else str(row.state)
        return words((f"{glyphs.busy if runs else glyphs.stalled} {said}", skin.good if runs else skin.warn))
    return words() if row.standing is None else _standing(row, row.standing, skin)


def _standing(row: Row, how: Standing, skin: Skin) -> Text:
    glyphs = skin.glyphs
    sign, style = {
        Standing.HERE: (glyphs.finished, skin.good),
        Standing.TIGHT: (glyphs.finished, skin.warn),
        Standing.TO_PULL: (glyphs.down, skin.text),
        Standing.KEYLESS: (glyphs.unscored, skin.dim),
        Standing.ELSEWHERE: (glyphs.arrow, skin.good),
    }[how]
    return words((f"{sign} {standing_words(row.spec, how)}", style))
