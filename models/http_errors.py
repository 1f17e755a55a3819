"""HTTP status and body to the error tree: the one place that decides what a provider's refusal means.

Messages quote at most a short, redacted excerpt of the provider's words: bodies may be HTML pages, and may echo the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ..core.errors import (
    AuthError,
    BrokenReplyError,
    ContextLengthError,
    ModelError,
    ModelTimeoutError,
    RateLimitError,
    RejectedError,
    ServerError,
)
from ..core.model_spec import ModelSpec

_EXCERPT = 120
_KEYS = re.compile(
    r"(?i:\b(?:bearer|basic)\s+)[\w.~+/=*-]{4,}"
    r"|\b(?:sk|pk|rk|gsk|hf|xai|pplx|nvapi|key)[-_][\w*-]{6,}"
    r"|\bAIza[\w-]{10,}"
    r"|(?i:\b(?:api[-_ ]?key|token|secret)[\"']?\s*[:=]\s*[\"']?)[\w.~+/=*-]{8,}"
)
_CONTEXT = re.compile(
    r"context[ _-]?(?:length|window|size|limit)|maximum context|exceed_context|prompt (?:is )?too long|input (?:is )?too long"
    r"|too many (?:input |prompt )?tokens|max_model_len|(?:maximum|exceeds) .{0,40}(?:input|prompt) (?:length|tokens)"
    r"|token count .{0,40}exceeds|reduce the length",
    re.IGNORECASE,
)
_STATUSES_OF_SIZE = {400, 413, 422}
_STATUSES_OF_TIME = {408, 504, 524}


def error_for(status: int, headers: Mapping[str, str], text: str, spec: ModelSpec, *, secret: str | None = None) -> ModelError:
    """The error that an HTTP answer means. ``secret`` is blotted out wherever the provider echoes it."""
    said = _message(text, secret)
    what = f"{spec.name} answered {status}"
    quoted = f"{what}: {said}" if said else what
    if status in {401, 403}:
        return _auth_error(status, spec, quoted)
    if status == 429:
        asked = _retry_after(headers)
        return RateLimitError(quoted, retry_after=_retry_delay(text) if asked is None else asked)
    if status in _STATUSES_OF_TIME:
        return ModelTimeoutError(quoted)
    if status >= 500:
        return ServerError(quoted, retry_after=_retry_after(headers))
    return _rejection(status, spec, text, quoted)


def error_from_body(payload: Mapping[str, object], spec: ModelSpec, *, secret: str | None = None) -> ModelError:
    """The error that an ``{"error": …}`` object means which came with status 200, or inside a stream.

    Its ``code`` is taken as the status where it is one; without it nobody knows what happened, and whether it was billed.
    """
    error = payload.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    text = json.dumps(payload, default=str)
    if isinstance(code, int | str) and re.fullmatch(r"[45]\d\d", str(code)):
        return error_for(int(code), {}, text, spec, secret=secret)
    return BrokenReplyError(f"{spec.name} sent an error instead of a reply: {_message(text, secret)}")


def redact(text: str, secret: str | None = None) -> str:
    """``text`` without ``secret`` and without anything that looks like a key."""
    if secret:
        text = text.replace(secret, "[redacted]")
    return _KEYS.sub("[redacted]", text)


def excerpt(value: object, secret: str | None = None) -> str:
    """At most 120 characters of ``value``, on one line, without control characters and keys."""
    if isinstance(value, bytes):
        value = value[: 8 * _EXCERPT].decode(errors="replace")
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    # Redacted before it is cut, lest half a key escape the pattern.
    text = redact(text[: 8 * _EXCERPT], secret)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"


def _auth_error(status: int, spec: ModelSpec, quoted: str) -> AuthError:
    # A 401 is never quoted: providers echo parts of the key in it ("Incorrect API key provided: abc***xyz").
    said = quoted if status == 403 else f"{spec.name} refuses the key ({status})"
    if spec.key_env is None:
        return AuthError(said, hint="the model's catalogue entry names no key: set key_env to the variable that holds it")
    return AuthError(said, hint=f"check the variable {spec.key_env}")


def _rejection(status: int, spec: ModelSpec, text: str, quoted: str) -> ModelError:
    if status in _STATUSES_OF_SIZE and _CONTEXT.search(text):
        return ContextLengthError(quoted, hint="shorten the prompt or lower max_tokens")
    if status == 404:
        return RejectedError(quoted, hint=f"check the endpoint and the model name {spec.remote_name!r}")
    return RejectedError(quoted)


def _message(text: str, secret: str | None) -> str:
    """What the provider says: its error message where the body is JSON, a short excerpt otherwise."""
    start = text.lstrip()[:64].lower()
    if start.startswith("<"):
        title = re.search(r"<title[^>]*>(.*?)</title>", text[:4096], re.IGNORECASE | re.DOTALL)
        return f"an HTML page, {excerpt(title[1], secret)!r}" if title else "an HTML page"
    try:
        payload = json.loads(text)
    except ValueError:
        return excerpt(text, secret)
    for key in ("error", "message", "detail"):
        while isinstance(payload, dict) and payload.get(key):
            payload = payload[key]
    return excerpt(payload, secret) if payload else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the provider asks us to wait, from ``retry-after-ms`` or ``Retry-After`` (seconds or a date)."""
    found = {name.lower(): value.strip() for name, value in headers.items() if name.lower().startswith("retry-after")}
    try:
        if "retry-after-ms" in found:
            return _wait(float(found["retry-after-ms"]) / 1000)
    except ValueError:
        pass  # not a number: the plain header may still be one
    value = found.get("retry-after")
    if value is None:
        return None
    try:
        return _wait(float(value))
    except ValueError:
        pass  # not a number: an HTTP date
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _retry_delay(text: str) -> float | None:
    """The same from the body, where Gemini says it."""
    found = re.search(r'"retryDelay":\s*"([\d.]{1,12})s"', text)
    return float(found[1]) if found else None


def _wait(seconds: float) -> float | None:
    return max(0.0, seconds) if seconds < float("inf") else None
