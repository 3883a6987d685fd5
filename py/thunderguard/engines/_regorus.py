"""The one place that imports the regorus bindings."""

from __future__ import annotations

import os
import re

from regorus import Engine as Regorus

# Rust looks at these once, when the first error is made; a backtrace costs milliseconds an error and fills messages.
_BACKTRACE = ("RUST_BACKTRACE", "RUST_LIB_BACKTRACE")

_AT = re.compile(r"-->\s*(?P<file>.+?):(?P<line>\d+):(?P<column>\d+)\s")


def new_regorus() -> Regorus:
    """Make an empty regorus engine. It works only in the thread that made it."""
    for name in _BACKTRACE:
        os.environ.pop(name, None)
    return Regorus()


def one_line(error: BaseException) -> str:
    """Give what regorus says as one line, ``file:line:column: message`` when it names a place."""
    text = str(error).split("Stack backtrace:")[0]
    place = _AT.search(text)
    message = text.rsplit("error:", 1)[-1] if "error:" in text else text
    message = " ".join(message.split()) or type(error).__name__
    return f"{place['file']}:{place['line']}:{place['column']}: {message}" if place else message
