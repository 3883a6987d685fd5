"""The command line, ``thunderguard``. Each command is imported only when it is called."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line ``argv`` (None: that of the process) and end the process with its exit code.

    0 clean, 1 findings at or above ``--fail-on``, 2 usage or configuration, 3 not everything could be judged,
    130 interrupted.
    """
    from thunderguard.cli.app import app

    app.main(args=None if argv is None else list(argv), prog_name="thunderguard")
