"""``thunderguard completion``."""

from __future__ import annotations

import click

from thunderguard.cli import output
from thunderguard.model import ExitCode

SHELLS = ("bash", "fish", "zsh")

# Click keeps the lines of a paragraph that begins so.
_HOW = """\b
bash: eval "$(thunderguard completion bash)"    in ~/.bashrc
zsh:  eval "$(thunderguard completion zsh)"     in ~/.zshrc
fish: thunderguard completion fish > ~/.config/fish/completions/thunderguard.fish
"""


@click.command(short_help="Print what teaches a shell to complete commands and options.", epilog=_HOW)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(*, shell: str) -> int:
    """Print what teaches a shell to complete commands and options."""
    from click.shell_completion import BashComplete, ShellComplete, get_completion_class

    from thunderguard.cli.app import COMPLETE, app

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has the shells named above
    maker = kind(app, {}, "thunderguard", COMPLETE)
    # Click's own class for bash runs whatever bash there is to see whether it is new enough; the script is the same.
    text = ShellComplete.source(maker) if isinstance(maker, BashComplete) else maker.source()
    output.write(text)
    return ExitCode.CLEAN
