"""The OPA bundle: a real server loads it and answers from it, and refuses one that was changed."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from thunderguard.controlplane.processes import eventually, free_ports
from tool_modules import load_tool

ROOT = Path(__file__).resolve().parents[2]
OPA = ROOT / ".tools" / "bin" / "opa"
ESTATE = ROOT / "examples" / "thunderline" / "estate.yaml"


BUNDLE = load_tool("bundle")


def keys(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a private and a public key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    form = serialization.PrivateFormat.TraditionalOpenSSL
    pem = serialization.Encoding.PEM
    private.write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture(name="signed", scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Give a signed bundle and the public key."""
    folder = tmp_path_factory.mktemp("bundle")
    private, public = keys(folder, "ours")
    code = BUNDLE.main(
        ["--output", str(folder / "bundle.tar.gz"), "--revision", "v1-test", "--signing-key", str(private)]
    )
    assert code == 0
    return folder / "bundle.tar.gz", public


@contextmanager
def server(bundle: Path, public: Path, folder: Path) -> Iterator[str | None]:
    """Start OPA with ``bundle`` and give its address; None when it ends instead, with what it said in ``opa.log``."""
    [port] = free_ports(1)
    address = f"127.0.0.1:{port}"
    command = [str(OPA), "run", "--server", "--addr", address, "--bundle", str(bundle)]
    command += ["--verification-key", str(public), "--skip-version-check"]
    with open(folder / "opa.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:

            def decided() -> bool:
                return process.poll() is not None or is_healthy(address)

            assert eventually(decided, seconds=60), (folder / "opa.log").read_text()
            yield None if process.poll() is not None else f"http://{address}"
        finally:
            process.kill()
            process.wait()


def is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/health", timeout=5):
            return True
    except OSError:
        return False


def ask(url: str, value: Any) -> Any:
    request = urllib.request.Request(  # noqa: S310 - our own server
        url, data=json.dumps(value).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.load(answer)


def review(obj: dict[str, Any]) -> dict[str, Any]:
    group, _, version = obj["apiVersion"].rpartition("/")
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "kind": {"group": group, "version": version, "kind": obj["kind"]},
            "resource": {"group": group, "version": version, "resource": f"{obj['kind'].lower()}s"},
            "operation": "CREATE",
            "name": obj["metadata"]["name"],
            "namespace": obj["metadata"]["namespace"],
            "userInfo": {"username": "somebody"},
            "object": obj,
        },
    }


def members(bundle: Path) -> dict[str, bytes]:
    with tarfile.open(bundle) as archive:
        found = {}
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            found[member.name.lstrip("/")] = file.read()
        return found


def packed(target: Path, files: dict[str, bytes]) -> Path:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    target.write_bytes(gzip.compress(plain.getvalue()))
    return target


def test_a_server_answers_from_it(signed: tuple[Path, Path], tmp_path: Path) -> None:
    good = next(iter(yaml.safe_load_all((ROOT / "examples" / "good" / "mlflow-tracking.yaml").read_text())))
    bad = json.loads(json.dumps(good).replace('"thunderline"', '"elsewhere"'))
    with server(*signed, tmp_path) as url:
        assert url is not None, (tmp_path / "opa.log").read_text()
        assert ask(f"{url}/v0/data/thunderguard/webhook", review(good))["response"]["allowed"] is True
        denied = ask(f"{url}/v0/data/thunderguard/webhook", review(bad))["response"]
        assert denied["allowed"] is False
        assert "singleton-service" in denied["status"]["message"]


def test_it_has_a_manifest_the_rules_and_the_estate_and_no_tests(signed: tuple[Path, Path]) -> None:
    files = members(signed[0])
    manifest = json.loads(files[".manifest"])
    assert manifest["revision"] == "v1-test"
    assert sorted(manifest["roots"]) == ["estate", "thunderguard"]
    data = json.loads(files["data.json"])
    assert data["estate"]["metadata"]["name"] == "thunderline"
    assert "singleton-service" in data["thunderguard"]["catalogue"]["rules"]
    rego = {name for name in files if name.endswith(".rego")}
    there = {path.relative_to(ROOT / "rego").as_posix() for path in (ROOT / "rego").rglob("*.rego")}
    assert rego == {name for name in there if not name.endswith("_test.rego")}
    assert ".signatures.json" in files


def test_the_same_files_make_the_same_bytes(signed: tuple[Path, Path], tmp_path: Path) -> None:
    again = tmp_path / "other-name.tar.gz"
    private = signed[1].with_name("ours.pem")
    assert BUNDLE.main(["--output", str(again), "--revision", "v1-test", "--signing-key", str(private)]) == 0
    assert again.read_bytes() == signed[0].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other-name.tar.gz"]


@pytest.mark.parametrize("change", ["rule", "estate", "added", "unsigned", "key"])
def test_a_server_refuses_what_was_changed(change: str, signed: tuple[Path, Path], tmp_path: Path) -> None:
    bundle, public = signed
    files = members(bundle)
    if change == "rule":
        name = next(name for name in files if name.endswith("singleton_service.rego"))
        files[name] += b"\n# changed\n"
    elif change == "estate":
        files["data.json"] = files["data.json"].replace(b'"mlflow-tracking"', b'"mlflow-elsewhere"')
    elif change == "added":
        files["thunderguard/more.rego"] = b"package thunderguard.more\n"
    elif change == "unsigned":
        del files[".signatures.json"]
    else:
        _, public = keys(tmp_path, "theirs")
    with server(packed(tmp_path / "bundle.tar.gz", files), public, tmp_path) as url:
        assert url is None
    said = (tmp_path / "opa.log").read_text()
    assert any(word in said for word in ("signature", "verify", "digest", "not included", "verification")), said


def test_the_packing_of_these_tests_is_no_change(signed: tuple[Path, Path], tmp_path: Path) -> None:
    with server(packed(tmp_path / "bundle.tar.gz", members(signed[0])), signed[1], tmp_path) as url:
        assert url is not None, (tmp_path / "opa.log").read_text()


def test_without_a_revision_it_is_named_after_the_commit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--tags"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert BUNDLE.main(["--output", str(tmp_path / "b.tar.gz")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'b.tar.gz'}: revision {described}, unsigned\n"
    assert json.loads(members(tmp_path / "b.tar.gz")[".manifest"])["revision"] == described


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (["--signing-key", "/no/such/key.pem"], "there is no signing key /no/such/key.pem"),
        (["--signing-key", str(ESTATE)], "opa build: "),
        (["--estate", "/no/such/estate.yaml"], "/no/such/estate.yaml"),
        (["--output", "/no/such/folder/b.tar.gz"], "/no/such/folder is not a directory"),
    ],
)
def test_what_cannot_be_built_is_one_line_and_leaves_nothing(
    asked: list[str], error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert BUNDLE.main(["--revision", "r", "--output", str(tmp_path / "b.tar.gz"), *asked]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("error: ")
    assert error in said[0]
    assert list(tmp_path.iterdir()) == []


def test_it_is_a_program() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "bundle.py", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "--signing-key" in done.stdout
