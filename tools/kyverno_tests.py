"""Write or check policies/<rule>/.kyverno-test: the declared suite as tests of ``kubectl-kyverno test policies``."""

from __future__ import annotations

import sys
from pathlib import Path

from thunderguard.catalogue import load_catalogue
from thunderguard.conformance.kyvernotest import FOLDER, render_tests
from thunderguard.conformance.load import load_cases
from thunderguard.estate import DEFAULT_ESTATE, load_estate
from thunderguard.render import differences, write

ROOT = Path(__file__).resolve().parent.parent
POLICIES = ROOT / "policies"


def main() -> int:
    """Write (--write) or check (--check) the files; give the exit code."""
    cases = load_cases(ROOT / "tests" / "cases", load_catalogue().object_rules)
    tests = render_tests(cases, load_estate(DEFAULT_ESTATE).data)
    there = {path.relative_to(POLICIES).as_posix() for path in POLICIES.glob(f"*/{FOLDER}/**/*") if path.is_file()}
    strays = there - tests.files.keys()
    if "--write" in sys.argv[1:]:
        write(POLICIES, tests.files)
        for name in strays:
            (POLICIES / name).unlink()
        print(f"{tests.asked} questions for kubectl-kyverno test; left out, since the program cannot be asked:")
        for reason, number in tests.left_out.items():
            print(f"  {number:>4}  {reason}")
        return 0
    stale = sorted([*differences(POLICIES, tests.files), *strays])
    for name in stale:
        print(f"error: policies/{name} is stale", file=sys.stderr)
    if stale:
        print("hint: run `make generate` and look at the difference", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
