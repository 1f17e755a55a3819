"""Chinese and Japanese numerals, written again in ASCII digits: 二十一 is 21, 3万5千 is 35000, 三分之二 is 2/3.

A numeral counts wherever it names a size and holds a digit (三百, 1億2000万), or is a fraction, a percentage or a decimal
(百分之五, 3分の2, 二割, 三点五). A single sign (五, 十) is as often part of a word (一起, 十分, 三角形), and so it counts only
where the whole text is that numeral, alone or with a counter behind it (五个苹果).

What depends on the language: 一百五 is 150 in Chinese and 105 in Japanese. What does not: 千 before a measure belongs to it
(三千克 is 3 kg), and ordinals (第三) and vague numbers (几百, 三四百) are left as they are.
"""

from __future__ import annotations

import re
from fractions import Fraction

from .numerals import read_digits, show

_VALUES = ("〇零○", "一壹壱", "二两兩贰貳弐", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
_DIGITS = {sign: str(value) for value, signs in enumerate(_VALUES) for sign in signs}
_SPELLINGS = str.maketrans("拾佰仟萬億", "十百千万亿")
_SIZES = {"兆": 10**12, "亿": 10**8, "万": 10**4, "千": 1_000, "百": 100, "十": 10}
_MYRIAD = 10**4
_MAX_RUN = 60
"""Characters. Longer runs are no numerals."""

_D = "".join(_DIGITS)
_ASCII = r"[0-9]+(?:[.,'][0-9]+)*"
_SIZE = "(?:[十拾百佰万萬亿億兆]|[千仟](?![克米瓦卡]))"
_START = f"(?<![0-9{_D}十拾百佰千仟万萬亿億兆])"  # of a whole run: trying each sign of a long one would take quadratic time
_RUN = rf"{_START}(?>(?:{_ASCII}(?:\s(?=[万萬亿億兆]))?|[{_D}]|{_SIZE})+)"
_ANY = re.compile(rf"[{_D}十拾百佰千仟万萬亿億兆割时時点點元块塊半负負]|分[の之]|マイナス")

_NUMERAL = re.compile(rf"(?<![第几幾数數]){_RUN}")
_HAS_SIZE = re.compile(_SIZE)
_PART = rf"{_RUN}(?:[点點][{_D}]+)?"
_CHINESE_FRACTION = re.compile(rf"(?:({_RUN})\s*又\s*)?({_RUN})\s*分之\s*({_PART})")
_JAPANESE_FRACTION = re.compile(rf"(?:({_RUN})\s*と\s*)?({_RUN})\s*分の\s*({_PART})")
_TENTHS = re.compile(rf"({_RUN})\s*割(?:\s*({_RUN})\s*分)?(?![るりっらろ])")  # 割る, 割り: to divide
_DECIMAL = re.compile(rf"({_RUN})[点點]([{_D}]+)(?!分)")
_ALONE = re.compile(
    rf"\s*({_RUN})(?=\W*$|[个個只隻本张張枚匹頭头辆輛杯瓶盒箱袋束朵棵根支把双雙颗顆粒名]|"
    r"(?:元|美元|円|ドル|人|つ|天|日間?|年間?|岁|歳|歲|次|回|倍|台|件|条|か月|ヶ月|小时|小時|時間|分钟|分鐘|分間|秒|千克|公斤|千米|公里|米|斤|克)"
    r"(?:です)?\W*$)"
)
_ASCII_DIGIT = re.compile("[0-9]")
_HALF = re.compile(r"\s*(?:一半|半分|半)\W*")
_CLOCK = re.compile(r"(?<![0-9])([0-9]{1,2})\s*[时時点點](?!间|間)\s*(?:([0-9]{1,2})\s*分(?![钟鐘间間])|半)")
_COINS = re.compile(r"([0-9]+)\s*[元块塊]\s*([0-9])\s*角(?:\s*([0-9])\s*分)?")
_AND_A_HALF = re.compile(r"(?<![0-9.,'])([0-9]+)\s*(个|個|小时|小時|時間|か月|ヶ月|年|天|日|倍|公里|米|斤)半(?!径)")
_MINUS = re.compile(r"(?:负|負|マイナス)\s*(?=[0-9])")


def arabic(text: str, language: str) -> str:
    """``text``, folded, with its Chinese and Japanese numerals in ASCII digits. ``language``: a primary code, such as ``zh``."""
    if not _ANY.search(text):
        return text
    if _HALF.fullmatch(text):
        return "1/2"
    text = _JAPANESE_FRACTION.sub(lambda m: _fraction(m, language), _CHINESE_FRACTION.sub(lambda m: _fraction(m, language), text))
    text = _TENTHS.sub(lambda m: _tenths(m, language), text)
    text = _DECIMAL.sub(lambda m: _decimal(m, language) or m[0], text)
    text = _NUMERAL.sub(lambda m: _sized(m[0], language), text)
    alone = None if _ASCII_DIGIT.search(text) else _ALONE.match(text)
    if alone:
        text = (_written(read_numeral(alone[1], language)) or alone[0]) + text[alone.end() :]
    text = _CLOCK.sub(lambda m: f"{m[1]}:{m[2] or '30':0>2}", text)
    text = _COINS.sub(lambda m: f"{m[1]}.{m[2]}{m[3] or ''}元", text)
    return _MINUS.sub("-", _AND_A_HALF.sub(r"\1.5\2", text))


def read_numeral(run: str, language: str) -> Fraction | None:
    """The value of signs for digits and sizes, ASCII digits among them or not; None where together they are no number."""
    if len(run) > _MAX_RUN:
        return None
    run = re.sub(r"\s", "", run).translate(_SPELLINGS)
    for sign, size in _SIZES.items():
        head, found, tail = run.partition(sign)
        if found:
            return _sum(head, size, tail, language)
    if re.fullmatch(f"[{_D}]+", run):
        positional = len(run) == 1 or any(sign in run for sign in _VALUES[0])
        return Fraction("".join(_DIGITS[sign] for sign in run)) if positional else None
    return read_digits(run, language) if re.fullmatch(_ASCII, run) else None


def _sum(head: str, size: int, tail: str, language: str) -> Fraction | None:
    """``head`` times ``size`` plus ``tail``, which must be smaller than ``size``; 十 alone is ten, 万 alone nothing."""
    if size < _MYRIAD and any(sign in head for sign in _SIZES):
        return None
    times = read_numeral(head, language) if head else Fraction(1) if size < _MYRIAD else None
    rest = read_numeral(tail, language) if tail else Fraction(0)
    if times is None or rest is None or rest >= size:
        return None
    if language == "zh" and size >= 100 and len(tail) == 1 and tail not in _SIZES:
        rest *= size // 10  # 一百五: one hundred and five tens
    return times * size + rest


def _written(value: Fraction | None) -> str | None:
    return None if value is None else show(value)


def _sized(run: str, language: str) -> str:
    """A numeral within a sentence: only one that names a size beside a digit, or 二〇二四."""
    sized = bool(_HAS_SIZE.search(run)) and any(c in _DIGITS or c.isdigit() for c in run)
    if not sized and not re.fullmatch(f"[{_D}]{{3,}}", run):
        return run
    return _written(read_numeral(run, language)) or run


def _decimal(match: re.Match[str], language: str) -> str | None:
    whole = read_numeral(match[1], language)
    return f"{whole}.{''.join(_DIGITS[sign] for sign in match[2])}" if whole is not None and whole.denominator == 1 else None


def _fraction(match: re.Match[str], language: str) -> str:
    whole = read_numeral(match[1], language) if match[1] else Fraction(0)
    below, above = read_numeral(match[2], language), _above(match[3], language)
    if whole is None or above is None or not below:
        return match[0]
    return f"{show(above)}%" if match[2] in {"百", "100"} and not match[1] else show(whole + above / below)


def _above(text: str, language: str) -> Fraction | None:
    decimal = _DECIMAL.fullmatch(text)
    written = _decimal(decimal, language) if decimal else None
    return Fraction(written) if written else read_numeral(text, language)


def _tenths(match: re.Match[str], language: str) -> str:
    tenths, hundredths = read_numeral(match[1], language), read_numeral(match[2], language) if match[2] else Fraction(0)
    return match[0] if tenths is None or hundredths is None else f"{show(10 * tenths + hundredths)}%"
