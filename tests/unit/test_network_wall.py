"""The wall round the unit tests holds, and lets this machine through."""

from __future__ import annotations

import socket
import urllib.request
from typing import Any

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.com", b"192.0.2.1"])
def test_no_name_is_looked_up(host: str | bytes) -> None:
    with pytest.raises(BaseException, match="a unit test reached for") as caught:
        socket.getaddrinfo(host, 80)
    assert not isinstance(caught.value, Exception)


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_nothing_is_connected_to(method: str) -> None:
    with socket.socket() as one, pytest.raises(BaseException, match=r"a unit test reached for 192\.0\.2\.1:80"):
        getattr(one, method)(("192.0.2.1", 80))


@pytest.mark.parametrize("flags", [(), (0,)])
def test_nothing_is_sent(flags: tuple[int, ...]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        send: Any = one.sendto
        with pytest.raises(BaseException, match=r"a unit test reached for 192\.0\.2\.1:53"):
            send(b"", *flags, ("192.0.2.1", 53))


def test_a_client_library_does_not_swallow_it() -> None:
    with pytest.raises(BaseException, match=r"a unit test reached for example\.com"):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open("http://example.com/", timeout=1)


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(("localhost", server.getsockname()[1]), timeout=5):
            pass
        with socket.socket() as client:
            assert client.connect_ex(server.getsockname()) == 0
