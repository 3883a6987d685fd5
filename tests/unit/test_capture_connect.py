"""Whatever is wrong with the way to a cluster is one line that names the file and the context, and exit code 2."""

from __future__ import annotations

import base64
import datetime as dt
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fake_api import Asked, FakeAPI, Said, kubeconfig, serving
from thunderguard.capture import Options, capture, connect
from thunderguard.capture.certificate import expiry
from thunderguard.cli import main
from thunderguard.controlplane.certificates import Authority, Pair
from thunderguard.controlplane.certificates import kubeconfig as write_kubeconfig
from thunderguard.errors import ClusterError

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "thunderline"}}
YESTERDAY = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_other_kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def audit(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, list[str]]:
    """Run the audit of a live cluster: exit code, output, lines on standard error."""
    with pytest.raises(SystemExit) as stopped:
        main(["audit", *map(str, words)])
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err.splitlines()


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """Give the error line of an audit that ends with 2 and prints nothing."""
    code, out, lines = audit(capsys, *words)
    assert code == 2
    assert out == ""
    assert len(lines) <= 2
    assert lines[0].startswith("error: ")
    assert all(line.startswith("hint: ") for line in lines[1:])
    return lines[0].removeprefix("error: ")


@contextmanager
def secured(api: FakeAPI, pair: Pair, folder: Path) -> Iterator[FakeAPI]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair.write(folder, "server"))
    with serving(api, context):
        yield api


def test_no_kubeconfig(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert refused(capsys) == f"there is no kubeconfig {tmp_path}/home/.kube/config"
    assert refused(capsys, "--kubeconfig", "/no/such") == "there is no kubeconfig /no/such"


def test_the_kubeconfigs_of_the_environment_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/no/such:/nor/this")
    assert refused(capsys) == "there is no kubeconfig /no/such:/nor/this"


def test_a_context_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "http://127.0.0.1:1")
    code, _, lines = audit(capsys, "--kubeconfig", file, "--context", "prod")
    assert code == 2
    assert lines == [f"error: {file} has no context prod", "hint: it has elsewhere, here"]


@pytest.mark.parametrize("text", ["", "{}", "[1]", "a: [", "clusters: 3", "contexts: [{}]\ncurrent-context: x\n"])
def test_a_kubeconfig_that_is_none(capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    assert refused(capsys, "--kubeconfig", file).startswith(f"{file} ")


def test_a_kubeconfig_whose_data_is_damaged_is_not_quoted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "https://127.0.0.1:1", **{"certificate-authority-data": "canary!"})
    line = refused(capsys, "--kubeconfig", file)
    assert line.startswith(f"context here of {file} ")
    assert "canary" not in line


def test_a_login_helper_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = kubeconfig(tmp_path / "config", "http://127.0.0.1:1")
    helper = "exec: {apiVersion: client.authentication.k8s.io/v1, command: /no/such/helper, interactiveMode: Never}"
    file.write_text(file.read_text().replace("token: a-token", helper))
    with serving(FakeAPI([POD], habit=lambda _: Said(401))) as api:
        file.write_text(file.read_text().replace("http://127.0.0.1:1", api.url))
        assert refused(capsys, "--kubeconfig", file).startswith(f"context here of {file}")


def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        file = kubeconfig(tmp_path / "config", url)
        line = refused(capsys, "--kubeconfig", file)
    assert line == f"context here of {file}: {url} cannot be reached: connection refused"


def test_credentials_that_are_not_accepted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serving(FakeAPI([POD], habit=lambda _: Said(401))) as api:
        file = kubeconfig(tmp_path / "config", api.url)
        line = refused(capsys, "--kubeconfig", file, "--context", "elsewhere")
    assert line == f"context elsewhere of {file}: {api.url} does not accept the credentials (401 Unauthorized)"


def test_something_else_than_an_api_server(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with serving(FakeAPI(habit=lambda _: Said(body=b"<html>"))) as api:
        file = kubeconfig(tmp_path / "config", api.url)
        line = refused(capsys, "--kubeconfig", file)
    assert line.endswith("does not answer as a Kubernetes API server: the answer is not JSON")


@pytest.mark.parametrize(
    ("expires", "trusted", "reason"),
    [
        pytest.param(YESTERDAY, True, "certificate has expired", id="expired"),
        pytest.param(None, False, "unable to get local issuer certificate", id="unknown"),
    ],
)
def test_a_certificate_of_the_server_that_is_not_accepted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, expires: dt.datetime | None, trusted: bool, reason: str
) -> None:
    authority, other = Authority.make(), Authority.make()
    with secured(FakeAPI([POD]), authority.server(expires=expires), tmp_path) as api:
        data = base64.b64encode((authority if trusted else other).pair.certificate).decode()
        file = kubeconfig(tmp_path / "config", api.url, **{"certificate-authority-data": data})
        line = refused(capsys, "--kubeconfig", file)
    beginning = f"context here of {file}: {api.url} cannot be reached: its certificate is not accepted: "
    assert line.startswith(beginning)
    assert reason in line or "certificate signature failure" in line


def test_a_client_certificate_that_expired(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    authority = Authority.make()
    file = tmp_path / "config"
    client = authority.client("alice", "team", expires=YESTERDAY)
    write_kubeconfig(
        file, server="https://127.0.0.1:1", authority=authority.pair.certificate, client=client, name="old"
    )
    line = refused(capsys, "--kubeconfig", file)
    assert line == f"context old of {file}: the client certificate expired on {YESTERDAY:%Y-%m-%d}"


@pytest.mark.parametrize("year", [2026, 2049, 2050, 2123])
def test_the_end_of_a_certificate_is_read(tmp_path: Path, year: int) -> None:
    end = dt.datetime(year, 12, 30, 23, 59, 58, tzinfo=dt.UTC)
    file, _ = Authority.make().client("alice", "a", "b", expires=end).write(tmp_path, "client")
    assert expiry(file) == end


@pytest.mark.parametrize("text", ["", "x", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"])
def test_the_end_of_no_certificate_is_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x"
    file.write_text(text)
    assert expiry(file) is None
    assert expiry(tmp_path / "absent") is None


def test_a_server_over_tls_is_read(tmp_path: Path) -> None:
    authority = Authority.make()
    with secured(FakeAPI([POD]), authority.server(), tmp_path) as api:
        file = tmp_path / "config"
        pair = authority.client("alice")
        write_kubeconfig(file, server=api.url, authority=authority.pair.certificate, client=pair, name="tls")
        connection = connect(kubeconfig=file)
        assert str(connection) == f"context tls of {file}"
        assert capture(tmp_path / "s.jsonl", connection, Options())["objects"] == 1


def test_a_version_that_may_not_be_asked_is_unknown(tmp_path: Path) -> None:
    def habit(asked: Asked) -> Said | None:
        return Said(403) if asked.path == "/version" else None

    with serving(FakeAPI([POD], habit=habit)) as api:
        connection = connect(kubeconfig=kubeconfig(tmp_path / "config", api.url))
        assert capture(tmp_path / "s.jsonl", connection, Options())["clusterVersion"] is None


def test_in_a_pod_its_own_cluster_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "1")
    token, certificate = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("a-token")
    certificate.write_bytes(Authority.make().pair.certificate)
    monkeypatch.setattr("kubernetes.config.incluster_config.SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr("kubernetes.config.incluster_config.SERVICE_CERT_FILENAME", str(certificate))
    connection = connect()
    assert connection.server == "https://127.0.0.1:1"
    assert str(connection) == "context in-cluster of the service account of this pod"
    with pytest.raises(ClusterError, match="there is no kubeconfig"):
        connect(context="other")
