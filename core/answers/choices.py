# ruff: noqa: RUF002 - characters that look alike are what this is about
r"""Letters of options. Sorted and joined they are the canonical answer: "C and A" is AC.

A letter counts where it stands alone or is marked, as in (B), **B**, B. or "option B". The article "a" and the pronoun "I"
are words: outside a box they count only where they are marked. Only Latin letters are letters of options, of any width: in
Russian lists the third one, В, looks like the second Latin one.
"""

from __future__ import annotations

import re
import unicodedata

from .latex import unwrap_delimiters, unwrap_text

_LEAD = re.compile(r"\W*(?:(?:is|are|the|correct|options?|choices?|answers?|letters?|statements?)\b\W*)*", re.IGNORECASE)
_AND = r"(?:\s*(?:,|;|/|&|\band\b)\s*)+"
_ALONE = re.compile(rf"[(\[{{\s]*(?:[A-J](?:{_AND}[A-J])*|[A-J]{{2,10}}|[b-hj])[)\]}}.:\s]*")
_BOXED = re.compile(rf"[(\[{{\s]*[A-Ja-j](?:{_AND}[A-Ja-j])*[)\]}}.:\s]*")
_OPTION = r"(?:\b(?:[Oo]ption|[Cc]hoice)s?|\b[Oo]pci[oó]n|[Вв]ариант|[Cc]haguo|বিকল্প|ఎంపిక|ข้อ|ตัวเลือก|选项|選項|選択肢)"
_UNSPACED = r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]"
_MARK = rf"(?:\(\s*[A-Ja-j]\s*\)|\[[A-J]\]|\*\*\(?[A-J]\)?[.:]?\*\*|{_OPTION}\s*\(?[A-J](?![A-Za-z0-9])\)?)"
_MARKED = re.compile(rf"{_MARK}(?:{_AND}(?:{_MARK}|[A-J]\b)|\s*{_MARK})*")
_OPENING = re.compile(r"(?:[A-J]|[a-j](?=\)))[).:](?=\s|\W*$)")
_LEADING = re.compile(
    rf"(?:[B-HJ]|A(?={_UNSPACED}|\s+(?:because|since|as|is|with)\b)|[A-J](?={_AND}[A-J]\b))"
    rf"(?:{_AND}[A-J]\b)*(?=[).:,。]|\s|$|{_UNSPACED})"
)
_WORDS = re.compile(rf"{_OPTION}|and")


def read_letters(text: str) -> str | None:
    """The letters where ``text`` as a whole is the answer: letters alone, or letters followed by the option's own text."""
    whole = _BOXED.fullmatch(_plain(text))
    return _sorted(whole[0]) if whole else find_letters(text)


def find_letters(text: str, *, anywhere: bool = True) -> str | None:
    """The letters that a sentence names, None where it names none.

    ``anywhere=False``: only if it begins with them, marked as letters of options or with nothing behind them.
    """
    text = _plain(text)
    rest = text[_end_of_lead(text) :]
    alone = _ALONE.fullmatch(rest) if rest != "I" else None
    found = alone or _MARKED.match(rest) or _OPENING.match(rest)
    if anywhere and not found:
        found = _LEADING.match(rest) or _MARKED.search(text)
    return _sorted(found[0]) if found else None


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", text[:1_000])
    text = unwrap_text(unwrap_delimiters(text).replace("$", "").replace("\\ ", " "))
    return re.sub(r"\s+", " ", re.sub(r"\\[()]", "", text)).strip()


def _end_of_lead(text: str) -> int:
    """Where the letters may begin: after "option", "is" and the like, but before an opening mark."""
    lead = _LEAD.match(text)
    return len(lead[0].rstrip("([*")) if lead else 0


def _sorted(letters: str) -> str | None:
    """The canonical form; None where a letter occurs twice, as it does in a word."""
    found = re.findall("[A-J]", _WORDS.sub("", letters).upper())
    return "".join(sorted(found)) if found and len(set(found)) == len(found) else None
