r"""One spelling for the LaTeX of answers.

Only what changes no meaning is changed: ``\\dfrac12`` and ``\\frac{1}{2}`` are one text. What is equal but written in another way
is left to symbols.
"""

from __future__ import annotations

import re
import unicodedata

from .numerals import LETTER

FUNCTIONS = frozenset(
    {
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "log",
        "ln",
        "lg",
        "exp",
        "sqrt",
        "frac",
        "min",
        "max",
        "gcd",
        "lcm",
        "mod",
        "det",
        "lim",
        "pi",
        "theta",
        "alpha",
        "beta",
        "gamma",
        "delta",
        "phi",
        "omega",
        "lambda",
        "sigma",
        "infty",
        "infinity",
    }
)
"""Names that mark mathematics, not prose."""

_WRAPPERS = r"text|textbf|textit|textrm|textsf|mathrm|mathbf|mathit|mathsf|mbox|hbox|boxed|fbox|operatorname|rm|bf"
_TEXT = re.compile(rf"\\(?:{_WRAPPERS})\s*\{{([^{{}}]*)\}}")
_DELIMITERS = ((r"\(", r"\)"), (r"\[", r"\]"), ("$$", "$$"), ("$", "$"), ("**", "**"), ("`", "`"), ('"', '"'))
MATH = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]|\$\$(.+?)\$\$|(?<!\\)\$(?! )([^$\n]*[^$\s\\])\$(?!\d)")
"""A formula between delimiters. The dollars of "$5 for $10" are none: no space stands inside them, no digit behind them."""

_SIZES = re.compile(r"\\(?:left|right)\s*\.|\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|limits)(?![A-Za-z])")
_SPACES = re.compile(r"(?<!\\)\\[,;:!> ]|\\(?:quad|qquad|thinspace|enspace)(?![A-Za-z])|~|\s+")
_OPERAND = r"(?:[0-9A-Za-z]|\\[A-Za-z]+)"
_SYNONYMS = (
    (re.compile(r"\\[dtc]frac(?![A-Za-z])"), r"\\frac"),
    (re.compile(r"\\(?:leq|leqslant)(?![A-Za-z])"), r"\\le"),
    (re.compile(r"\\(?:geq|geqslant)(?![A-Za-z])"), r"\\ge"),
    (re.compile(r"\\neq(?![A-Za-z])"), r"\\ne"),
    (re.compile(r"\\lbrace(?![A-Za-z])"), r"\\{"),
    (re.compile(r"\\rbrace(?![A-Za-z])"), r"\\}"),
    (re.compile(rf"\\frac(?![A-Za-z])\s*({_OPERAND})(?=\s*(?:{_OPERAND}|\{{))"), r"\\frac{\1}"),
    (re.compile(rf"\\frac\s*\{{([^{{}}]*)\}}\s*({_OPERAND})"), r"\\frac{\1}{\2}"),
    (re.compile(r"\\sqrt\s*([0-9A-Za-z])"), r"\\sqrt{\1}"),
    (re.compile(r"([\^_])\s*\{\s*([0-9A-Za-z])\s*\}"), r"\1\2"),
    (re.compile(r"\^\\circ(?![A-Za-z])|°"), r"^{\\circ}"),
    (re.compile(r"\s(?:and|or)\s"), ", "),
    (re.compile(r"(?<=[0-9]),(?=[0-9])(?![0-9]{3}(?![0-9]))"), ", "),  # 1,2 lists two numbers; 101,110 is one, 101, 110 two
)
_SPACE = re.compile(r"(\\[A-Za-z]+ (?=[A-Za-z])|(?<=[0-9],) (?=[0-9]))| ")
_PHRASE = re.compile(rf"{LETTER}+(?:[ '-]{LETTER}+)*")
_COMMAND = re.compile(r"\\(?:begin|end)\{[a-z*]+\}|\\[A-Za-z]+")
_WORD = re.compile(rf"{LETTER}{{2,}}")
_PROSE = frozenset({"am", "an", "as", "at", "be", "by", "he", "if", "in", "is", "it", "no", "of", "on", "so", "to", "we"})
_MAX_PASSES = 20


def unwrap_text(text: str) -> str:
    r"""Take the contents out of ``\text{…}``, ``\mathrm{…}`` and the like, innermost first."""
    for _ in range(_MAX_PASSES):
        text, changes = _TEXT.subn(r" \1 ", text)
        if not changes:
            break
    return text


def unwrap_delimiters(text: str) -> str:
    """Take off mathematical delimiters, text commands, quotes and Markdown emphasis around the whole text."""
    text = text.strip()
    command = _TEXT.fullmatch(text)
    if command:
        return unwrap_delimiters(command[1])
    for before, after in _DELIMITERS:
        inner = text[len(before) : len(text) - len(after)]
        bare = inner.replace(r"\$", "")
        if text.startswith(before) and text.endswith(after) and inner.strip() and before not in bare and after not in bare:
            return unwrap_delimiters(inner)
    return text


def unwrap_formulas(text: str) -> str:
    """Take off mathematical delimiters wherever they stand, so that no dollar is left that is not money."""
    return MATH.sub(lambda formula: f" {formula[1] or formula[2] or formula[3] or formula[4]} ", text)


def is_phrase(text: str) -> bool:
    """Whether this is words and nothing else, at least one of which is no variable or function."""
    words = text.replace("-", " ").split()
    return bool(_PHRASE.fullmatch(text)) and any(len(word) > 1 and word not in FUNCTIONS for word in words)


def is_prose(text: str) -> bool:
    r"""Whether words other than names of functions occur outside commands: a sentence, not a formula."""
    words = _WORD.findall(_COMMAND.sub(" ", _TEXT.sub(" ", text)))
    return any(word.casefold() in _PROSE or (len(word) > 2 and not word.isupper() and word not in FUNCTIONS) for word in words)


def normal_latex(text: str) -> str:
    """The canonical spelling of an expression or short phrase. A fixed point: normalising twice changes nothing."""
    for _ in range(_MAX_PASSES):
        before, text = text, _one_pass(text)
        if text == before:
            break
    return text


def _one_pass(text: str) -> str:
    text = unwrap_text(_SIZES.sub("", unwrap_delimiters(text)))
    text = _SPACES.sub(" ", text).strip()
    for pattern, replacement in _SYNONYMS:
        text = pattern.sub(replacement, text)
    text = text.rstrip(".,;:!").strip()
    if text.startswith("{") and text.endswith("}") and "{" not in text[1:-1] and "}" not in text[1:-1]:
        text = text[1:-1]
    text = text if is_prose(text) else _SPACE.sub(lambda space: space[1] or "", text)
    return unicodedata.normalize("NFKC", text)  # a mark that stood behind a space now combines
