"""Every error the package raises on purpose.

    ThunderguardError
    ├── UsageError            the command line asks for something that cannot be   (exit 2)
    │   ├── EstateError       the Estate file is missing, unreadable or invalid
    │   ├── CatalogueError    the rule catalogue is damaged
    │   ├── SourceError       nothing could be read from what was named
    │   ├── ChartError        a chart or a kustomization does not render
    │   ├── ClusterError      there is no cluster to read, or no way to it
    │   └── ToolMissingError  an external program is not installed, or not the pinned version
    └── CannotJudgeError      an engine gave no verdict it can stand for           (exit 3)
        ├── PolicyError       a policy does not compile, or the embedded engine refuses it
        └── EngineError       an engine crashed, hung or answered something unreadable
            └── ControlPlaneError   a throw-away API server does not start, or answers nothing usable

A message names the file and line or the object, the offending value, and what to do about it.
"""


class ThunderguardError(Exception):
    """Base of all errors meant for people. ``exit_code`` is the exit code of a command that it ends."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Take the one-line ``message`` and an optional ``hint`` that says what to do."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def told(self) -> str:
        """The message with the hint behind it, for where there is one line."""
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(ThunderguardError):
    """The command line, or a file it names, cannot be used as it is."""


class EstateError(UsageError):
    """The Estate is missing, unreadable or invalid."""


class CatalogueError(UsageError):
    """The rule catalogue is damaged."""


class SourceError(UsageError):
    """Nothing could be read from the source that was named."""


class ChartError(UsageError):
    """A chart or a kustomization does not render, or may not be rendered.

    ``file`` and ``line`` are where the fault is, as far as the tool that renders says so.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, file: str | None = None, line: int | None = None
    ) -> None:
        """Take the message, what to do about it, and the place of the fault."""
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line


class ClusterError(UsageError):
    """There is no cluster to read, or no way to it."""


class ToolMissingError(UsageError):
    """An external program is not installed, or is not the pinned version."""


class CannotJudgeError(ThunderguardError):
    """An engine gave no verdict that it can stand for."""

    exit_code = 3


class PolicyError(CannotJudgeError):
    """A policy does not compile, or the embedded engine refuses it."""


class EngineError(CannotJudgeError):
    """An engine crashed, hung or answered something unreadable."""


class ControlPlaneError(EngineError):
    """A throw-away API server does not start, or answers nothing usable."""
