"""``simulator serve --strict-contract``: the traffic of any client is held against the official description."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.simulator.contract.description import FILE
from tests.contract import installed as official
from tests.harness.local_http import LOCAL
from tests.harness.processes import PATIENCE_SECONDS, Place

if TYPE_CHECKING:
    from pathlib import Path

KEY = {"Authorization": "Bearer sim_org_free_key"}
CONTRACT = "--strict-contract"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    official.required()
    place = Place(tmp_path)
    place.declare(1)
    return place


def served(place: Place, *option: str, requests: list[tuple[str, str, Any]]) -> tuple[int, str, dict[str, Any]]:
    """Serve, send requests, end the server: its exit code, what it said after its first line, and its own page."""
    arguments = ("simulator", "serve", "--port", "0", *option)
    with place.running(*arguments, stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        port = re.findall(r"127\.0\.0\.1:(\d+)", server.stderr.readline())[0]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=KEY, **LOCAL) as http:
            for method, path, body in requests:
                http.request(method, f"/api/v2{path}", json=body)
            page = http.get("/_simulator/contract").json()
        server.send_signal(signal.SIGTERM)
        return server.wait(PATIENCE_SECONDS), server.stderr.read(), page


def test_lawful_traffic_ends_well_and_is_counted(place: Place) -> None:
    requests = [("POST", "/projects", {"project": {"name": "acme"}}), ("GET", "/projects?limit=400", None)]
    code, said, page = served(place, CONTRACT, str(official.MODULES / FILE), requests=requests)
    assert (code, said) == (0, "official description: 2 exchanges of 2 operations validated, 0 violations\n")
    assert page == {"exchanges": 2, "operations": ["createProject", "listProjects"], "violations": []}


def test_what_a_client_does_wrong_is_said_at_once_counted_and_an_error_in_the_end(place: Place) -> None:
    requests = [("GET", "/projects?surprise=1", None), ("GET", "/nothing/here", None)]
    code, said, page = served(place, CONTRACT, str(official.MODULES / FILE), requests=requests)
    violations = [
        "GET /api/v2/projects (listProjects) -> 400: query surprise: is not a parameter of this operation",
        "GET /api/v2/nothing/here (no operation) -> 404: request: no operation has this method and path",
    ]
    summary = "official description: 2 exchanges of 1 operations validated, 2 violations"
    assert (code, said.splitlines()) == (1, [*(f"contract: {each}" for each in violations), summary])
    assert page["violations"] == violations


def test_the_description_is_found_where_npm_puts_it(place: Place) -> None:
    there = place.folder / "node_modules" / FILE
    there.parent.mkdir(parents=True)
    shutil.copy(official.MODULES / FILE, there)
    code, said, _ = served(place, CONTRACT, requests=[])
    assert (code, said) == (0, "official description: 0 exchanges of 0 operations validated, 0 violations\n")


def test_without_the_option_nothing_is_judged(place: Place) -> None:
    code, said, page = served(place, requests=[("GET", "/projects?surprise=1", None)])
    assert (code, said) == (0, "")
    assert page["message"] == "the simulator was not started with --strict-contract"


def test_a_description_that_is_absent_or_another_one_is_refused_with_a_remedy(place: Place) -> None:
    absent = place.run("simulator", "serve", CONTRACT)
    assert absent.returncode == 3
    assert f"node_modules/{FILE}: No such file or directory" in absent.stderr
    assert "npm install @neondatabase/api-client@" in absent.stderr
    (place.folder / "edited.yaml").write_text("openapi: 3.0.3\n", encoding="utf-8")
    edited = place.run("simulator", "serve", CONTRACT, "edited.yaml")
    assert edited.returncode == 3
    assert "edited.yaml is not the description that the simulator is checked against" in edited.stderr
