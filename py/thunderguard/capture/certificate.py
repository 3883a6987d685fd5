"""When a certificate ends. The API server says of an expired one no more than 401, so the client has to look itself."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

_SEQUENCE, _EXPLICIT_0, _UTC_TIME = 0x30, 0xA0, 0x17


def expiry(file: str | Path) -> datetime | None:
    """Give when the first certificate in a PEM file ends; None when the file holds none that can be read."""
    try:
        text = Path(file).read_text(encoding="ascii")
        begin = text.index("-----BEGIN CERTIFICATE-----")
        end = text.index("-----END CERTIFICATE-----", begin)
        return _not_after(ssl.PEM_cert_to_DER_cert(f"{text[begin:end]}-----END CERTIFICATE-----\n"))
    except (OSError, ValueError, IndexError):
        return None


def _not_after(der: bytes) -> datetime:
    """Read the field of that name (RFC 5280, section 4.1): Certificate → tbsCertificate → validity → its second."""
    body = _open(der)[1]
    fields = _open(body)[1]
    tag, _, rest = _open(fields)
    if tag == _EXPLICIT_0:  # the version, which old certificates leave out
        _, _, rest = _open(rest)
    for _ in ("signature", "issuer"):
        _, _, rest = _open(rest)
    _, validity, _ = _open(rest)
    tag, value, _ = _open(_open(validity)[2])
    text = value.decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year, of 1950 to 2049
        text = f"{'19' if text[:2] >= '50' else '20'}{text}"
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _open(der: bytes) -> tuple[int, bytes, bytes]:
    """Take the first element apart: its tag, its content, and what follows it."""
    tag, length, start = der[0], der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    return tag, der[start : start + length], der[start + length :]
