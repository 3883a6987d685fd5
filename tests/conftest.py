"""What all tests share: the Hypothesis profiles, and a wall round the unit tests.

``HYPOTHESIS_PROFILE`` names the profile: ``dev`` (the default), ``ci`` (the default where ``CI`` is true: always the
same examples, so that a red run can be repeated) or ``deep`` (an hour's search rather than a minute's).
"""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["bed.fixtures"]

UNIT = Path(__file__).resolve().parent / "unit"
END_TO_END = UNIT.parent / "e2e"

# Two cores are shared by all test processes, so a slow example says more about the neighbours than about the code.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.register_profile("deep", settings.get_profile("dev"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait for servers, so that others compute meanwhile.

    Of several processes that share the tests, the first one then has all of these, and a server that several of them
    need is started once.
    """
    items.sort(key=lambda item: not item.path.is_relative_to(END_TO_END))


class NetworkBlockedError(BaseException):
    """A unit test reached for the network. Not an Exception, so that no code under test can swallow it."""


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse, in tests/unit, every socket that leads off this machine and every name that is not this machine's."""
    if not request.path.is_relative_to(UNIT):
        return
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo
    sendto: Any = socket.socket.sendto

    def checked(address: Any) -> Any:
        if isinstance(address, tuple) and not _is_local(address[0]):
            raise NetworkBlockedError(f"a unit test reached for {address[0]}:{address[1]}")
        return address

    monkeypatch.setattr(socket.socket, "connect", lambda self, address: connect(self, checked(address)))
    monkeypatch.setattr(socket.socket, "connect_ex", lambda self, address: connect_ex(self, checked(address)))
    monkeypatch.setattr(
        socket.socket, "sendto", lambda self, data, *rest: sendto(self, data, *rest[:-1], checked(rest[-1]))
    )

    def guarded(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        checked((host, port))
        return getaddrinfo(host, port, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", guarded)


def _is_local(host: Any) -> bool:
    """Say whether a host as sockets take it (a name, an address, bytes, nothing at all) is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
