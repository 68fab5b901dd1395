"""Neon's toolkit for tests and agents: its first example makes a project, and deletes it while operations run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.simulator.behaviour import Behaviour
from tests.contract.clients import TOOLKIT, package, run_node, served
from tests.contract.test_neon_sdk import SCRIPTS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.client("toolkit")]


def example(folder: Path, behaviour: Behaviour) -> tuple[Any, list[tuple[str, int | None]]]:
    """What the example tells, and what it asked."""
    package(TOOLKIT)
    with served(folder, behaviour=behaviour) as neon:
        environ = {**neon.environ(folder), "NEON_ORG_ID": neon.paid}
        ended = run_node(SCRIPTS / "toolkit.mjs", environ=environ, cwd=folder)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout), neon.answered()


def test_the_first_example_of_its_readme_works_as_it_is_printed(tmp_path: Path) -> None:
    told, answered = example(tmp_path, Behaviour())
    assert told["operations"] == 2
    assert told["uri"].startswith("postgresql://")
    assert answered == [("POST /projects", 201), (f"DELETE /projects/{told['id']}", 200)]


def test_where_a_deletion_waits_for_operations_the_example_meets_a_lock(tmp_path: Path) -> None:
    told, answered = example(tmp_path, Behaviour(delete_waits_for_operations=True))
    assert told["answer"] == 423
    assert answered[-1] == (f"DELETE /projects/{told['id']}", 423)
