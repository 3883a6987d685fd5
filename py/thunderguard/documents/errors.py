"""The one error that the parsing modules raise; readers turn it into a Problem."""

from __future__ import annotations


class Unreadable(Exception):
    """A text that is not what Kubernetes tools can read.

    ``line`` is 1-based within the text that was parsed, or None; ``first_line`` likewise, for what stands twice.
    ``kind`` is the kind of Problem it becomes.
    """

    def __init__(
        self, message: str, line: int | None = None, kind: str = "unread", first_line: int | None = None
    ) -> None:
        """Take a one-line ``message``, where it holds, and the ``kind``."""
        super().__init__(message)
        self.message = message
        self.line = line
        self.kind = kind
        self.first_line = first_line

    def told(self, offset: int = 0) -> str:
        """Give the whole message, lines counted in a file where the text begins ``offset`` lines down."""
        if self.first_line is None:
            return self.message
        return f"{self.message} (first on line {self.first_line + offset})"
