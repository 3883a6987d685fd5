"""Read `opa test --coverage` from standard input and fail, naming the lines, unless every line of Rego was reached."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any


def gaps(report: dict[str, Any]) -> Iterator[str]:
    """Give every stretch that no test reached, as ``file:line`` or ``file:first-last``."""
    for name, file in sorted(report["files"].items()):
        rows: list[int] = []
        for gap in file.get("not_covered", []):
            rows.extend(range(gap["start"]["row"], gap["end"]["row"] + 1))
        while rows:
            first = last = rows.pop(0)
            while rows and rows[0] <= last + 1:
                last = rows.pop(0)
            yield f"{name}:{first}" if first == last else f"{name}:{first}-{last}"


def main() -> int:
    """Print what was not reached; give the exit code."""
    text = sys.stdin.read()
    try:
        report = json.loads(text)
    except ValueError:
        # With a failing test opa prints the test instead of the coverage.
        print(text, file=sys.stderr)
        print("error: opa gave no coverage", file=sys.stderr)
        return 2
    lines = sum(file.get("covered_lines", 0) for file in report["files"].values())
    missed = list(gaps(report))
    for gap in missed:
        print(f"{gap}: no test reaches this", file=sys.stderr)
    if missed or not lines:
        print(f"error: the Rego tests reach {report['coverage']:.2f} % of the lines, not all", file=sys.stderr)
        return 1
    print(f"Rego coverage: 100 % of {lines} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
