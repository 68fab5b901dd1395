"""Whose certificates are read."""

from __future__ import annotations

import httpx
import pytest

from reconciler.errors import MachineError
from reconciler.neon.network import network_path_to


def test_a_call_to_this_machine_reads_the_usual_certificates_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certifi.where", lambda: "/nowhere")
    network_path_to(httpx.URL("http://127.0.0.1:1/api/v2"), httpx.Limits())
    with pytest.raises(MachineError, match="certificates of the package certifi"):
        network_path_to(httpx.URL("https://neon.test/api/v2"), httpx.Limits())
