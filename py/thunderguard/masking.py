"""Which parts of a text are credentials, and the text without them.

Only the secret itself gives way to ``***``: names of options and variables, users, hosts and programs stay, since
services are recognised by them. Masking a masked text changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

MASK = "***"

_CREDENTIAL = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|credentials?|api[_.-]?key|access[_.-]?key|private[_.-]?key"
    r"|signing[_.-]?(?:key|salt)|encryption[_.-]?key|secret[_.-]?key(?:[_.-]?base)?|master[_.-]?key|account[_.-]?key"
    r"|shared[_.-]?key|auth[_.-]?(?:key|token)|cookie|bearer|dsn|connection[_.-]?string|sas[_.-]?token|otp|license[_.-]?key)"
)
# The word must end the name or be followed by another word of it: "password_file" and "tokenizer" are other things.
_NAME = r"(?:[A-Za-z0-9]+[_.-])*[A-Za-z0-9]*" + _CREDENTIAL + r"s?(?:[_.-][0-9]+|[0-9]+)?"
CREDENTIAL_NAME = re.compile(_NAME + r"\Z", re.IGNORECASE)
_OPTION = re.compile(r"--?" + _NAME + r"\Z", re.IGNORECASE)

# References to a variable are no secret: $(DB_PASSWORD), ${DB_PASSWORD}, $DB_PASSWORD.
_REFERENCE = r"(?!\$[({A-Za-z_])"
_VALUE = r"""(?:\\"(?:(?!\\").)*\\"|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"',;&|)}]+)"""
# KEY=value, "key": "value" (also inside a quoted JSON text) and key: value; "==" is a version, "name:tag" an image.
_ASSIGNED = re.compile(
    r"""(?<![A-Za-z0-9_.-])(-{0,2}"""
    + _NAME
    + r"""(?:\\?["']?\s*=(?!=)\s*|\\?["']\s*:\s*|:\s+))"""
    + _REFERENCE
    + _VALUE,
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?<![A-Za-z0-9_.-])((?:(?:proxy-)?authorization|x-[a-z-]*(?:token|key|auth|secret)|private-token)\s*:\s*"
    r"(?:(?:bearer|basic|token)\s+)?)" + _REFERENCE + r"[^\s\"',;&|)}]+",
    re.IGNORECASE,
)
_OPTION_VALUE = re.compile(r"(?<![A-Za-z0-9_.-])(--?" + _NAME + r"\s+)" + _REFERENCE + r"(?!-)" + _VALUE, re.IGNORECASE)
_USER_OPTION = re.compile(r"(?<!\S)((?:-u|--user|--proxy-user)[ =]?[^\s:=]+:)" + _REFERENCE + r"[^\s]+")
_URL_PASSWORD = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*://[^\s\"'@:/?#]*:)(?![0-9]{1,5}(?:[/?#]|$))"
    + _REFERENCE
    + r"[^\s\"'@]*(?:@(?=[^\s\"'/?#]*@)[^\s\"'@]*)*(@)"
)
_URL_TOKEN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?=[^\s\"'@:/?#]{20,}@)[^\s\"'@:/?#]+(@)")
_SCHEME = re.compile(r"(?i)\b((?:bearer|basic|token)\s+)" + _REFERENCE + r"[A-Za-z0-9+/=._~-]{8,}")
_SHAPES = re.compile(
    r"\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{12,}\b"  # AWS key ids
    r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"  # JSON web tokens
    r"|\bgh[oprsu]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bxox[abeprs]-[A-Za-z0-9-]{10,}|\bsk-[A-Za-z0-9_-]{20,}|\bhf_[A-Za-z0-9]{20,}|\bAIza[A-Za-z0-9_-]{30,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
# Hashes of images and charts are not secret, and are written sha256:…
_LONG_HEX = re.compile(r"(?<![A-Za-z0-9_:@/.-])[0-9a-fA-F]{32,}(?![A-Za-z0-9_.-])")
_LONG_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_.-])(?=[A-Za-z0-9+/_-]*[0-9])(?=[A-Za-z0-9+/_-]*[a-z])(?=[A-Za-z0-9+/_-]*[A-Z])"
    r"(?:[A-Za-z0-9+_-]{40,}|[A-Za-z0-9+][A-Za-z0-9+/_-]{38,}={1,2})(?![A-Za-z0-9+/_.-])={0,2}"
)


def mask_known(text: str) -> str:
    """Mask what is a credential by its own shape, wherever it stands: URLs' passwords, tokens of well-known makers."""
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\1{MASK}\2", text)
        text = _URL_TOKEN.sub(rf"\1{MASK}\2", text)
    return _SHAPES.sub(MASK, text)


def mask_text(text: str) -> str:
    """Mask every credential in a text that may be a command line, a script or a configuration."""
    text = mask_known(text)
    text = _HEADER.sub(_keep(MASK), text)
    text = _ASSIGNED.sub(_keep(MASK), text)
    text = _OPTION_VALUE.sub(_keep(MASK), text)
    text = _USER_OPTION.sub(_keep(MASK), text)
    text = _SCHEME.sub(_keep(MASK), text)
    text = _LONG_HEX.sub(MASK, text)
    return _LONG_BASE64.sub(MASK, text)


def mask_tokens(tokens: Sequence[Any]) -> list[Any]:
    """Mask the words of a command: as texts, and whole where the word before is an option for a credential."""
    masked: list[Any] = []
    secret_follows = False
    for token in tokens:
        if not isinstance(token, str):
            masked.append(token)
            secret_follows = False
            continue
        if secret_follows and not token.startswith("-") and not re.match(r"\$[({A-Za-z_]", token):
            masked.append(MASK if token else token)
        else:
            masked.append(mask_text(token))
        secret_follows = _OPTION.match(token) is not None
        if token in ("-u", "--user", "--proxy-user"):
            secret_follows = False
    return [_user(masked, place) for place in range(len(masked))]


def _user(tokens: Sequence[Any], place: int) -> Any:
    """Mask the password of ``name:password`` behind curl's -u."""
    token = tokens[place]
    if place and isinstance(token, str) and tokens[place - 1] in ("-u", "--user", "--proxy-user") and ":" in token:
        return f"{token.split(':', 1)[0]}:{MASK}"
    return token


def _keep(mask: str) -> Callable[[re.Match[str]], str]:
    return lambda found: f"{found[1]}{mask}"
