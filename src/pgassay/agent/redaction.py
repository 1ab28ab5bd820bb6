"""Secrets do not leave: not to a model, not into a transcript, not into a state file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from typing import Any

MASK = "[secret]"

_URL = re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s:/?#@\"']*):([^\s/@\"']+)@", re.IGNORECASE)
_QUERY = re.compile(r"([?&](?:password|passwd|pwd|token|api[_-]?key|secret|sslpassword)=)[^&\s\"']+", re.IGNORECASE)
_SETTING = re.compile(
    r"((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)[\"']?\s*[=:]\s*)"
    r"(\"[^\"\n]{4,}\"|'[^'\n]{4,}'|[^\s,;\"']{8,})",
    re.IGNORECASE,
)
_KEYS = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}"
    r"|AIza[\w-]{30,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{5,}|npm_[A-Za-z0-9]{30,}|ctx7sk-[\w-]{10,})"
)
_BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]{12,}", re.IGNORECASE)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
# A chain's private key has 64 digits, but so have hashes and topics: only where it is called a key.
_HEX = re.compile(r"(priv(?:ate)?[_ -]?key\W{1,5}|mnemonic\W{1,5})(0x)?[0-9a-f]{64}\b", re.IGNORECASE)
_NAMES = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS)$")


def secrets_of(environment: Iterable[tuple[str, str]] | None = None) -> tuple[str, ...]:
    """Values of environment variables whose names call them secret, the longest first."""
    pairs = os.environ.items() if environment is None else environment
    return tuple(sorted({v for k, v in pairs if len(v) >= 8 and _NAMES.search(k.upper())}, key=len, reverse=True))


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without what looks like a secret, or is known to be one."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _PEM.sub(MASK, text)
    text = _URL.sub(rf"\1:{MASK}@", text)
    text = _QUERY.sub(rf"\1{MASK}", text)
    text = _HEX.sub(rf"\1{MASK}", text)
    text = _BEARER.sub(rf"\1{MASK}", text)
    text = _KEYS.sub(MASK, text)
    return _SETTING.sub(lambda m: m[0] if MASK in m[2] else f"{m[1]}{MASK}", text)


def redacted(value: Any, secrets: Iterable[str] = ()) -> Any:
    """The same for a JSON value: every string in it, also where that is JSON itself."""
    if isinstance(value, dict):
        return {key: MASK if _called_secret(key, each) else redacted(each, secrets) for key, each in value.items()}
    if isinstance(value, list):
        return [redacted(each, secrets) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith(("{", "[")):
        try:
            inner = json.loads(value)
        except ValueError:
            return redact(value, secrets)
        cleaned = redacted(inner, secrets)
        return value if cleaned == inner else json.dumps(cleaned, ensure_ascii=False)
    return redact(value, secrets)


def _called_secret(key: str, value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) >= 4
        and re.fullmatch(r"(?i)(?:.*_)?(?:password|passwd|secret|api_?key|access_?key|private_?key|token)", key)
        is not None
    )
