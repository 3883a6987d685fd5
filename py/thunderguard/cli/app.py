"""The group of all commands, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

import click

from thunderguard.cli import output
from thunderguard.errors import ThunderguardError
from thunderguard.model import ExitCode

_DEBUG = "THUNDERGUARD_DEBUG"
#: With this in the environment the program says how a command line goes on, instead of running it.
COMPLETE = "_THUNDERGUARD_COMPLETE"


class Lazy(NamedTuple):
    """A command that is imported when it is called; ``help`` is its line in the help of the group."""

    module: str
    attribute: str
    help: str


COMMANDS: Mapping[str, Lazy] = {
    "audit": Lazy("thunderguard.cli.judge", "audit", "Judge a live cluster, a snapshot or manifests by every rule."),
    "lint": Lazy("thunderguard.cli.judge", "lint", "Judge manifests and charts before they are applied."),
    "baseline": Lazy(
        "thunderguard.cli.baseline", "baseline", "Keep the findings that are known, so that only new ones fail."
    ),
    "capture": Lazy("thunderguard.cli.capture", "capture", "Capture a live cluster into a snapshot."),
    "completion": Lazy(
        "thunderguard.cli.completion", "completion", "Print what teaches a shell to complete commands and options."
    ),
    "charts": Lazy("thunderguard.cli.charts", "charts", "Judge a chart under each of its values files."),
    "conform": Lazy("thunderguard.cli.conform", "conform", "Run the declared suite on every engine."),
    "diff": Lazy(
        "thunderguard.cli.diff", "diff", "Say what is new and what is fixed between two snapshots or reports."
    ),
    "docs": Lazy(
        "thunderguard.cli.docs", "docs", "Write the pages about an estate: services, architecture, deployment, trouble."
    ),
    "estate": Lazy("thunderguard.cli.estate", "estate", "Work on Estate files."),
    "explain": Lazy("thunderguard.cli.explain", "explain", "Say why a rule is there, or what decided about a finding."),
    "guard": Lazy("thunderguard.cli.guard", "guard", "Say whether the embedded engine may judge by Rego files."),
    "plan": Lazy("thunderguard.cli.plan", "plan", "Give the clean-up of an estate as steps to run."),
    "render": Lazy("thunderguard.cli.render", "render", "Write the Kyverno and native policies and the rule pages."),
    "replay": Lazy("thunderguard.cli.replay", "replay", "Prove on a captured snapshot that every engine agrees."),
    "rules": Lazy("thunderguard.cli.rules", "rules", "List the rules, or show one."),
    "snapshot": Lazy("thunderguard.cli.snapshot", "snapshot", "Work on snapshot files."),
    "whatif": Lazy("thunderguard.cli.whatif", "whatif", "Say what another Estate or other rules would deny and allow."),
}


class LazyGroup(click.Group):
    """A group that knows the names and help lines of its commands and imports each when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names of the commands, sorted."""
        return sorted({*COMMANDS, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and give the command ``cmd_name``; None when there is none."""
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module(lazy.module), lazy.attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{lazy.module}.{lazy.attribute} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing one of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in sorted(COMMANDS)])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line and end the process, as :meth:`click.Command.main` does, but with our own errors."""
        if not standalone_mode or COMPLETE in os.environ:
            return super().main(args, prog_name, complete_var, standalone_mode=standalone_mode, **extra)
        words = list(sys.argv[1:] if args is None else args)

        def run() -> object:
            with self.make_context(prog_name or "thunderguard", words, **extra) as ctx:
                return self.invoke(ctx)

        sys.exit(guarded(run))


def guarded(run: Callable[[], object]) -> int:
    """Call ``run`` and give the exit code: what it gives back, or that of the error it ends in.

    An error is one line on standard error and, where there is something to do about it, a second one that says what.
    Only with THUNDERGUARD_DEBUG set is there a traceback.
    """
    try:
        result = run()
        return result if isinstance(result, int) else ExitCode.CLEAN
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return ExitCode.USAGE
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx is not None else "thunderguard"
        output.error(" ".join(error.format_message().split()), hint=f"see {where} --help")
        return ExitCode.USAGE
    except click.ClickException as error:
        output.error(" ".join(error.format_message().split()))
        return ExitCode.USAGE
    except ThunderguardError as error:
        _debug()
        output.error(error.message, hint=error.hint)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        output.note("interrupted")
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the exit code of an uncaught error would read "findings"
        if isinstance(error, BrokenPipeError) and output.reader_is_gone():
            return ExitCode.CLEAN
        _debug()
        output.error(
            f"internal error: {type(error).__name__}: {error}",
            hint=f"this is a fault of Thunderguard; {_DEBUG}=1 shows where",
        )
        return ExitCode.INCOMPLETE


def _debug() -> None:
    if os.environ.get(_DEBUG):
        import traceback

        traceback.print_exc()


def _show_version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from thunderguard import assets

    number = assets.version("(not installed)")
    output.write(f"thunderguard {number}\n")
    _exit(ctx)


def _exit(ctx: click.Context) -> NoReturn:
    ctx.exit(ExitCode.CLEAN)


@click.group(
    name="thunderguard",
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "Exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage or configuration, "
        "3 not everything could be judged."
    ),
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def app() -> None:
    """Judge Kubernetes objects by the contract of one declared estate."""
