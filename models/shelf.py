"""What can be done with each model of the catalogue on this machine, in a word and in the words that people are told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from ..core.model_spec import ModelSpec
from .weights import fits, gigabytes, installed


class Standing(StrEnum):
    """How a model stands."""

    HERE = "here"
    """Its weights are here, and there is memory for them."""
    TIGHT = "tight"
    """Its weights are here, and there is not memory enough for them now."""
    TO_PULL = "to_pull"
    """Its weights can be downloaded."""
    KEYLESS = "keyless"
    """Its provider wants a key that is not set."""
    ELSEWHERE = "elsewhere"
    """It answers at a provider or a server."""


def standing(spec: ModelSpec, folder: Path, environ: Mapping[str, str] | None = None) -> Standing:
    """How ``spec`` stands, with downloaded weights in ``folder``."""
    if spec.weights is not None:
        if installed(spec, folder) is None:
            return Standing.TO_PULL
        return Standing.HERE if fits(spec) else Standing.TIGHT
    keys = os.environ if environ is None else environ
    return Standing.KEYLESS if spec.key_env and not keys.get(spec.key_env) else Standing.ELSEWHERE


def standing_words(spec: ModelSpec, how: Standing) -> str:
    """The same in words, with what is missing."""
    if how is Standing.TO_PULL and spec.weights is not None:
        return f"can be pulled ({gigabytes(spec.weights.size)})"
    if how is Standing.TIGHT:
        return "here, too large for free memory"
    if how is Standing.KEYLESS:
        return f"needs {spec.key_env}"
    return "here" if how is Standing.HERE else f"{spec.key_env} is set" if spec.key_env else "endpoint"


def price_words(spec: ModelSpec) -> str:
    """Dollars per million tokens, in and out, or per hour; ``unknown`` is never zero."""
    price = spec.price
    if price.hour is not None:
        return f"{price.hour:g}/h"
    return "unknown" if price.input is None or price.output is None else f"{price.input:g}/{price.output:g}"
