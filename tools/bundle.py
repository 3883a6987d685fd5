"""Build an OPA bundle of the rules and one Estate: ``bundle.tar.gz`` with a manifest, signed where there is a key.

https://www.openpolicyagent.org/docs/management-bundles says what is in one. An OPA that is given the public key
(``--verification-key``, or ``keys`` in its configuration) refuses a bundle that anybody changed. The same files, the
same revision and the same RSA key make the same bytes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from thunderguard.errors import ThunderguardError, UsageError
from thunderguard.estate import load_estate

ROOT = Path(__file__).resolve().parent.parent
OPA = ROOT / ".tools" / "bin" / "opa"
#: What an OPA with this bundle may not get from anywhere else.
ROOTS = ("estate", "thunderguard")


def revision() -> str:
    """Name the commit that the bundle is built from. Raises UsageError outside a git checkout."""
    asked = ["git", "describe", "--always", "--dirty", "--tags"]
    try:
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise UsageError("git describe names no revision here", hint="give one with --revision") from None
    return done.stdout.strip()


def stage(folder: Path, estate: Path, revised: str) -> None:
    """Lay out the bundle in ``folder``: the rules without their tests, the Estate as data, the manifest."""
    shutil.copytree(ROOT / "rego", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*_test.rego"))
    (folder / "estate").mkdir()
    (folder / "estate" / "data.json").write_text(json.dumps(load_estate(estate).data, sort_keys=True))
    manifest = {"revision": revised, "roots": list(ROOTS), "rego_version": 1}
    (folder / ".manifest").write_text(json.dumps(manifest))


def build(target: Path, estate: Path, revised: str, key: Path | None = None, algorithm: str = "RS256") -> None:
    """Write the bundle to ``target``, signed with the PEM private key ``key``. Raises UsageError when OPA refuses."""
    if not OPA.is_file():
        raise UsageError(f"{OPA.relative_to(ROOT)} is missing", hint="run `make tools`")
    if key is not None and not key.is_file():
        raise UsageError(f"there is no signing key {key}", hint="openssl genrsa -out key.pem 3072 makes one")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent} is not a directory", hint="make it first, or name another file")
    signing = [] if key is None else ["--signing-key", str(key.resolve()), "--signing-alg", algorithm]
    # Beside the target, so that it takes its place at once when all went well.
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=target.parent) as work:
        staged, made = Path(work) / "bundle", Path(work) / "bundle.tar.gz"
        stage(staged, estate, revised)
        # By a relative path, since OPA keeps the paths that it was given.
        done = subprocess.run(
            [OPA, "build", "--bundle", ".", "--output", made.resolve(), *signing],
            cwd=staged,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise UsageError(f"opa build: {' '.join((done.stderr or done.stdout).split())}")
        made.replace(target)


def main(argv: Sequence[str] | None = None) -> int:
    """Build the bundle that the command line asks for; give 0, or 2 and one line when that is not possible."""
    parser = argparse.ArgumentParser(prog="bundle.py", description="Build an OPA bundle of the rules and one Estate.")
    parser.add_argument("--output", type=Path, default=Path("bundle.tar.gz"), metavar="FILE", help="where it goes")
    parser.add_argument(
        "--estate", type=Path, default=ROOT / "examples/thunderline/estate.yaml", metavar="FILE", help="the contract"
    )
    parser.add_argument("--revision", metavar="TEXT", help="what it calls itself (default: git describe)")
    parser.add_argument("--signing-key", type=Path, metavar="PEM", help="sign it with this private key")
    parser.add_argument(
        "--signing-alg", default="RS256", choices=["ES256", "ES384", "ES512", "PS256", "RS256", "RS384", "RS512"]
    )
    options = parser.parse_args(argv)
    try:
        revised = options.revision or revision()
        build(options.output, options.estate, revised, options.signing_key, options.signing_alg)
    except ThunderguardError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    signed = "unsigned" if options.signing_key is None else f"signed with {options.signing_key.name}"
    print(f"{options.output}: revision {revised}, {signed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
