from __future__ import annotations

import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.simulator.faults import DropAfter
from reconciler.simulator.serve import _listening, serve
from reconciler.simulator.types import Organization
from tests.harness.account import a_simulator
from tests.harness.local_http import LOCAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.simulator.simulator import Simulator


def served(
    simulator: Simulator, use: Callable[[httpx.Client], None], ending: signal.Signals
) -> list[BaseException]:
    """Serve for as long as ``use`` takes, then end by a signal."""
    errors: list[BaseException] = []

    def client(url: str) -> None:
        headers = {"Authorization": f"Bearer {simulator.organization_keys['free']}"}
        try:
            with httpx.Client(base_url=url, headers=headers, **LOCAL) as http:
                use(http)
        except BaseException as error:  # reported to the test
            errors.append(error)
        finally:
            os.kill(os.getpid(), ending)

    serve(simulator, on_ready=lambda url: threading.Thread(target=client, args=(url,)).start())
    return errors


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_and_lets_the_program_go_on(ending: signal.Signals) -> None:
    def use(http: httpx.Client) -> None:
        assert http.post("/projects", json={"project": {"name": "acme"}}).status_code == 201

    with a_simulator(Organization("free")) as simulator:
        assert served(simulator, use, ending) == []
        assert [exchange.line for exchange in simulator.requests] == ["POST /projects"]


def test_a_dropped_connection_breaks_on_a_real_socket_too() -> None:
    def use(http: httpx.Client) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            http.post("/projects", json={"project": {"name": "acme"}})
        assert len(http.get("/projects").json()["projects"]) == 1

    with a_simulator(Organization("free")) as simulator:
        simulator.faults.add(DropAfter(), "POST")
        assert served(simulator, use, signal.SIGTERM) == []


def test_only_this_machine_reaches_it() -> None:
    """Every address of 127.0.0.0/8 is this machine's, and one that listens on all of them would answer here."""

    def use(http: httpx.Client) -> None:
        assert http.get("/projects").status_code == 200
        with pytest.raises(OSError, match=r"refused|unreachable|assign"):
            socket.create_connection(("127.0.0.2", http.base_url.port or 0), timeout=5).close()

    with a_simulator(Organization("free")) as simulator:
        assert served(simulator, use, signal.SIGTERM) == []
    with _listening(0) as (listener, url):
        assert listener.getsockname()[0] == "127.0.0.1"
        assert url.startswith("http://127.0.0.1:")


def test_an_answer_does_not_wait_until_the_client_has_confirmed_its_first_bytes() -> None:
    with _listening(0) as (listener, _), socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.proto == socket.IPPROTO_TCP  # what asyncio asks for before it turns off the wait
