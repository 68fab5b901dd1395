"""The way to the API: proxies that carry, refuse or break, certificates, names that nobody knows."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.test_keys import PROXIES, UNTRUSTED, Listener, planned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.shell import Shell

PATIENCE_SECONDS: Final = 30
SECRET: Final = "s3cret-word"  # noqa: S105
"""The password of a proxy, which nothing may print."""


@contextmanager
def serving(serve: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[int]]]:
    """A port of this machine, each of whose connections is served; how many there were."""
    listening = socket.create_server(("127.0.0.1", 0))
    served: list[int] = []

    def run(connection: socket.socket) -> None:
        connection.settimeout(PATIENCE_SECONDS)
        with connection:
            try:
                serve(connection)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            served.append(1)
            threading.Thread(target=run, args=[connection], daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield listening.getsockname()[1], served
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data


def socks5(client: socket.socket) -> None:
    """A SOCKS 5 proxy that wants the password, and connects to where it is told (RFC 1928, 1929)."""
    _, methods = exactly(client, 2)
    exactly(client, methods)
    client.sendall(b"\x05\x02")
    _, length = exactly(client, 2)
    exactly(client, length)
    password = exactly(client, exactly(client, 1)[0])
    client.sendall(b"\x01" + (b"\x00" if password == SECRET.encode() else b"\x01"))
    if password != SECRET.encode():
        return
    *_, kind = exactly(client, 4)
    host = exactly(client, exactly(client, 1)[0]).decode() if kind == 3 else socket.inet_ntoa(exactly(client, 4))
    (port,) = struct.unpack("!H", exactly(client, 2))
    with socket.create_connection((host, port)) as target:
        client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        back = threading.Thread(target=copy, args=[target, client], daemon=True)
        back.start()
        copy(client, target)
        back.join(PATIENCE_SECONDS)


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def answering(said: bytes) -> Callable[[socket.socket], None]:
    """Serves a connection by one answer, whatever it is asked."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(said)

    return serve


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy but the one of a test."""
    for name in (*PROXIES, "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(UNTRUSTED)
    return context


@pytest.mark.slow
def test_a_socks_proxy_carries_calls_and_no_secrets_of_tls_are_written(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """.netrc has another key for the host: the one that goes out is the fleet's own."""
    secrets = tmp_path / "tls-secrets"
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password foreign-word\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("SSL_CERT_FILE", str(UNTRUSTED))
    monkeypatch.setenv("SSLKEYLOGFILE", str(secrets))
    with serving(socks5) as (port, served), Listener(tls()).listening() as api:
        monkeypatch.setenv("ALL_PROXY", f"socks5h://me:{SECRET}@127.0.0.1:{port}")
        ended = planned(shell, f"https://127.0.0.1:{api.port}/api/v2")
    assert ended.code == 1
    assert served
    assert b"Bearer marked-" in api.heard
    assert b"Basic" not in api.heard
    assert not secrets.exists()
    assert "the connection goes through the proxy that $ALL_PROXY names" in ended.err
    assert SECRET not in ended.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scheme", "serve", "told", "attempts"),
    [
        ("socks5", socks5, "requires a valid user name and password", 1),
        ("socks5", answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "the response is not SOCKS 5", 1),
        ("socks5", answering(b""), "the response is not SOCKS 5", 1),
        ("http", answering(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), "password: 407", 1),
        ("http", answering(b"HTTP/1.1 403 Forbidden\r\n\r\n"), "refuses the connection: 403 Forbidden", 1),
        ("http", answering(b"HTTP/1.1 503 Later\r\n\r\n"), "refuses the connection: 503 Later", 4),
        ("https", answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "the TLS handshake with", 1),
        ("http", answering(b""), "the connection goes through", 4),
    ],
)
def test_a_proxy_that_refuses_is_told_by_its_variable_and_asked_again_where_that_can_help(
    shell: Shell,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
    serve: Callable[[socket.socket], None],
    told: str,
    attempts: int,
) -> None:
    with serving(serve) as (port, served):
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:wrong-{SECRET}@127.0.0.1:{port}")
        ended = planned(shell, "https://127.0.0.1:9/api/v2")
    shown = " ".join(ended.err.split())
    assert ended.code == 1
    assert told in shown
    assert "$HTTPS_PROXY" in shown
    assert "hint: " in shown
    assert "defect" not in shown
    assert SECRET not in shown
    assert attempts <= len(served) <= 2 * attempts  # one call alone makes the first connection; two are under way


@pytest.mark.slow
def test_a_host_that_does_not_speak_tls_or_is_not_trusted_is_asked_once(shell: Shell) -> None:
    with serving(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as (port, served):
        ended = planned(shell, f"https://127.0.0.1:{port}/api/v2")
    assert "the TLS handshake with" in " ".join(ended.err.split())
    assert len(served) <= 2


def test_a_name_that_does_not_exist_is_asked_for_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def unknown(*args: object, **_: object) -> None:
        asked.append(args)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    ended = planned(shell, "https://no-such-host.example/api/v2")
    assert ended.code == 1
    assert "no-such-host.example cannot be reached: Name or service not known" in " ".join(ended.err.split())
    assert len(asked) <= 2


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "x, 127.0.0.1:9", "*", "https://127.0.0.1"])
def test_no_proxy_names_what_needs_none(shell: Shell, monkeypatch: pytest.MonkeyPatch, no_proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://no-such-proxy.example")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert "proxy" not in planned(shell, "https://127.0.0.1:9/api/v2").err
