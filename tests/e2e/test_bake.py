"""`apply --waves ... --bake`: tenants are looked at after their wave, and harm stops the run."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import jsonschema_rs
import pytest

from reconciler.documents.schema import report_schema
from tests.e2e.test_causes import LIMIT, by_hand, commit, fleet, grant, transfers
from tests.harness.events import read_events
from tests.harness.repository import needs_git
from tests.harness.wire import Killed, answered

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell
    from tests.harness.wire import Passing

__all__ = ["fleet"]

pytestmark = needs_git

BAKED = ("--waves", "1,100%", "--bake", "10m")


@pytest.fixture
def cheaper(fleet: Shell) -> Shell:
    """Both tenants get less transfer by one commit."""
    for tenant in ("acme", "bluebird"):
        grant(fleet, tenant, 3)
    commit(fleet)
    return fleet


def apply(shell: Shell, *flags: str) -> Ended:
    return shell.simulated("apply", "--yes", "--base", "applied", "--journal", "journal.jsonl", *BAKED, *flags)


class UsedUp:
    """Each tenant that the run has patched has used up its transfer by the time somebody looks at it."""

    def __init__(self) -> None:
        self.patched: set[str] = set()

    async def __call__(self, passing: Passing) -> httpx.Response:
        answer, path = await passing.answer(), passing.path
        if passing.request.method == "PATCH":
            self.patched.add(path)
        if passing.request.method != "GET" or path not in self.patched:
            return answer
        told = json.loads(await answer.aread())
        told["project"][LIMIT] = told["project"]["settings"]["quota"][LIMIT]
        return httpx.Response(answer.status_code, json=told)


def changed(shell: Shell) -> set[str]:
    return {tenant for tenant, gib in transfers(shell).items() if gib == 3}


def test_without_harm_every_wave_is_applied_and_looked_at(cheaper: Shell) -> None:
    ended = apply(cheaper)
    assert (ended.code, changed(cheaper)) == (0, {"acme", "bluebird"}), ended.out
    assert "In 2 waves: 1 and 1 tenants." in ended.out
    assert "10m after each wave, its tenants are looked at" in ended.out
    assert [line["harmful"] for line in cheaper.journal if line["line"] == "look"] == [False, False]


def test_harm_stops_the_run_and_names_who_and_how_and_the_way_back(cheaper: Shell) -> None:
    cheaper.act = UsedUp()
    ended = apply(cheaper, "--format", "json")
    (harmed,) = changed(cheaper)
    document = ended.document
    jsonschema_rs.Draft202012Validator(report_schema()).validate(document)
    assert (ended.code, document["harm"]["wave"]) == (6, 1)
    assert document["harm"]["tenants"] == [
        {"tenant": harmed, "symptoms": ["suspended: quota.data_transfer_bytes is used up"], "certain": True}
    ]
    assert f"`reconciler rollback {document['run']} --wave 1` undoes it" in document["stopped"]
    cheaper.act = answered
    back = cheaper.simulated("rollback", document["run"], "--wave", "1", "--journals", "journal.jsonl", "--yes")
    assert (back.code, changed(cheaper)) == (0, set())


def test_the_events_tell_how_each_wave_did(cheaper: Shell) -> None:
    cheaper.act = UsedUp()
    ended = apply(cheaper, "--events", "events.jsonl", "--log-format", "json")
    (harmed,) = changed(cheaper)
    lines = read_events((cheaper.folder / "events.jsonl").read_text(encoding="utf-8"))
    (look,) = [line for line in lines if line["event"] == "wave_looked_at"]
    assert look["harmful"]
    assert (look["number"], look["looked_at"], look["untouched"], look["untouched_harmed"]) == (1, 1, 1, 0)
    assert [one["tenant"] for one in look["harmed"]] == [harmed]
    logged = [json.loads(line) for line in ended.err.splitlines()]
    (worse,) = [line for line in logged if line["message"].startswith("is worse off")]
    assert (worse["tenant"], worse["level"]) == (harmed, "warning")
    cheaper.act = answered


def test_with_the_flag_the_run_takes_the_wave_back_itself(cheaper: Shell) -> None:
    cheaper.act = UsedUp()
    ended = apply(cheaper, "--rollback-on-harm", "--advance", "applied")
    assert (ended.code, changed(cheaper)) == (6, set())
    assert "wave 1 of 2 harms 1 of 1 tenants, of 1 untouched tenants 0" in " ".join(ended.out.split())
    assert "rollback of run" in ended.out
    assert "stays where it is, because the run did harm" in ended.err


def test_a_wave_that_nobody_has_looked_at_is_looked_at_by_the_next_run(cheaper: Shell) -> None:
    harm = UsedUp()

    async def dies(passing: Passing) -> httpx.Response:
        if harm.patched and passing.path.endswith("/operations"):
            raise Killed
        return await harm(passing)

    cheaper.act = dies
    with suppress(Killed):
        apply(cheaper)
    assert len(changed(cheaper)) == 1
    cheaper.act = harm
    ended = apply(cheaper)
    assert ended.code == 6
    assert "wave 1 of run " in " ".join(ended.out.split())
    assert len(changed(cheaper)) == 1
    cheaper.act = answered


def test_a_run_goes_on_after_the_waves_of_an_interrupted_one(cheaper: Shell) -> None:
    begun: list[str] = []

    async def dies(passing: Passing) -> httpx.Response:
        if passing.request.method == "PATCH":
            begun.append(passing.path)
        if len(set(begun)) > 1:
            raise Killed
        return await passing.answer()

    cheaper.act = dies
    with suppress(Killed):
        apply(cheaper)
    cheaper.act = answered
    ended = apply(cheaper)
    assert (ended.code, changed(cheaper)) == (0, {"acme", "bluebird"}), ended.out
    assert "of earlier runs" in ended.out


def test_after_a_run_that_reached_its_end_the_first_wave_is_small_again(cheaper: Shell) -> None:
    apply(cheaper)
    for tenant in ("acme", "bluebird"):
        by_hand(cheaper, tenant, 2)
    ended = apply(cheaper)
    assert (ended.code, changed(cheaper)) == (0, {"acme", "bluebird"}), ended.out
    assert "In 2 waves: 1 and 1 tenants." in ended.out


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--bake", "10m"), "--bake goes with --waves"),
        (("--harm", "1%"), "go with --bake"),
        (("--rollback-on-harm",), "go with --bake"),
        (("--waves", "1,100%", "--bake", "soon"), "is no length of time"),
        (("--waves", "1,100%", "--bake", "1m", "--harm", "most"), "neither a share nor a number"),
    ],
)
def test_flags_that_mean_nothing_are_usage_errors(fleet: Shell, flags: tuple[str, ...], told: str) -> None:
    ended = fleet.simulated("apply", "--yes", *flags)
    assert (ended.code, told in ended.err) == (3, True)
