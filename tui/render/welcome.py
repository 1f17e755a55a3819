"""The first page: what this machine has, and the next step to a first answer."""

from __future__ import annotations

from typing import NamedTuple

from rich.text import Text

from ...core.errors import SymposiaError
from ...models.weights import gigabytes, memory_for
from ..shelf import Job, Machine, Stock, at_hand, recommended
from .inert import inert, one_line
from .lines import fit, words
from .shelf import job_lines
from .skin import Skin
from .wrap import wrapped

EXAMPLE = "Three pens cost 4 dollars. How many dollars do 18 pens cost?"
"""A question that a small model can answer."""
_WIDEST = 76


class Step(NamedTuple):
    """One of the steps to an answer."""

    done: bool | None
    """None for one that cannot be done yet."""
    title: str
    told: str = ""


class Page(NamedTuple):
    """What the first page shows."""

    steps: tuple[Step, ...]
    deed: str
    """What enter does: ``pull``, ``example``, ``look`` or nothing."""
    words: str
    """The same for people."""


def page(stock: Stock | None, job: Job | None, fault: SymposiaError | None) -> Page:
    """The first page for what was found, the download that goes on or failed, and what is wrong."""
    if fault is not None:
        return Page((Step(False, fault.message, fault.hint or ""),), "look", "looks again")
    if stock is None:
        return Page((Step(None, "Looking at this machine …"),), "", "")
    model = at_hand(stock)
    if model is not None:
        return Page((Step(True, f"{model} answers"), Step(False, "Ask something", EXAMPLE)), "example", "takes the example")
    return _pulling(stock, job) if stock.machine.llamacpp else Page((_NO_ENGINE, _NO_MODEL, _LATER), "look", "looks again")


_LATER = Step(None, "Ask something", EXAMPLE)
_NO_MODEL = Step(None, "A model")
_NO_ENGINE = Step(
    False,
    "llama.cpp, which runs models on this machine, is not installed",
    'Leave with ctrl+q, run: pip install "symposia[local]" and start again. Or start a server with the OpenAI protocol, or '
    "set a provider's key and choose its model with F3.",
)


def _pulling(stock: Stock, job: Job | None) -> Page:
    """The page where an engine is there, and no model."""
    row, engine = recommended(stock), Step(True, "llama.cpp is installed")
    if row is None or row.spec.weights is None:
        return Page((engine, Step(False, "A model", _nothing_fits(stock.machine)), _LATER), "look", "looks again")
    size = gigabytes(row.spec.weights.size)
    memory = gigabytes(row.spec.memory or memory_for(row.spec.weights.size))
    step = Step(False, f"A model: {row.name}", f"{size} to download, {memory} of memory when it runs")
    deed = f"downloads it ({size})" if job is None else "downloads it, from where it stopped"
    if job is not None and job.going:
        deed = "stops the download; what came is kept"
    return Page((engine, step, _LATER), "pull", deed)


def _nothing_fits(machine: Machine) -> str:
    free = f"{gigabytes(machine.memory)} of memory and {gigabytes(machine.disk)} of disk are free: no model of the list fits."
    return f"{free} Close programs or make space; or set a provider's key and choose its model with F3."


def welcome_lines(shown: Page, job: Job | None, key: str, width: int, skin: Skin) -> list[Text]:
    """The page, in the middle of nothing much."""
    room = min(width, _WIDEST)
    lines = [words(("symposia", f"bold {skin.accent}".strip()), ("  language models that reason together", skin.dim)), words()]
    for number, step in enumerate(shown.steps, start=1):
        lines += _step(number, step, room, skin)
        if job is not None and step.title.startswith("A model:"):
            lines += [words("     ").append_text(line) for line in job_lines(job, room - 5, skin)]
        lines.append(words())
    if shown.words:
        lines.append(words((f" {key} ", f"bold {skin.accent} reverse".strip()), (f" {shown.words}", skin.text)))
    more = "7 all models · a ask · ? keys"
    lines += [words(), words((more if skin.glyphs.dot == " · " else more.replace("·", "-"), skin.dim))]
    return [fit(line, width, skin) for line in lines]


def _step(number: int, step: Step, width: int, skin: Skin) -> list[Text]:
    glyphs = skin.glyphs
    sign, style = {
        True: (glyphs.finished, skin.good),
        False: (glyphs.running, skin.accent),
        None: (glyphs.queued, skin.dim),
    }[step.done]
    title = skin.dim if step.done is None else skin.text
    head = words((f" {sign} ", style), (f"{number} ", skin.dim), (one_line(step.title, max(1, width - 5), skin), title))
    told = wrapped(inert(step.told), max(8, width - 5), skin) if step.told else []
    return [head, *(words("     ", (line.plain, skin.dim)) for line in told)]
