"""Write or check the expected report of the October snapshot, examples/thunderline/2025-10-08.findings.json.

It is what ``thunderguard audit`` says about the snapshot, without times and without the engine, since every engine
says the same.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from generated import run
from thunderguard.audit import run_audit
from thunderguard.reports.json import comparable, to_json

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = "examples/thunderline/2025-10-08.jsonl"
ESTATE = Path("examples/thunderline/estate.yaml")
EXPECTED = ROOT / "examples" / "thunderline" / "2025-10-08.findings.json"


def expected() -> str:
    """Give the text of the expected report."""
    report = to_json(run_audit([SNAPSHOT], estate=ESTATE))
    return json.dumps(comparable(report), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write (--write) or check (--check) the file; give the exit code."""
    os.chdir(ROOT)
    return run("expected", ROOT, EXPECTED, lambda: expected().encode())


if __name__ == "__main__":
    sys.exit(main())
