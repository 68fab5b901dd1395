"""Every kind of mistake in tiers.yaml, with the exact place and words in which it is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.files.load import load
from tests.unit.files.builders import TIERS, load_files, said

if TYPE_CHECKING:
    from pathlib import Path

CHANGES = {
    "a literal key": (
        "api_key: ${FREE_KEY}",
        "api_key: sk-s3cr3t",
        ["7:14: a key must not be written in the files (write ${NAME} and set the environment variable NAME)"],
    ),
    "a literal key of Neon": (
        "api_key: ${FREE_KEY}",
        "api_key: napi_s3cr3t",
        ["7:14: this looks like an API key (name an environment variable instead: ${NAME})"],
    ),
    "a key in the place of an id": (
        "id: ${FREE_ID}",
        "id: napi_s3cr3t",
        ["6:9: this looks like an API key (name an environment variable instead: ${NAME})"],
    ),
    "an organization that is not there": (
        "organization: paid",
        "organization: piad",
        ["23:19: organization 'piad' does not exist (did you mean 'paid'?)"],
    ),
    "one organization under two names": (
        "id: org-paid-1",
        'id: "${FREE_ID}"',
        ["14:14: organization 'paid' has the same id as 'free'"],
    ),
    "a quota that leaves a member out": (
        "written_data: unlimited, ",
        "",
        ["18:5: the key 'written_data' is missing (Data written: a size, or unlimited)"],
    ),
    "a naming pattern without its placeholder": (
        '"myapp-{tenant}"',
        "myapp",
        ["3:19: 'myapp' must hold {tenant} exactly once (as in \"myapp-{tenant}\")"],
    ),
    "a naming pattern that leaves no room": (
        '"myapp-{tenant}"',
        f"'{'x' * 129}{{tenant}}'",
        ["3:19: project names could have 257 characters, Neon allows 256"],
    ),
    "a previous pattern that is the current pattern": (
        '"myapp-{tenant}"',
        '"a-{tenant}", previous: ["b-{tenant}", "a-{tenant}"]',
        ["3:58: the pattern is already the current pattern (remove it here)"],
    ),
    "a tier's compute over the limit": (
        "compute: {min_cu: 0.25, max_cu: 2}\n    restore_window: 1d\n    dev",
        "compute: {min_cu: 0.25, max_cu: 3}\n    restore_window: 1d\n    dev",
        ["19:37: max_cu 3: organization 'free' allows at most 2"],
    ),
    "a tier's restore window over the limit": (
        "    restore_window: 1d\n    dev",
        "    restore_window: 2d\n    dev",
        ["20:21: restore_window 2d: organization 'free' allows at most 1d"],
    ),
    "more branches than the organization allows": (
        "dev_branches: {max: 2}",
        "dev_branches: {max: 4}",
        ["21:25: max 4: organization 'free' allows 4 branches per project (at most 3 besides the default branch)"],
    ),
    "more rotated snapshots than the organization allows": (
        "dev_branches: {max: 2}",
        'snapshots: {rotate: {name: "auto-{date}", every: 1d, keep: 7}}',
        ["21:64: keep 7: organization 'free' allows 1 snapshot per project"],
    ),
    "a snapshot before something else": (
        "dev_branches: {max: 2}",
        "snapshots: {before: [downgrad]}",
        ["21:26: 'downgrad' is not one of downgrade, restore, delete (did you mean 'downgrade'?)"],
    ),
    "none of the snapshots before downgrades": (
        "dev_branches: {max: 2}",
        "snapshots: {before: [downgrade], keep_before: 0}",
        ["21:51: must be at least 1"],
    ),
    "slots of a day that have one name": (
        "dev_branches: {max: 2}",
        'snapshots: {rotate: {name: "auto-{date}", every: 6h, keep: 1}}',
        ['21:32: two slots of one day would have the same name (add {time}, as in "auto-{date}-{time}")'],
    ),
    "a slot of minutes": (
        "dev_branches: {max: 2}",
        'snapshots: {rotate: {name: "auto-{date}-{time}", every: 90m, keep: 1}}',
        ["21:61: every must be whole hours (as in 6h, 1d or 7d)"],
    ),
    "a rotation without a date": (
        "dev_branches: {max: 2}",
        "snapshots: {rotate: {name: auto, every: 1d, keep: 1}}",
        ["21:32: 'auto' must hold {date} exactly once (as in \"auto-{date}\")"],
    ),
    "a rotation with an unknown placeholder": (
        "dev_branches: {max: 2}",
        'snapshots: {rotate: {name: "{tenant}-{date}", every: 1d, keep: 1}}',
        ["21:32: '{tenant}' is not a placeholder (known: {date}, {time})"],
    ),
    "branches larger than the organization allows": (
        "dev_branches: {max: 2}",
        "dev_branches: {compute: {max_cu: 4}}",
        ["21:38: max_cu 4: organization 'free' allows at most 2"],
    ),
    "a tier with a strange name": (
        "  pro:\n",
        "  Pro Plus:\n",
        ["22:3: 'Pro Plus' is not a name (up to 63 lower-case letters, digits and '-')"],
    ),
    "a version from the future": (
        "version: 1",
        "version: 2",
        ["1:10: version '2' is not known to this release (known: 1)"],
    ),
    "an address that is none": (
        "fleet: prod",
        "fleet: prod\napi: {host: console.neon.tech}",
        [
            (
                "3:13: 'console.neon.tech' is not an API address: it is not an address that starts with https:// "
                "and a host (for example https://console.neon.tech/api/v2)"
            )
        ],
    ),
    "an address with a password": (
        "fleet: prod",
        "fleet: prod\napi: {host: 'https://me:s3cr3t@neon.tech'}",
        [
            (
                "3:13: this is not an API address: it must not contain a user name or password "
                "(for example https://console.neon.tech/api/v2)"
            )
        ],
    ),
    "a share of more than everything": (
        "fleet: prod",
        "fleet: prod\napi: {batch_share: 1.5}",
        ["3:20: expected a number above 0 and up to 1, not '1.5'"],
    ),
    "a price below nothing": (
        "fleet: prod",
        "fleet: prod\nprices: {as_of: 2026-11-12, compute_hour: -0.1}",
        ["3:43: a price is never negative: '-0.1' (write 0 for what costs nothing)"],
    ),
    "a price with a currency": (
        "fleet: prod",
        "fleet: prod\nprices: {as_of: 2026-11-12, compute_hour: $0.106}",
        ["3:43: expected a price such as 0.106, not '$0.106' (the currency has its own key)"],
    ),
    "a price of something unknown": (
        "fleet: prod",
        "fleet: prod\nprices: {as_of: 2026-11-12, compute_hours: 0.106}",
        ["3:29: unknown key 'compute_hours' (did you mean 'compute_hour'?)"],
    ),
    "a currency that is none": (
        "fleet: prod",
        "fleet: prod\nprices: {as_of: 2026-11-12, currency: dollars}",
        ["3:39: 'dollars' is not the code of a currency (three capital letters, as in USD)"],
    ),
    "prices of an organization that is not there": (
        "fleet: prod",
        "fleet: prod\nprices: {as_of: 2026-11-12, organizations: {fre: {sponsored: true}}}",
        ["3:45: organization 'fre' does not exist (did you mean 'free'?)"],
    ),
    "a price that nobody pays": (
        "fleet: prod",
        "fleet: prod\nprices: {as_of: 2026-11-12, organizations: {free: {sponsored: true, compute_hour: 1}}}",
        ["3:69: organization 'free' is sponsored: it pays no price (remove the price, or sponsored)"],
    ),
    "prices of no day": (
        "fleet: prod",
        "fleet: prod\nprices: {compute_hour: 0.106}",
        ["3:1: the key 'as_of' is missing (The day on which the prices were looked up)"],
    ),
    "prices of a day that is none": (
        "fleet: prod",
        "fleet: prod\nprices: {as_of: 2026-02-30}",
        ["3:17: '2026-02-30' is not a date (as in 2030-01-31)"],
    ),
    "a guard without a number": (
        "fleet: prod",
        "fleet: prod\nguards: {deletes: {}}",
        ["3:19: has neither max nor percent (for example {max: 5, percent: 1})"],
    ),
    "a policy for an unknown concern": (
        "fleet: prod",
        "fleet: prod\ndrift_policy: {quotas: report}",
        [
            (
                "3:16: 'quotas' is not one of project, quota, compute, restore_window, settings, protected, "
                "organization, dev_branches, databases, snapshots"
                " (did you mean 'quota'?)"
            )
        ],
    ),
    "a policy that is none": (
        "fleet: prod",
        "fleet: prod\ndrift_policy: {quota: reprot}",
        ["3:23: 'reprot' is not one of repair, report (did you mean 'report'?)"],
    ),
    "a source of both kinds": (
        "fleet: prod",
        "fleet: prod\ntenants: [{files: 'tenants/*.yaml', ndjson: 'a.ndjson'}]",
        ['3:11: a source needs one of files, ndjson and sql (as in {files: "tenants/**/*.yaml"})'],
    ),
    "a source outside the fleet's folder": (
        "fleet: prod",
        "fleet: prod\ntenants: [{files: ../tenants/*.yaml}]",
        ["3:19: the pattern leads out of the folder of the fleet (use a relative path with /)"],
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_mistake_is_reported_where_it_stands(case: str, tmp_path: Path) -> None:
    before, after, expected = CHANGES[case]
    assert before in TIERS
    tenant = "tenant: acme\ntier: free\n"
    loaded = load_files(tmp_path, {"tenants/acme.yaml": tenant}, tiers=TIERS.replace(before, after, 1))
    lines = [line for line in said(loaded, tmp_path) if line.startswith("tiers.yaml")]
    assert lines == [f"tiers.yaml:{line}" for line in expected]
    assert loaded.desired is None
    assert "s3cr3t" not in str(loaded)


def test_a_missing_price_list_is_said(tmp_path: Path) -> None:
    assert (
        said(load(tmp_path), tmp_path)[0]
        == "tiers.yaml:1:1: the file does not exist (change to the fleet's folder, name it with -C, or make one: "
        "reconciler init)"
    )


def test_an_empty_price_list_is_said(tmp_path: Path) -> None:
    lines = said(load_files(tmp_path, {}, tiers="# nothing\n"), tmp_path)
    assert (
        "tiers.yaml:1:1: contains no document (tiers.yaml declares the organizations and tiers of the fleet)"
        in lines
    )


def test_two_documents_are_no_price_list(tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {}, tiers=TIERS + "---\n" + TIERS)
    assert said(loaded, tmp_path)[-1] == "tiers.yaml:26:1: a second document (write everything into the first one)"


def test_limits_that_are_not_stated_are_not_checked(tmp_path: Path) -> None:
    text = "tenant: acme\ntier: pro\noverrides: {compute: {max_cu: 8, suspend_timeout: 1m}, restore_window: 99d}\n"
    assert not load_files(tmp_path, {"tenants/acme.yaml": text}).problems


def test_a_price_list_may_use_all_that_the_organizations_allow(tmp_path: Path) -> None:
    tiers = TIERS.replace("dev_branches: {max: 2}", "dev_branches: {max: 3, compute: {max_cu: 2}}")
    tiers = tiers.replace("myapp-", "x" * 128)
    assert not load_files(tmp_path, {"tenants/acme.yaml": "tenant: acme\ntier: free\n"}, tiers=tiers).problems


BARE = {
    "active_time: 60": (
        "18:26: active_time 60 is 60 seconds: a number without a unit (write 60s, or 60h if that is meant)"
    ),
    "active_time: 3599": (
        "18:26: active_time 3599 is 3599 seconds: a number without a unit (write 3599s, or 3599h if that is meant)"
    ),
    "active_time: 3600": None,
    "active_time: 60s": None,
    "active_time: 1m": None,
}


@pytest.mark.parametrize("written", BARE)
def test_a_small_quota_without_a_unit_is_a_warning(written: str, tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {}, tiers=TIERS.replace("active_time: 9h", written) + "tenants: []\n")
    expected = BARE[written]
    assert said(loaded, tmp_path) == ([] if expected is None else [f"tiers.yaml:{expected}"])
    assert loaded.desired is not None


def test_a_small_size_without_a_unit_is_a_warning_in_a_tenant_too(tmp_path: Path) -> None:
    text = "tenant: acme\ntier: free\noverrides: {quota: {logical_size: 512, data_transfer: 1048576}}\n"
    loaded = load_files(tmp_path, {"tenants/acme.yaml": text})
    assert said(loaded, tmp_path) == [
        (
            "tenants/acme.yaml:3:35: logical_size 512 is 512 bytes: a number without a unit"
            " (write 512B, or 512MiB if that is meant)"
        )
    ]
    assert loaded.desired is not None
    assert list(loaded.desired.tenants) == ["acme"]


NOT_A_REGION = "does not begin with the name of a cloud: projects cannot be created in it"


def test_a_region_of_no_cloud_is_a_warning_wherever_it_stands(tmp_path: Path) -> None:
    tiers = TIERS + "defaults: {region: us-east-2}\ntenants: [{files: tenants/*.yaml}, {ndjson: fleet/*.ndjson}]\n"
    files: dict[str, str | bytes] = {
        "tenants/acme.yaml": "tenant: acme\ntier: free\nregion: eu\n",
        "tenants/birch.yaml": "tenant: birch\ntier: free\nregion: azure-eastus2\n",
        "fleet/more.ndjson": '{"tenant": "cedar", "tier": "free", "region": "frankfurt"}\n',
    }
    loaded = load_files(tmp_path, files, tiers=tiers)
    warned = [line for line in said(loaded, tmp_path) if NOT_A_REGION in line]
    assert {line.partition(":")[0] for line in warned} == {"tiers.yaml", "tenants/acme.yaml", "fleet/more.ndjson"}
    assert loaded.desired is not None
    assert list(loaded.desired.tenants) == ["acme", "birch", "cedar"]
