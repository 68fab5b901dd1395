"""The price list and the tenants that this repository ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema_rs import validator_for

from reconciler.files.json_schema import tenant_schema, tiers_schema
from reconciler.files.load import load

ROOT = Path(__file__).parents[3]


def test_they_load_without_a_remark() -> None:
    loaded = load(ROOT)
    assert loaded.desired is not None
    assert not loaded.problems


def test_together_they_use_every_capability() -> None:
    desired = load(ROOT).desired
    assert desired is not None
    tenants = list(desired.tenants.values())
    tiers = list(desired.tiers.values())
    assert {tenant.tier for tenant in tenants} == set(desired.tiers)
    assert {tier.organization for tier in tiers} == set(desired.organizations)
    uses = {
        "labels": any(tenant.labels for tenant in tenants),
        "quota": any(tenant.overrides.quota for tenant in tenants),
        "compute": any(tenant.overrides.compute for tenant in tenants),
        "restore window": any(tenant.overrides.restore_window_seconds for tenant in tenants),
        "settings": any(tenant.overrides.settings for tenant in tenants) and any(tier.settings for tier in tiers),
        "snapshots": any(tenant.snapshots for tenant in tenants),
        "no snapshots": any(tenant.snapshots == () for tenant in tenants),
        "branches": any(branch.parent for tenant in tenants for branch in tenant.dev_branches or ()),
        "sizes of branches": any(branch.compute for tenant in tenants for branch in tenant.dev_branches or ()),
        "protection": any(tenant.protect for tenant in tenants),
        "accepted losses": any(tenant.accept.history_loss for tenant in tenants),
        "tombstones": any(tenant.absent for tenant in tenants),
        "pins": any(tenant.pins.region for tenant in tenants),
        "sub-folders": any("/agencies/" in tenant.location.file for tenant in tenants),
        "several documents": len({tenant.location.file for tenant in tenants}) < len(tenants),
        "a policy for drift": bool(desired.policy.drift),
    }
    assert [use for use, used in uses.items() if not used] == []


def test_they_hold_no_date_that_goes_stale() -> None:
    desired = load(ROOT).desired
    assert desired is not None
    for tenant in desired.tenants.values():
        assert all(snapshot.at is None and snapshot.expires_at is None for snapshot in tenant.snapshots or ())
        assert all(branch.at is None and branch.expires_at is None for branch in tenant.dev_branches or ())


@pytest.mark.parametrize("file", sorted((ROOT / "tenants").rglob("*.yaml")), ids=lambda file: file.stem)
def test_editors_find_nothing_wrong_with_a_tenant(file: Path) -> None:
    validator = validator_for(tenant_schema())
    for document in yaml.safe_load_all(file.read_text()):
        assert list(validator.iter_errors(document)) == []


def test_editors_find_nothing_wrong_with_the_price_list() -> None:
    read = yaml.safe_load((ROOT / "tiers.yaml").read_text())
    document = json.loads(json.dumps(read, default=str))  # to JSON, a date is a text
    assert list(validator_for(tiers_schema()).iter_errors(document)) == []


@pytest.mark.parametrize("accepted", [True, "pro -> free", "7d -> 1d", ["750h -> 100h", "5GiB->1GiB"]])
def test_editors_know_what_can_be_accepted(accepted: object) -> None:
    document = {"tenant": "acme", "tier": "free", "accept": {"suspension": accepted}}
    assert list(validator_for(tenant_schema()).iter_errors(document)) == []


def test_editors_ask_a_tombstone_for_no_tier() -> None:
    assert validator_for(tenant_schema()).is_valid({"tenant": "acme", "state": "absent"})


@pytest.mark.parametrize(
    "document",
    [
        {"tenant": "acme"},
        {"tenant": "-acme", "tier": "free"},
        {"tenant": "acme", "tier": "free", "snapshot": []},
        {"tenant": "acme", "tier": "free", "snapshots": None},
        {"tenant": "acme", "tier": "free", "snapshots": [{"nam": "x"}]},
        {"tenant": "acme", "tier": "free", "protect": "yes"},
        {"tenant": "acme", "tier": "free", "overrides": {"compute": {"max_cu": 0.3}}},
        {"tenant": "acme", "state": "present"},
        {"tenant": "acme", "tier": "free", "accept": {"history_loss": "pro > free"}},
        {"tenant": "acme", "tier": "free", "accept": {"suspension": [True]}},
    ],
)
def test_editors_find_mistakes(document: dict[str, object]) -> None:
    assert not validator_for(tenant_schema()).is_valid(document)
