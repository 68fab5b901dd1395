"""Which key goes where: in one header, to one address, over a connection that nobody else reads."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.faults.rich_fleet import opened
from tests.harness.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.shell import Ended, Shell

UNTRUSTED: Final = Path(__file__).with_name("untrusted.pem")
"""A key and a certificate for 127.0.0.1, made for these tests alone and signed by nobody: they open nothing."""
KEYS: Final = {
    "NEON_FREE_ORG_ID": "org-free",
    "NEON_PAID_ORG_ID": "org-paid",
    "FREE_ORG_API_KEY": "marked-free-key",
    "PAID_ORG_API_KEY": "marked-paid-key",
    "PERSONAL_API_KEY": "marked-personal-key",
}
PROXIES: Final = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
PATIENCE_SECONDS: Final = 30


class Listener:
    """A port of this machine that closes every connection, and keeps what arrived in clear or once decrypted."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._tls = tls
        self.port: int = self._socket.getsockname()[1]
        self.heard = b""
        self._thread = threading.Thread(target=self._listen)

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        self._thread.start()
        try:
            yield self
        finally:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._thread.join()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._hear(connection)

    def _hear(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE_SECONDS)
        try:
            with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as opened:
                self.heard += opened.recv(65_536)
        except OSError:
            connection.close()


def planned(shell: Shell, host: str) -> Ended:
    shell.tenant("acme")
    shell.environ |= KEYS
    return shell.run("plan", "--api-host", host)


def test_a_key_goes_out_in_one_header_and_the_personal_one_with_moves_alone() -> None:
    with opened() as scene:
        way = Wire(scene.world.via)
        scene.apply(way)
        keys = {value: name for name, value in scene.world.environ.items() if name.endswith("_API_KEY")}
        found = set()
        for request in way.requests:
            key = request.headers.pop("Authorization").removeprefix("Bearer ")
            rest = f"{request.method} {request.url} {request.headers.raw} {request.content!r}"
            assert not [name for value, name in keys.items() if value in rest], rest
            moves = request.url.path.endswith(("/transfer", "/users/me/organizations"))
            assert (keys[key] == "PERSONAL_API_KEY") == moves, rest
            found.add(keys[key])
        assert found == {"PERSONAL_API_KEY", "FREE_ORG_API_KEY", "PAID_ORG_API_KEY"}


@pytest.mark.parametrize("trusted", [False, True], ids=["untrusted", "trusted"])
def test_nothing_is_said_to_a_server_whose_certificate_is_not_trusted(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    """Where its certificate is trusted, the same server hears the key: the test would notice one."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(UNTRUSTED))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(UNTRUSTED)
    with Listener(tls).listening() as server:
        ended = planned(shell, f"https://127.0.0.1:{server.port}/api/v2")
    assert ended.code == 1
    assert (b"marked-" in server.heard) == trusted
    if not trusted:
        assert server.heard == b""
        assert "certificate" in ended.err


@pytest.mark.parametrize("variable", PROXIES)
def test_a_key_for_this_machine_takes_no_proxy(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Plain http is for this machine, and a proxy may be on another one: it would read the key."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Listener().listening() as proxy, Listener().listening() as here:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        ended = planned(shell, f"http://127.0.0.1:{here.port}/api/v2")
    assert ended.code == 1
    assert proxy.heard == b""
    assert b"marked-" in here.heard
