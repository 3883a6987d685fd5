"""A clean-up plan as a script for bash, to be read first and run then: it does nothing unless it is told to.

Every value is quoted by :mod:`shlex`; what stands in a comment or is printed is made safe and kept to one line.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from thunderguard.reports.plan import line, summary
from thunderguard.reports.setting import writable
from thunderguard.reports.terminal import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from thunderguard.plan.steps import Plan, Step

_HEAD = """\
if [ -z "${BASH_VERSION:-}" ]; then
  echo 'run this script with bash' >&2
  exit 2
fi
set -euo pipefail
umask 077

apply="${APPLY:-0}"
from=1
backup="${BACKUP:-thunderguard-backup-$(date -u +%Y%m%dT%H%M%SZ)}"

usage() {
  echo 'usage: bash clean-up.sh [--apply] [--from STEP]'
  echo '  --apply      do it (or APPLY=1); without, only show what would be done'
  echo '  --from STEP  begin with this step'
  echo '  BACKUP=DIR   where what is changed is kept before'
}

until_nothing_is_left() {
  local left
  for _ in {1..60}; do
    left="$("$@")"
    if [[ -z "$left" ]]; then return 0; fi
    sleep 5
  done
  printf 'still there, so that nothing more is done:\\n%s\\n' "$left" >&2
  return 1
}

step() {
  if (($1 < from)); then return 0; fi
  printf '\\n== step %s of %s: %s\\n' "$1" "$steps" "$2"
  if [[ "$apply" == 1 ]]; then
    "step_$1"
  else
    declare -f "step_$1" | sed -e '1,2d' -e '$d'
  fi
}
"""

_ARGUMENTS = """\
  while (($#)); do
    case "$1" in
      --apply) apply=1 ;;
      --from)
        if [[ ! "${2:-}" =~ ^[0-9]+$ ]]; then usage >&2; exit 2; fi
        from="$2"
        shift
        ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  printf 'cluster: %s\\n' "$(kubectl config current-context 2>/dev/null || echo 'none is chosen')"
  if [[ "$apply" == 1 ]]; then
    mkdir -p "$backup"
    printf 'what is changed is kept in %s\\n' "$backup"
  else
    echo 'nothing is done: this is what --apply would do'
  fi
"""


def render(plan: Plan) -> str:
    """Give a plan as a script."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield "#!/usr/bin/env bash"
    yield f"# Clean-up of {_shown(plan.source)} by the Estate {_shown(plan.estate['name'])}."
    yield f"# {summary(plan)}."
    yield _HEAD
    yield f"steps={len(plan.steps)}"
    for number, step in enumerate(plan.steps, 1):
        yield ""
        yield from _function(number, step)
    yield ""
    yield "main() {"
    yield _ARGUMENTS.rstrip("\n")
    for number, step in enumerate(plan.steps, 1):
        yield f"  step {number} {_quoted(step.title)}"
    for step in plan.by_hand:
        yield f"  printf '\\n== by hand: %s\\n   %s\\n' {_quoted(step.title)} {_quoted(step.reason)}"
    yield "}"
    yield ""
    # No program in it may read the rest of the script.
    yield 'main "$@" </dev/null'


def _function(number: int, step: Step) -> Iterator[str]:
    yield f"# {number}. {_shown(step.title)}"
    yield f"#    {_shown(step.reason)}"
    rules = sorted({finding.rule for finding in step.findings})
    yield f"#    resolves {len(step.findings)}: {_shown(', '.join(rules))}"
    for warning in step.warnings:
        yield f"#    CAREFUL: {_shown(warning)}"
    for words in step.back:
        yield f"#    way back: {_shown(words)}"
    yield f"step_{number}() {{"
    for command in (*step.guards, *step.backups, *step.commands, *step.checks):
        yield f"  {line(command)}"
    yield "}"


def _shown(text: str) -> str:
    return safe(str(writable(text)))


def _quoted(text: str) -> str:
    return shlex.quote(_shown(text))
