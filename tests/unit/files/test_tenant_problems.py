"""Every kind of mistake in a tenant's file, with the exact place and words in which it is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.files.builders import TIERS, load_files, said

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "tenant: acme\ntier: free\n"

STEPS = " (for example pro -> free, 7d -> 1d, or 2030-01-31)"
SCHEMA = {
    "an unknown key": (
        HEAD + "snapshot: [a]\n",
        ["3:1: unknown key 'snapshot' (did you mean 'snapshots'?)"],
    ),
    "a key at a wrong level": (
        "tenant: acme\ntier: free\nquota: {active_time: 5h}\n",
        ["3:1: unknown key 'quota' ('quota' belongs under overrides or under boosts)"],
    ),
    "a key that belongs at the top": (
        "tenant: acme\ntier: free\noverrides: {protect: true}\n",
        ["3:13: unknown key 'protect' ('protect' belongs at the top level)"],
    ),
    "a word that people use for another key": (
        "tenant: acme\ntier: free\nbranches: [preview]\n",
        ["3:1: unknown key 'branches' (did you mean 'dev_branches'?)"],
    ),
    "an unknown key like no other": (
        HEAD + "overrides: {compute: {zz: 1}}\n",
        ["3:23: unknown key 'zz' (known: min_cu, max_cu, suspend_timeout, pg_settings, replicas)"],
    ),
    "a missing key": (
        "tenant: acme\n",
        ["1:1: the key 'tier' is missing (One of the tiers of tiers.yaml)"],
    ),
    "a missing key deeper down": (
        HEAD + "snapshots:\n  - a\n  - expires_at: 2031-01-01T00:00:00Z\n",
        ["5:5: the key 'name' is missing (Unique in its list)"],
    ),
    "a misspelt key that is needed": (
        "tenant: acme\nteir: free\n",
        ["2:1: unknown key 'teir' (did you mean 'tier'?)"],
    ),
    "a key without a value": (
        HEAD + "snapshots:\n",
        [
            (
                "3:1: 'snapshots' has no value"
                " (indent its value below it, or remove the key; an empty list is [], an empty mapping {})"
            )
        ],
    ),
    "an empty entry of a list": (HEAD + "snapshots: [a, ~]\n", ["3:16: the entry is empty"]),
    "a list where a mapping belongs": (
        HEAD + "overrides: [1]\n",
        [
            (
                "3:12: expected a mapping, not a list"
                " (its keys: quota, compute, restore_window, protected, settings, snapshots)"
            )
        ],
    ),
    "text where a list belongs": (
        HEAD + "snapshots: v1\n",
        ["3:12: expected a list, not text (a list of one entry is written [entry])"],
    ),
    "a mapping where text belongs": ("tenant: acme\ntier: {a: b}\n", ["2:7: expected a name, not a mapping"]),
    "a list instead of a tenant": (
        "- acme\n",
        [
            (
                "1:1: expected a mapping, not a list (each is a document of its own, without a list around it;"
                " its keys: tenant, tier, labels, overrides, snapshots, dev_branches, ...)"
            )
        ],
    ),
    "a boolean that is none": (HEAD + "protect: yes\n", ["3:10: expected true or false, not 'yes'"]),
    "something that cannot be accepted": (
        HEAD + "accept: {history: true}\n",
        ["3:10: unknown key 'history' (did you mean 'history_loss'?)"],
    ),
    "an acceptance that is none": (
        HEAD + "accept: {history_loss: yes}\n",
        ["3:24: expected a reduction, a date, or true, not 'yes'" + STEPS],
    ),
    "an acceptance of no reduction": (
        HEAD + "accept: {history_loss: pro -> }\n",
        ["3:24: 'pro ->' is not a reduction" + STEPS],
    ),
    "an acceptance of what stays": (
        HEAD + "accept: {history_loss: [7d -> 1d, 1d -> 1d]}\n",
        ["3:24: '1d -> 1d' is not a reduction: both sides are the same" + STEPS],
    ),
    "an acceptance until a day that does not exist": (
        HEAD + "accept: {history_loss: 2030-02-30}\n",
        ["3:24: the date '2030-02-30' does not exist" + STEPS],
    ),
    "an acceptance in a mapping": (
        HEAD + "accept: {history_loss: {from: pro}}\n",
        ["3:24: expected a reduction, a date, or true, not a mapping" + STEPS],
    ),
    "a revision in letters": (HEAD + "revision: v7\n", ["3:11: expected a whole number, not 'v7'"]),
    "a revision that no registry could hold": (
        HEAD + f"revision: 1{'0' * 18}\n",
        [f"3:11: expected a whole number of at most 18 digits, not '1{'0' * 18}'"],
    ),
    "an unknown state": (
        HEAD + "state: absnt\n",
        ["3:8: 'absnt' is not one of present, suspended, absent (did you mean 'absent'?)"],
    ),
    "a size without sense": (
        HEAD + "overrides:\n  quota:\n    data_transfer: lots\n",
        ["5:20: expected 512MiB, 5GB or plain bytes, not 'lots'"],
    ),
    "a unit of another kind": (
        HEAD + "overrides: {quota: {active_time: 5GB}}\n",
        ["3:34: unknown unit 'GB': one of s, m, min, h, d"],
    ),
    "a quota of nothing": (
        HEAD + "overrides: {quota: {active_time: 0}}\n",
        ["3:34: Neon reads 0 as no limit (write unlimited; or 1s to switch the tenant off)"],
    ),
    "a compute size that is none": (
        HEAD + "overrides: {compute: {max_cu: 1.1}}\n",
        ["3:31: '1.1' is not a compute size (Neon has 0.25, 0.5, and whole numbers)"],
    ),
    "a compute size between those that Neon has": (
        HEAD + "overrides: {compute: {min_cu: 0.75, max_cu: 2.5}}\n",
        [
            "3:31: '0.75' is not a compute size (Neon has 0.25, 0.5, and whole numbers)",
            "3:45: '2.5' is not a compute size (Neon has 0.25, 0.5, and whole numbers)",
        ],
    ),
    "a suspend timeout of nothing": (
        HEAD + "overrides: {compute: {suspend_timeout: 0s}}\n",
        [("3:40: Neon reads '0s' as its default, which is 5m (write 5m; or never, for a compute that stays on)")],
    ),
    "a suspend timeout of more than a week": (
        HEAD + "overrides: {compute: {suspend_timeout: 8d}}\n",
        ["3:40: '8d': Neon allows timeouts from 1m to 7d (or never)"],
    ),
    "a suspend timeout of less than a minute": (
        HEAD + "overrides: {compute: {suspend_timeout: 59}}\n",
        ["3:40: '59': Neon allows timeouts from 1m to 7d (or never)"],
    ),
    "a quota among the free-form settings": (
        HEAD + "overrides: {settings: {quota: {active_time_seconds: 1}}}\n",
        ["3:24: unknown key 'quota' (write it under quota, not under settings)"],
    ),
    "a quota that nobody would check": (
        HEAD + "overrides: {settings: {unchecked: {quota: {active_time_seconds: 1}}}}\n",
        ["3:36: quota is no setting (write it under quota)"],
    ),
    "a setting that is not checked although it could be": (
        HEAD + "overrides: {settings: {unchecked: {hipaa: true}}}\n",
        ["3:36: hipaa is a setting that is checked (write it under settings)"],
    ),
    "settings that are not checked, in another case": (
        HEAD + "overrides: {settings: {unchecked: {Allowed_Ips: {ips: []}, QUOTA: {}}}}\n",
        [
            "3:36: allowed_ips is a setting that is checked (write it under settings)",
            "3:60: quota is no setting (write it under quota)",
        ],
    ),
    "a setting of the wrong type": (
        HEAD + "overrides: {settings: {hipaa: on, block_vpc_connections: [1]}}\n",
        ["3:31: expected true or false, not 'on'", "3:58: expected true or false, not a list"],
    ),
    "a setting that is misspelt": (
        HEAD + "overrides: {settings: {hippa: true}}\n",
        ["3:24: unknown key 'hippa' (did you mean 'hipaa'?)"],
    ),
    "a setting that nobody knows": (
        HEAD + "overrides: {settings: {shiny: true}}\n",
        [
            "3:24: unknown key 'shiny' (write a setting that this release does not know under unchecked)",
        ],
    ),
    "settings without a value": (
        HEAD + "overrides: {settings: {hipaa: }}\n",
        [
            (
                "3:24: 'hipaa' has no value"
                " (indent its value below it, or remove the key; an empty list is [], an empty mapping {})"
            )
        ],
    ),
    "addresses that are none": (
        HEAD + "overrides: {settings: {allowed_ips: {ips: [10.0.0.0/33, office]}}}\n",
        [
            "3:44: '10.0.0.0/33' is not an IP address (10.0.0.1, 10.0.0.0/8 or 10.0.0.1-10.0.0.9)",
            "3:57: 'office' is not an IP address (10.0.0.1, 10.0.0.0/8 or 10.0.0.1-10.0.0.9)",
        ],
    ),
    "a member of a setting that there is not": (
        HEAD + "overrides: {settings: {allowed_ips: {ip: []}}}\n",
        ["3:38: unknown key 'ip' (did you mean 'ips'?)"],
    ),
    "half a maintenance window": (
        HEAD + "overrides: {settings: {maintenance_window: {weekdays: [8], start_time: 2am}}}\n",
        [
            "3:24: the key 'end_time' is missing (When it ends)",
            "3:56: '8' is not a day of the week (1 is Monday, 7 is Sunday)",
            "3:72: '2am' is not a time of day (hours and minutes in UTC, as in 02:30)",
        ],
    ),
    "an audit log of no known level": (
        HEAD + "overrides: {settings: {audit_log_level: bas}}\n",
        ["3:41: 'bas' is not one of base, extended, full (did you mean 'base'?)"],
    ),
    "a date without a zone": (
        HEAD + "snapshots: [{name: a, at: 2031-01-01T00:00:00}]\n",
        ["3:27: '2031-01-01T00:00:00' has no time zone (for UTC, write 2031-01-01T00:00:00Z)"],
    ),
    "a date before the first one of UTC": (
        HEAD + "snapshots: [{name: a, at: 0001-01-01T00:00:00+10:00}]\n",
        ["3:27: '0001-01-01T00:00:00+10:00' is not between the years 1 and 9999 in UTC"],
    ),
    "a date after the last one of UTC": (
        HEAD + "dev_branches: [{name: a, expires_at: 9999-12-31T23:59:59-10:00}]\n",
        ["3:38: '9999-12-31T23:59:59-10:00' is not between the years 1 and 9999 in UTC"],
    ),
    "a date that is none": (
        HEAD + "snapshots: [{name: a, at: tomorrow}]\n",
        ["3:27: 'tomorrow' is not a date and time (as in 2030-01-31T12:00:00Z)"],
    ),
    "a reserved database": (
        HEAD + "database: postgres\n",
        ["3:11: the database name 'postgres' is reserved (reserved: postgres, template0, template1)"],
    ),
    "a reserved role": (
        HEAD + "role: pg_admin\n",
        [
            (
                "3:7: the role name 'pg_admin' is reserved"
                " (reserved: pg_*, neon_superuser, cloud_admin, zenith_admin, public, none)"
            )
        ],
    ),
    "a database with a long name": (
        HEAD + f"database: {'ü' * 32}\n",
        ["3:11: a database name has at most 63 bytes, this one has 64"],
    ),
    "a version with a dot": (
        HEAD + "pg_version: 17.2\n",
        ["3:13: expected a major Postgres version such as 17, not '17.2'"],
    ),
    "a version that Neon has no more": (
        HEAD + "pg_version: 13\n",
        ["3:13: Neon has no Postgres 13 (14 or newer)"],
    ),
    "a project id that is none": (
        HEAD + "project_id: My Project\n",
        ["3:13: 'My Project' is not a project id (as the console shows it: cool-river-12345678)"],
    ),
    "a blank name": (
        HEAD + "dev_branches: [' ']\n",
        ["3:16: a name must not be blank or begin or end with a space"],
    ),
    "a name of several lines": (
        HEAD + 'dev_branches: ["a\\nb"]\n',
        ["3:16: holds a character that cannot be printed"],
    ),
    "a name that is too long": (
        HEAD + f"dev_branches: [{'x' * 257}]\n",
        ["3:16: a name has at most 256 characters, this one has 257"],
    ),
    "a number that is too large for JSON": (
        HEAD + "overrides: {settings: {unchecked: {a: 1e999}}}\n",
        ["3:39: the number is too large"],
    ),
}

MORE_TIERS = {
    "roomy": "  roomy: {organization: free}\n",
    "guide": "  guide: {organization: paid, snapshots: {method: branch}}\n",
}

UNTIL = "until: 2030-06-01T00:00:00Z"
RETURN = " (a value that ends needs one to return to: state it in the tier)"
AT_ITS_END = "When it ends: then the tenant has what its tier grants, without another commit)"
RULES = {
    "a read replica that the organization does not allow": (
        HEAD + "overrides: {compute: {replicas: {reports: {max_cu: 4}}}}\n",
        ["3:52: max_cu 4: organization 'free' allows at most 2"],
    ),
    "a read replica of no size": (
        HEAD + "overrides: {compute: {replicas: {reports: {min_cu: 2, max_cu: 1}}}}\n",
        ["3:63: min_cu 2 is larger than max_cu 1"],
    ),
    "a read replica with an unknown key": (
        HEAD + "overrides: {compute: {replicas: {reports: {max: 1}}}}\n",
        ["3:44: unknown key 'max' (did you mean 'max_cu'?)"],
    ),
    "a read replica with a long name": (
        HEAD + f"overrides: {{compute: {{replicas: {{{'r' * 65}: {{}}}}}}}}\n",
        ["3:34: a name has at most 64 characters, this one has 65"],
    ),
    "a suspension without a reason": (
        HEAD + "state: suspended\n",
        ["3:1: state: suspended needs a reason (add it, as in `reason: payment is overdue`)"],
    ),
    "a reason without a suspension": (
        HEAD + "reason: payment is overdue\n",
        ["3:1: reason has no effect without state: suspended (remove it, or add state: suspended)"],
    ),
    "a suspension in a tier without a quota": (
        "tenant: acme\ntier: roomy\nstate: suspended\nreason: abuse\n",
        ["3:1: tier 'roomy' does not manage quota, which suspends a tenant (state the quota in the tier)"],
    ),
    "a boost that lowers": (
        HEAD + f"boosts:\n  - {{quota: {{active_time: 2h}}, {UNTIL}}}\n",
        ["4:27: active_time 2h is less than 9h: a boost only raises (remove it, or grant more)"],
    ),
    "a boost that lowers what is unlimited": (
        HEAD
        + "overrides: {quota: {active_time: unlimited}}\n"
        + f"boosts: [{{quota: {{active_time: 999h}}, {UNTIL}}}]\n",
        ["4:32: active_time 999h is less than unlimited: a boost only raises (remove it, or grant more)"],
    ),
    "a boost that lowers an override": (
        HEAD
        + f"overrides: {{quota: {{active_time: 200h}}}}\nboosts: [{{quota: {{active_time: 150h}}, {UNTIL}}}]\n",
        ["4:32: active_time 150h is less than 200h: a boost only raises (remove it, or grant more)"],
    ),
    "a boost of nothing": (
        HEAD + f"boosts: [{{{UNTIL}}}]\n",
        ["3:10: the boost raises nothing (add quota or compute, or remove it)"],
    ),
    "a boost of what the tier does not manage": (
        f"tenant: acme\ntier: roomy\nboosts: [{{compute: {{max_cu: 2}}, {UNTIL}}}]\n",
        ["3:21: the tier does not manage compute.max_cu" + RETURN],
    ),
    "a boost over the organization's limit": (
        HEAD + f"boosts: [{{compute: {{max_cu: 4}}, {UNTIL}}}]\n",
        ["3:29: max_cu 4: organization 'free' allows at most 2"],
    ),
    "a boost without an end": (
        HEAD + "boosts: [{quota: {active_time: unlimited}}]\n",
        ["3:10: the key 'until' is missing (" + AT_ITS_END],
    ),
    "a hold without an end": (
        HEAD + "hold: {reason: a dispute}\n",
        ["3:1: the key 'until' is missing (When it ends)"],
    ),
    "a hold without a reason": (
        HEAD + f"hold: {{{UNTIL}}}\n",
        ["3:1: the key 'reason' is missing (Why, for plans and for whoever asks later)"],
    ),
    "an end without a zone": (
        HEAD + "hold: {until: 2030-06-01T00:00:00, reason: a dispute}\n",
        ["3:15: '2030-06-01T00:00:00' has no time zone (for UTC, write 2030-06-01T00:00:00Z)"],
    ),
    "a day alone, where a time belongs": (
        HEAD + "snapshots: [{name: a, expires_at: 2031-01-01}]\n",
        ["3:35: '2031-01-01' has no time zone (for UTC, write 2031-01-01T00:00:00Z)"],
    ),
    "a quote that is not closed": (
        HEAD + 'reason: "x\n',
        ["4:1: not valid YAML: found unexpected end of stream (close the quotes and the brackets that are open)"],
    ),
    "a unit in other letters": (
        HEAD + "overrides: {quota: {data_transfer: 8GIB}}\n",
        ["3:36: unknown unit 'GIB': did you mean GiB?"],
    ),
    "a reason that is too long": (
        HEAD + f"hold: {{{UNTIL}, reason: {'x' * 201}}}\n",
        ["3:45: the reason has 201 characters: at most 200 are allowed"],
    ),
    "an unknown tier": (
        "tenant: acme\ntier: fee\n",
        ["2:7: tier 'fee' does not exist (did you mean 'free'?)"],
    ),
    "a compute over the organization's limit": (
        HEAD + "overrides: {compute: {max_cu: 4}}\n",
        ["3:31: max_cu 4: organization 'free' allows at most 2"],
    ),
    "a compute under the tier's smallest": (
        "tenant: acme\ntier: free\noverrides: {compute: {min_cu: 1, max_cu: 0.5}}\n",
        ["3:42: min_cu 1 is larger than max_cu 0.5"],
    ),
    "a range over which no compute scales": (
        "tenant: acme\ntier: pro\noverrides: {compute: {max_cu: 16}}\n",
        ["3:31: from 0.25 to 16 CU: a compute scales over at most 8 CU (min_cu 8 or more)"],
    ),
    "an odd compute size above 16": (
        "tenant: acme\ntier: pro\noverrides: {compute: {min_cu: 17, max_cu: 17}}\n",
        [
            "3:31: min_cu 17: above 16 CU Neon has even sizes only (16 or 18)",
            "3:43: max_cu 17: above 16 CU Neon has even sizes only (16 or 18)",
        ],
    ),
    "a size that does not scale over a range": (
        "tenant: acme\ntier: pro\noverrides: {compute: {min_cu: 12, max_cu: 18}}\n",
        ["3:43: from 12 to 18 CU: above 16 CU no compute scales (min_cu 18 too, or at most 16)"],
    ),
    "a compute that stays on in an organization that suspends all": (
        HEAD + "overrides: {compute: {suspend_timeout: never}}\n",
        ["3:40: suspend_timeout never: organization 'free' allows a timeout, at least 5m"],
    ),
    "a branch's compute that stays on in an organization that suspends all": (
        HEAD + "dev_branches: [{name: a, compute: {suspend_timeout: never}}]\n",
        ["3:53: suspend_timeout never: organization 'free' allows a timeout, at least 5m"],
    ),
    "a suspend timeout below the organization's": (
        HEAD + "overrides: {compute: {suspend_timeout: 60}}\n",
        ["3:40: suspend_timeout 1m: organization 'free' allows at least 5m"],
    ),
    "a restore window over the organization's": (
        HEAD + "overrides:\n  restore_window: 2d\n",
        ["4:19: restore_window 2d: organization 'free' allows at most 1d"],
    ),
    "a quota where the tier has none": (
        "tenant: acme\ntier: pro\noverrides:\n  quota: {active_time: 1h}\n",
        ["4:3: tier 'pro' does not manage quota, so there is nothing to override"],
    ),
    "too many snapshots": (
        HEAD + "snapshots: [a, b]\n",
        ["3:1: 2 snapshots: organization 'free' allows 1 per project"],
    ),
    "too many branches for the tier": (
        HEAD + "dev_branches: [a, b, c]\n",
        ["3:1: 3 development branches: tier 'free' grants 2"],
    ),
    "too many branches for the organization": (
        "tenant: acme\ntier: roomy\ndev_branches: [a, b, c, d]\n",
        [
            (
                "3:1: 4 development branches: organization 'free' allows 4 branches"
                " (at most 3 besides the default branch)"
            )
        ],
    ),
    "two snapshots of one name": (
        "tenant: acme\ntier: pro\nsnapshots: [a, {name: a}]\n",
        ["3:23: duplicate snapshot 'a' (keep one of them)"],
    ),
    "two branches of one name": (
        HEAD + "dev_branches:\n  - a\n  - a\n",
        ["5:5: duplicate branch 'a' (keep one of them)"],
    ),
    "a branch that is the default branch": (
        HEAD + "dev_branches: [main]\n",
        ["3:16: 'main' is the name of the default branch"],
    ),
    "a branch that is called like the tenant's own default branch": (
        HEAD + "dev_branches: [main, production]\nbranch: production\n",
        ["3:22: 'production' is the name of the default branch"],
    ),
    "a snapshot kept as a branch that is the default branch": (
        "tenant: acme\ntier: guide\nsnapshots: [v1, main]\n",
        [
            (
                "3:17: 'main' is the name of the default branch"
                " (tier 'guide' keeps snapshots as branches, and branch names are unique in a project)"
            )
        ],
    ),
    "a snapshot kept as a branch that is a development branch": (
        "tenant: acme\ntier: guide\nsnapshots:\n  - {name: dev}\ndev_branches: [dev]\n",
        [
            (
                "4:12: 'dev' is the name of a development branch"
                " (tier 'guide' keeps snapshots as branches, and branch names are unique in a project)"
            )
        ],
    ),
    "branches that descend from each other": (
        HEAD + "dev_branches: [{name: a, parent: b}, {name: b, parent: a}]\n",
        ["3:34: branch 'a' would be its own ancestor", "3:56: branch 'b' would be its own ancestor"],
    ),
    "an expiry before its moment": (
        HEAD + "snapshots: [{name: a, at: 2031-01-02T00:00:00Z, expires_at: 2031-01-01T00:00:00Z}]\n",
        ["3:61: snapshot 'a' has an expires_at before its at"],
    ),
    "a branch's compute over the organization's limit": (
        HEAD + "dev_branches: [{name: a, compute: {max_cu: 3}}]\n",
        ["3:44: max_cu 3: organization 'free' allows at most 2"],
    ),
    "another name than the file's": (
        "tenant: acme2\ntier: free\n",
        [
            (
                "1:9: tenant 'acme2' is in a file named 'acme'"
                " (name the file after its tenant; only files with several documents may have another name)"
            )
        ],
    ),
}


@pytest.mark.parametrize("case", [*SCHEMA, *RULES])
def test_a_mistake_is_reported_where_it_stands(case: str, tmp_path: Path) -> None:
    text, expected = (SCHEMA | RULES)[case]
    more = "".join(line for name, line in MORE_TIERS.items() if f"tier: {name}\n" in text)
    loaded = load_files(tmp_path, {"tenants/acme.yaml": text}, tiers=TIERS + more)
    assert said(loaded, tmp_path) == [f"tenants/acme.yaml:{line}" for line in expected]
    assert loaded.desired is None


EDGES = {
    "all that the organization grants": (
        "tier: free\noverrides: {compute: {min_cu: 0.25, max_cu: 2, suspend_timeout: 5m}, restore_window: 1d}\n"
    ),
    "a compute of one size": "tier: free\noverrides: {compute: {min_cu: 2, max_cu: 2}}\n",
    "the widest range": "tier: pro\noverrides: {compute: {min_cu: 8, max_cu: 16}}\n",
    "a large compute of one size": "tier: pro\noverrides: {compute: {min_cu: 56, max_cu: 56}}\n",
    "the longest suspend timeout": "tier: pro\noverrides: {compute: {suspend_timeout: 7d}}\n",
    "the shortest suspend timeout": "tier: pro\noverrides: {compute: {suspend_timeout: 1m}}\n",
    "a compute that never suspends": "tier: pro\noverrides: {compute: {suspend_timeout: never}}\n",
    "every branch and snapshot": "tier: free\ndev_branches: [a, b]\nsnapshots: [a]\n",
    "every branch of the organization": "tier: roomy\ndev_branches: [a, b, c]\n",
    "the longest names": f"tier: free\ndev_branches: [{'x' * 256}]\ndatabase: {'d' * 63}\n",
    "a snapshot of a branch's name": "tier: free\ndev_branches: [a]\nsnapshots: [a]\n",
    "a snapshot kept as a branch": "tier: guide\ndev_branches: [a]\nsnapshots: [b]\n",
    "a revision of epoch seconds": "tier: free\nrevision: 1795478400\n",
    "the highest revision": f"tier: free\nrevision: {'9' * 18}\n",
    "a branch of a branch that is not declared": "tier: free\ndev_branches: [{name: a, parent: main}]\n",
}


@pytest.mark.parametrize("case", EDGES)
def test_what_is_just_allowed_is_accepted(case: str, tmp_path: Path) -> None:
    name = "a" * 128
    tiers = TIERS + "".join(MORE_TIERS.values())
    loaded = load_files(tmp_path, {f"tenants/{name}.yaml": f"tenant: {name}\n{EDGES[case]}"}, tiers=tiers)
    assert not loaded.problems


@pytest.mark.parametrize("name", ["acme corp", "-acme", ".acme", "a/b", "ümlaut", "a" * 129])
def test_a_tenants_name_fits_a_file_and_a_project(name: str, tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {"tenants/x.yaml": f"tenant: '{name}'\ntier: free\n"})
    assert any("tenant name" in problem.message for problem in loaded.problems)


def test_all_mistakes_of_all_files_are_reported_at_once_in_order(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "tenants/b.yaml": "tenant: b\ntier: nope\nprotect: maybe\n",
        "tenants/a.yaml": "tenant: a\ntier: free\nx: 1\ny: 2\n",
        "tenants/c.yaml": "tenant: [c\n",
    }
    loaded = load_files(tmp_path, files, tiers="version: 2\n")
    places = [(problem.location.file.rpartition("/")[2], problem.location.line) for problem in loaded.problems]
    assert places == [*[("a.yaml", 3), ("a.yaml", 4), ("b.yaml", 3), ("c.yaml", 2)], *[("tiers.yaml", 1)] * 5]


def test_a_key_in_a_file_is_never_repeated(tmp_path: Path) -> None:
    for key in ("role", "region", "tier", "project_id"):
        loaded = load_files(tmp_path, {"tenants/acme.yaml": f"tenant: acme\ntier: free\n{key}: napi_s3cr3t\n"})
        assert loaded.problems
        assert "s3cr3t" not in str(loaded)


def test_expiring_copies_do_not_count_against_a_limit(tmp_path: Path) -> None:
    text = HEAD + "snapshots: [a, {name: b, expires_at: 2031-01-01T00:00:00Z}]\n"
    assert not load_files(tmp_path, {"tenants/acme.yaml": text}).problems


def test_a_document_with_countless_mistakes_reports_some(tmp_path: Path) -> None:
    text = HEAD + "".join(f"k{number}: 1\n" for number in range(5000))
    assert len(load_files(tmp_path, {"tenants/acme.yaml": text}).problems) == 100
