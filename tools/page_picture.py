"""Write examples/thunderline/page.png: the page about October 8, 2025, as a browser shows it. Needs Debian's chromium.

A browser paints a little differently from version to version, so that there is nothing to check; run it when the page
has changed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SNAPSHOT = "examples/thunderline/2025-10-08.jsonl"
PICTURE = ROOT / "examples" / "thunderline" / "page.png"
WIDTH, HEIGHT = 1200, 1000
LARGEST = 300_000


def main() -> int:
    """Audit the snapshot, open its page, and write the picture of its top."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--write", action="store_true", required=True, help="write the picture")
    options.parse_args()
    program = shutil.which("chromium")
    if program is None:
        sys.exit("install Debian's chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder) / "page.html"
        command = [sys.executable, "-m", "thunderguard.cli", "audit", SNAPSHOT, "--report", f"html={page}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 1:
            sys.exit(f"the audit ended with {done.returncode}: {done.stderr}")
        browser = playwright.chromium.launch(executable_path=program)
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        tab.goto(page.as_uri())
        tab.wait_for_selector("tr.finding")
        picture = tab.screenshot()
        browser.close()
    if len(picture) > LARGEST:
        sys.exit(f"the picture has {len(picture)} bytes, more than {LARGEST}: show less of the page")
    PICTURE.write_bytes(picture)
    print(f"{PICTURE.relative_to(ROOT)}: {len(picture)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
