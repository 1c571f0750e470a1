"""No test reaches beyond this machine."""

from __future__ import annotations

import socket

import pytest
from pytest_socket import SocketConnectBlockedError


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "8.8.8.8"])
def test_the_network_is_blocked(host: str) -> None:
    with (
        socket.socket() as one,
        pytest.warns(UserWarning, match="tried to use socket"),
        pytest.raises(SocketConnectBlockedError),
    ):
        one.connect((host, 80))


def test_loopback_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
