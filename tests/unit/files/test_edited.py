"""What is edited is the tenant's own file, and only where it is still as it was read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import InvalidInputError
from reconciler.files.edited import edit
from reconciler.files.editing import Changes
from reconciler.files.inputs import parse, read
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.files.edited import EditedTenant

SUSPENDED = Changes({"state": "suspended", "reason": "abuse"})
TENANT = "tenant: acme\ntier: free\n"


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    (tmp_path / "tiers.yaml").write_text(TIERS)
    (tmp_path / "tenants").mkdir()
    (tmp_path / "tenants/acme.yaml").write_text(TENANT)
    return tmp_path


def edited(fleet: Path) -> EditedTenant:
    desired = read(fleet)
    return edit(fleet, desired.tenants["acme"], SUSPENDED)


def test_the_tenant_is_as_the_edited_file_declares_it_and_nothing_is_written_yet(fleet: Path) -> None:
    found = edited(fleet)
    assert (found.tenant.suspended, found.tenant.reason) == (True, "abuse")
    assert (fleet / "tenants/acme.yaml").read_text() == TENANT


def test_a_written_file_keeps_its_mode_and_leaves_nothing_beside_it(fleet: Path) -> None:
    path = fleet / "tenants/acme.yaml"
    path.chmod(0o640)
    found = edited(fleet)
    found.write()
    assert read(fleet).tenants["acme"] == found.tenant
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_somebody_changed_meanwhile_is_left_as_it_is(fleet: Path) -> None:
    found, path = edited(fleet), fleet / "tenants/acme.yaml"
    path.write_text(TENANT + "protect: true\n")
    with pytest.raises(InvalidInputError, match="has changed meanwhile"):
        found.write()
    assert path.read_text() == TENANT + "protect: true\n"


def test_a_link_is_not_followed(fleet: Path) -> None:
    path = fleet / "tenants/acme.yaml"
    path.rename(fleet / "tenants/acme.txt")
    path.symlink_to("acme.txt")
    with pytest.raises(InvalidInputError, match="is a symbolic link") as raised:
        edited(fleet)
    assert raised.value.hint == "edit the file by hand"


def test_a_file_with_a_byte_order_mark_keeps_it(fleet: Path) -> None:
    path = fleet / "tenants/acme.yaml"
    (fleet / "tiers.yaml").write_text(TIERS + "tenants: [{ndjson: lines.ndjson}]\n")
    path.unlink()
    (fleet / "lines.ndjson").write_bytes(b'\xef\xbb\xbf{"tenant": "acme", "tier": "free"}\n')
    edited(fleet).write()
    text = (fleet / "lines.ndjson").read_bytes()
    assert text.startswith(b'\xef\xbb\xbf{"tenant": "acme", "tier": "free", "state": "suspended"')
    assert read(fleet).tenants["acme"].suspended


def test_a_document_keeps_what_only_a_commit_may_end(fleet: Path) -> None:
    path = fleet / "tenants/acme.yaml"
    hold = "hold: {until: 2031-01-01T00:00:00Z, reason: a dispute}\n"
    boosts = "boosts: [{quota: {active_time: 200h}, until: 2031-01-01T00:00:00Z}]\n"
    path.write_text(f"{TENANT}state: suspended\nreason: abuse\n{hold}{boosts}")
    desired = read(fleet)
    declared, document = desired.tenants["acme"], '{"tenant": "acme", "tier": "pro"}'
    given = parse(desired, document, "document")[0].tenants["acme"]
    assert (given.tier, given.suspended, given.reason) == ("pro", True, "abuse")
    assert (given.hold, given.boosts) == (declared.hold, declared.boosts)
    boost = '{"quota": {"active_time": "150h"}, "until": "2030-01-01T00:00:00Z"}'
    shorter = f'{{"tenant": "acme", "tier": "free", "boosts": [{boost}]}}'
    assert parse(desired, shorter, "document")[0].tenants["acme"].boosts != declared.boosts


@pytest.mark.parametrize(("until", "stays"), [("2030-01-01", "2031-01-01"), ("2032-01-01", "2032-01-01")])
def test_a_document_ends_no_hold_of_the_file_but_may_extend_it(fleet: Path, until: str, stays: str) -> None:
    path = fleet / "tenants/acme.yaml"
    path.write_text(f"{TENANT}hold: {{until: 2031-01-01T00:00:00Z, reason: a dispute}}\n")
    document = {"tenant": "acme", "tier": "free", "hold": {"until": f"{until}T00:00:00Z", "reason": "by hand"}}
    hold = parse(read(fleet), json.dumps(document), "document")[0].tenants["acme"].hold
    assert hold is not None
    assert f"{hold.until:%Y-%m-%d}" == stays
