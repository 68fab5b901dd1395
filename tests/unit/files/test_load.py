"""From a folder of files to the desired state."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.policy import DriftPolicy, Threshold, Thresholds
from reconciler.desired.tenant import Accepted, DevBranch, Overrides, Pins, Reduction, Snapshot, Tenant
from reconciler.desired.tier import AtLimit, EnvReference, OrganizationLimits
from reconciler.files.load import OnInvalid, load, parse_tenants
from reconciler.files.regular_files import UnreadableError
from reconciler.files.tree import WorkTree
from reconciler.model.compute import Compute
from reconciler.model.problem import Location, Severity
from reconciler.model.quota import Quota
from tests.unit.files.builders import TIERS, load_files, said, write

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.files.load import Loaded

ACME = "tenant: acme\ntier: free\n"


def desired(loaded: Loaded) -> DesiredState:
    """The state, which the test expects to be there."""
    assert loaded.desired is not None, loaded.problems
    return loaded.desired


def with_lines(*sources: str) -> str:
    """tiers.yaml with these sources of tenants."""
    return TIERS + "tenants:\n" + "".join(f"  - {source}\n" for source in sources)


BOTH = with_lines('{files: "tenants/**/*.yaml"}', '{ndjson: "fleet/*.ndjson"}')


EVERYTHING = """
tenant: acme
tier: free
labels: {plan: no, size: 010}
overrides:
  quota: {data_transfer: 80GiB, active_time: unlimited}
  compute: {max_cu: 1, suspend_timeout: 7m}
  restore_window: 12h
  settings: {audit_log_level: base, unchecked: {a: {b: [1, 1.5, true, null, "1", no, 010, 0x1]}}}
snapshots:
  - v1
  - {name: v2, at: 2031-01-01T01:00:00+01:00, expires_at: 2031-02-01T00:00:00Z}
dev_branches:
  - {name: b, parent: a, compute: {min_cu: 0.5}, schema_only: true}
  - a
protect: true
accept: {history_loss: pro -> free, suspension: [750h -> 100h, 5GiB->1GiB], full_branches: 2030-01-31}
project_id: cool-river-12345678
region: aws-eu-central-1
pg_version: 16
database: shop
role: shop_owner
branch: production
"""


def test_a_tenant_file_says_everything_there_is_to_say(tmp_path: Path) -> None:
    [tenant] = desired(load_files(tmp_path, {"tenants/eu/acme.yaml": EVERYTHING})).tenants.values()
    assert tenant == Tenant(
        name="acme",
        tier="free",
        location=Location(f"{tmp_path}/tenants/eu/acme.yaml", 2, 1),
        labels={"plan": "no", "size": "010"},
        overrides=Overrides(
            quota={"data_transfer_bytes": 80 * 2**30, "active_time_seconds": 0},
            compute=Compute(None, 1.0, 420),
            restore_window_seconds=43_200,
            settings={"audit_log_level": "base", "a": {"b": [1, 1.5, True, None, "1", "no", 10, "0x1"]}},
        ),
        snapshots=(
            Snapshot("v1"),
            Snapshot("v2", datetime(2031, 1, 1, tzinfo=UTC), datetime(2031, 2, 1, tzinfo=UTC)),
        ),
        dev_branches=(DevBranch("b", "a", None, Compute(0.5), None, schema_only=True), DevBranch("a")),
        protect=True,
        accept=Accepted(
            (Reduction("750h", "100h"), Reduction("5GiB", "1GiB")), date(2030, 1, 31), (Reduction("pro", "free"),)
        ),
        project_id="cool-river-12345678",
        pins=Pins("aws-eu-central-1", 16, "shop", "shop_owner", "production"),
    )


def test_what_an_older_file_accepts_is_read(tmp_path: Path) -> None:
    text = ACME + "accept: {history_loss: true, suspension: false}\n"
    state = desired(load_files(tmp_path, {"tenants/acme.yaml": text}))
    assert state.tenants["acme"].accept == Accepted(history_loss=True)


def test_the_smallest_tenant_manages_nothing_beyond_its_tier(tmp_path: Path) -> None:
    state = desired(load_files(tmp_path, {"tenants/acme.yaml": ACME}))
    assert state.tenants["acme"] == Tenant("acme", "free", Location(f"{tmp_path}/tenants/acme.yaml"))
    assert state.settings(state.tenants["acme"]).quota == Quota(32_400, 32_400, 0, 5 * 2**30, 10**9)


def test_tiers_say_who_is_charged_for_what(tmp_path: Path) -> None:
    more = """
guards: {deletes: {max: 3}, creates: {percent: 2.5}}
drift_policy: {quota: report, compute: repair}
personal_api_key: ${ME}
api: {host: "http://localhost:8090/api/v2/", settle: 3s}
defaults: {pg_version: 16, branch: production}
"""
    tiers = TIERS.replace("dev_branches: {max: 2}", "snapshots: {at_limit: replace_oldest}") + more
    state = desired(load_files(tmp_path, {"tenants/acme.yaml": ACME}, tiers=tiers))
    assert state.organizations["free"].api_key == EnvReference("FREE_KEY")
    assert state.organizations["free"].id == EnvReference("FREE_ID")
    assert state.organizations["paid"].id == "org-paid-1"
    assert state.organizations["free"].limits == OrganizationLimits(None, 4, 1, 0.25, 2, 86_400, 300)
    assert state.organizations["free"].location == Location(f"{tmp_path}/tiers.yaml", 5, 3)
    assert state.tiers["pro"].location == Location(f"{tmp_path}/tiers.yaml", 22, 3)
    assert state.tiers["free"].snapshots.at_limit is AtLimit.REPLACE_OLDEST
    assert state.policy.thresholds == Thresholds(creates=Threshold(0, 2.5), deletes=Threshold(3, 0))
    assert state.policy.drift == {"quota": DriftPolicy.REPORT, "compute": DriftPolicy.REPAIR}
    assert state.personal_api_key == EnvReference("ME")
    assert (state.api.host, state.api.settle_seconds) == ("http://localhost:8090/api/v2", 3.0)
    assert (state.defaults.pg_version, state.defaults.branch, state.defaults.role) == (
        16,
        "production",
        "neondb_owner",
    )


def test_an_absent_key_is_not_managed_and_an_empty_list_wants_none(tmp_path: Path) -> None:
    state = desired(load_files(tmp_path, {"tenants/acme.yaml": ACME + "snapshots: []\n"}))
    assert state.tenants["acme"].snapshots == ()
    assert state.tenants["acme"].dev_branches is None


def test_a_tombstone_is_among_the_tenants(tmp_path: Path) -> None:
    state = desired(
        load_files(tmp_path, {"tenants/acme.yaml": ACME + "state: absent\noverrides: {restore_window: 9d}\n"})
    )
    assert state.tenants["acme"].absent


def test_tenants_are_in_name_order_whatever_their_folders(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "tenants/z/a.yaml": "tenant: a\ntier: free\n",
        "tenants/many.yaml": "tenant: c\ntier: free\n---\ntenant: b\ntier: pro\n",
        "tenants/.hidden.yaml": "not: a tenant\n",
        "tenants/README.md": "# hello\n",
    }
    state = desired(load_files(tmp_path, files))
    assert list(state.tenants) == ["a", "b", "c"]
    assert state.tenants["b"].location.line == 4


def test_places_are_named_as_the_folder_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "here", {"tenants/acme.yaml": ACME})
    monkeypatch.chdir(tmp_path / "here")
    here, above = load(type(tmp_path)()), load(type(tmp_path)("../here"))
    assert desired(here).tenants["acme"].location.file == "tenants/acme.yaml"
    assert desired(above).tenants["acme"].location.file == "../here/tenants/acme.yaml"


def test_a_tenant_in_two_files_is_reported_with_both_places(tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {"tenants/a/acme.yaml": ACME, "tenants/b/acme.yaml": "# second\n" + ACME})
    assert said(loaded, tmp_path) == [
        (
            f"tenants/b/acme.yaml:2:9: duplicate tenant 'acme': it is also in {tmp_path}/tenants/a/acme.yaml:1"
            " (declare each tenant once)"
        )
    ]


def test_a_project_pinned_by_two_tenants_is_reported_with_both_places(tmp_path: Path) -> None:
    pinned = "tier: free\nproject_id: calm-sea-1\n"
    loaded = load_files(
        tmp_path, {"tenants/a.yaml": "tenant: a\n" + pinned, "tenants/b.yaml": "tenant: b\n" + pinned}
    )
    assert said(loaded, tmp_path) == [
        f"tenants/b.yaml:3:13: project 'calm-sea-1' is also pinned by tenant 'a' in {tmp_path}/tenants/a.yaml:1"
    ]


def test_lines_of_json_are_tenants_too(tmp_path: Path) -> None:
    lines = '{"tenant": "a", "tier": "free", "overrides": {"compute": {"max_cu": 0.5}}, "protect": true}\n\n'
    lines += '{"tenant": "b", "tier": "pro", "snapshots": ["v1"], "pg_version": 17}'
    state = desired(load_files(tmp_path, {"fleet/x.ndjson": lines, "tenants/acme.yaml": ACME}, tiers=BOTH))
    assert list(state.tenants) == ["a", "acme", "b"]
    assert state.tenants["a"].overrides.compute == Compute(max_cu=0.5)
    assert state.tenants["a"].protect
    assert state.tenants["b"].location == Location(f"{tmp_path}/fleet/x.ndjson", 3, 1)
    assert state.tenants["b"].pins.pg_version == 17


def test_a_name_that_a_program_writes_as_a_number_is_the_same_name(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "fleet/x.ndjson": '{"tenant": 12, "tier": "free"}\n{"tenant": true, "tier": "free"}',
        "tenants/12.yaml": "tenant: 12\nprotect: true\n",
    }
    state = desired(load_files(tmp_path, files, tiers=BOTH))
    assert list(state.tenants) == ["12", "true"]
    assert (state.tenants["12"].tier, state.tenants["12"].protect) == ("free", True)


def test_a_file_overrides_a_line_field_by_field(tmp_path: Path) -> None:
    line = (
        '{"tenant": "acme", "tier": "free", "labels": {"a": "1", "b": "2"}, "snapshots": ["x"],'
        ' "overrides": {"quota": {"active_time": "1h"}}}'
    )
    text = "tenant: acme\nlabels: {b: 3}\nsnapshots: []\noverrides: {quota: {data_transfer: 1GB}}\n"
    state = desired(load_files(tmp_path, {"fleet/x.ndjson": line, "tenants/acme.yaml": text}, tiers=BOTH))
    acme = state.tenants["acme"]
    assert (acme.tier, acme.labels, acme.snapshots) == ("free", {"a": "1", "b": "3"}, ())
    assert acme.overrides.quota == {"active_time_seconds": 3600, "data_transfer_bytes": 10**9}
    assert acme.location.file.endswith("acme.yaml")


def test_a_mistake_is_placed_in_whichever_text_states_it(tmp_path: Path) -> None:
    line = '{"tenant": "acme", "tier": "nope", "labels": {}}'
    files: dict[str, str | bytes] = {
        "fleet/x.ndjson": "\n" + line,
        "tenants/acme.yaml": "tenant: acme\nlabls: {}\n",
    }
    lines = said(load_files(tmp_path, files, tiers=BOTH), tmp_path)
    assert lines == ["tenants/acme.yaml:2:1: unknown key 'labls' (did you mean 'labels'?)"]
    files["tenants/acme.yaml"] = "tenant: acme\nprotect: true\n"
    lines = said(load_files(tmp_path, files, tiers=BOTH), tmp_path)
    assert lines == ["fleet/x.ndjson:2:28: tier 'nope' does not exist (known: free, pro)"]


LINES = {
    '{"tenant": "a", "tier": "free"': "fleet/x.ndjson:1:31: not valid JSON: Expecting ',' delimiter",
    '{"tenant": "a", "tenant": "b"}': "fleet/x.ndjson:1:1: duplicate key 'tenant'",
    '{"tier": "free", "tenant": "b", "tenant": "b"}': "fleet/x.ndjson:1:1: duplicate key 'tenant'",
    '{"tenant": "a", "tier": NaN}': "fleet/x.ndjson:1:1: NaN is not JSON",
    '{"tenant": "a", "tier": "free"} x': "fleet/x.ndjson:1:32: one JSON tenant per line, and nothing after it",
    '{"tenant": "a", "x": ' + "[" * 32 + "]" * 32 + "}": "fleet/x.ndjson:1:1: nested more than 32 levels deep",
    '{"tenant": "a", "tier": "free", "x": ' + "[" * 31 + "]" * 31 + "}": "fleet/x.ndjson:1:33: unknown key 'x'",
    '{"tenant": "a", "tier": "free", "x": [' + "[]," * 40 + "[]]}": "fleet/x.ndjson:1:33: unknown key 'x'",
    '{"tenant": "a", "tier": "free", "overrides": {"settings": {"unchecked": {"x": "\\ud800"}}}}': (
        "fleet/x.ndjson:1:1: contains half of a surrogate pair"
    ),
    '{"tenant": "a", "x": ' + "[" * 99999: "fleet/x.ndjson:1:1: nested more than 32 levels deep",
    '{"tenant": "a", "tier": "free", "labels": {"x": "\\ud800"}}': (
        "fleet/x.ndjson:1:1: holds a character that cannot be printed"
    ),
    '["a"]': (
        "fleet/x.ndjson:1:1: expected a mapping, not a list (each is a document of its own, without a list around"
        " it; its keys: tenant, tier, labels, overrides, snapshots, dev_branches, ...)"
    ),
}


@pytest.mark.parametrize("line", LINES)
def test_a_broken_line_is_reported_where_it_breaks(line: str, tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {"fleet/x.ndjson": line}, tiers=with_lines("{ndjson: fleet/*.ndjson}"))
    assert said(loaded, tmp_path) == [LINES[line]]


def test_two_lines_for_one_tenant_are_reported(tmp_path: Path) -> None:
    line = '{"tenant": "a", "tier": "free"}\n'
    loaded = load_files(tmp_path, {"fleet/x.ndjson": line * 2}, tiers=with_lines("{ndjson: fleet/*.ndjson}"))
    assert said(loaded, tmp_path) == [
        (
            f"fleet/x.ndjson:2:12: duplicate tenant 'a': it is also in {tmp_path}/fleet/x.ndjson:1"
            " (declare each tenant once)"
        )
    ]


def test_broken_files_hold_back_only_their_own_tenants(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "tenants/acme.yaml": ACME,
        "tenants/rule.yaml": "tenant: rule\ntier: nope\n",
        "tenants/syntax.yaml": "tenant: [\n",
        "tenants/many.yaml": "tenant: one\ntier: free\n---\ntenant: two\ntier: free\nx: 1\n",
        "tenants/cut.yaml": "tenant: three\ntier: free\n---\n{tier: pro, tenant: 'four'\n",
        "tenants/bytes.yaml": b"tenant: five\ntier: \xff\n",
        "tenants/renamed.yaml": "tenant: six\ntier: free\n",
        "tenants/x/twice.yaml": "tenant: twice\ntier: free\n",
        "tenants/y/twice.yaml": "tenant: twice\ntier: free\n",
    }
    loaded = load_files(tmp_path, files, on_invalid=OnInvalid.SKIP)
    assert list(desired(loaded).tenants) == ["acme", "one", "three"]
    stems = {"syntax", "cut", "bytes", "renamed"}
    assert desired(loaded).held_back == stems | {"rule", "two", "four", "five", "six", "twice"}
    assert load(tmp_path).desired is None


@pytest.mark.parametrize(
    ("broken", "held"),
    [
        pytest.param("tenant: two\ntier: nope\n", {"two"}, id="a tier that is not there"),
        pytest.param("tenant: two\ntier: free\ntier: pro\n", {"two"}, id="a key that is written twice"),
        pytest.param("tenant: two\ntier: free\ntenant: six\n", {"two", "six"}, id="two documents run together"),
        pytest.param("tenant: two\ntier: &t free\n", {"two"}, id="an anchor"),
        pytest.param("tenant: two\ntier: *t\n", {"two"}, id="an alias"),
        pytest.param("tier: free\n", {"many"}, id="no name"),
        pytest.param("- tenant: two\n", {"many"}, id="a list"),
        pytest.param("tenant: one\ntier: free\n", {"one"}, id="a name that another document has"),
    ],
)
def test_a_broken_document_holds_back_itself_and_not_its_neighbours(
    broken: str, held: set[str], tmp_path: Path
) -> None:
    text = f"tenant: one\ntier: free\n---\n{broken}---\n{{tenant: three, tier: free}}\n"
    loaded = load_files(tmp_path, {"tenants/many.yaml": text}, on_invalid=OnInvalid.SKIP)
    assert set(desired(loaded).tenants) == {"one", "three"} - held
    assert desired(loaded).held_back == held


def test_after_a_syntax_error_what_stands_before_it_is_in_order(tmp_path: Path) -> None:
    text = "tenant: many\ntier: free\n--- # next\ntenant: two\nproject_id: cool-sun-1\nx: [\n---\ntenant: three\n"
    loaded = desired(load_files(tmp_path, {"tenants/many.yaml": text}, on_invalid=OnInvalid.SKIP))
    assert list(loaded.tenants) == ["many"]
    assert loaded.held_back == {"two", "three", f"{tmp_path}/tenants/many.yaml"}, (
        "somebody unnamed is held back, too"
    )
    assert loaded.pins_held_back == {"cool-sun-1"}


@pytest.mark.parametrize(
    "stale",
    [
        "tier: retired\n",
        "tier: free\ndev_branches: [a, b, c]\n",
        "tier: free\nsnapshots: [a, b]\n",
        "tier: free\noverrides: {compute: {max_cu: 4}}\n",
        "tier: free\noverrides: {restore_window: 7d}\n",
    ],
)
def test_an_entry_that_does_not_fit_the_price_list_holds_back_its_tenant_alone(stale: str, tmp_path: Path) -> None:
    """As after a commit that retires a tier or lowers a limit; ``validate`` still calls it an error."""
    files: dict[str, str | bytes] = {"tenants/acme.yaml": ACME, "tenants/old.yaml": f"tenant: old\n{stale}"}
    loaded = load_files(tmp_path, files)
    assert list(desired(loaded).tenants) == ["acme"]
    assert desired(loaded).held_back == {"old"}
    assert [problem.stale for problem in loaded.problems] == [True]
    assert parse_tenants(f"tenant: old\n{stale}", "<stdin>", desired(loaded)).desired is None, "as a document"


def test_broken_lines_hold_back_only_their_own_tenants(tmp_path: Path) -> None:
    lines = '{"tenant": "a", "tier": "free"}\n{"tenant": "b", "tier": \n{"tenant": "c", "tier": "x"}\n'
    files: dict[str, str | bytes] = {"fleet/x.ndjson": lines, "tenants/b.yaml": "tenant: b\ntier: free\n"}
    loaded = load_files(tmp_path, files, tiers=BOTH, on_invalid=OnInvalid.SKIP)
    assert list(desired(loaded).tenants) == ["a"]
    assert desired(loaded).held_back == {"b", "c"}


def test_a_broken_file_also_holds_back_the_line_that_it_would_override(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "fleet/x.ndjson": '{"tenant": "acme", "tier": "free"}',
        "tenants/acme.yaml": "tenant: acme\nprotect: [\n",
    }
    loaded = load_files(tmp_path, files, tiers=BOTH, on_invalid=OnInvalid.SKIP)
    assert not desired(loaded).tenants
    assert desired(loaded).held_back == {"acme"}


@pytest.mark.parametrize(
    "tiers", [TIERS.replace("version: 1", "version: 9"), TIERS.replace("max: 2", "max: 4"), "["]
)
def test_a_broken_price_list_is_always_fatal(tiers: str, tmp_path: Path) -> None:
    assert (
        load_files(tmp_path, {"tenants/acme.yaml": ACME}, tiers=tiers, on_invalid=OnInvalid.SKIP).desired is None
    )


def test_an_unreadable_line_without_a_name_could_be_anybodys(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"fleet/x.ndjson": '{"tenant": "a", "tier": "free"}\n{"ten\n'}
    assert load_files(tmp_path, files, tiers=BOTH, on_invalid=OnInvalid.SKIP).desired is None


def test_what_cannot_be_read_at_all_is_fatal(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(ACME)
    cases = {
        "large.yaml": "the file is larger than 1 MiB",
        "leaving.yaml": "the symbolic link leads out of the folder of the tenants "
        "(a folder is read if a source in the tenants of tiers.yaml names it)",
        "dangling.yaml": "the target of the symbolic link does not exist (correct the link, or remove it)",
        "folder": "symbolic links to folders are not followed "
        "(remove the link: a folder is read if a source in the tenants of tiers.yaml names it)",
        "other.yml": "is not read (rename it to .yaml)",
    }
    root = write(tmp_path / "fleet", {"tenants/acme.yaml": ACME, "tenants/sub/b.yaml": "tenant: b\ntier: free\n"})
    tenants = root / "tenants"
    (tenants / "large.yaml").write_bytes(b"#" * (2**20 + 1))
    (tenants / "leaving.yaml").symlink_to(outside)
    (tenants / "dangling.yaml").symlink_to("nowhere.yaml")
    (tenants / "folder").symlink_to("sub")
    (tenants / "other.yml").write_text(ACME)
    loaded = load(root, on_invalid=OnInvalid.SKIP)
    assert loaded.desired is None
    assert said(loaded, root) == [f"tenants/{name}:1:1: {cases[name]}" for name in sorted(cases)]


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    root = write(tmp_path, {"tenants/.data/acme.yaml": ACME})
    (root / "tenants/acme.yaml").symlink_to(".data/acme.yaml")
    assert list(desired(load(root)).tenants) == ["acme"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_no_missing_tenant(tmp_path: Path) -> None:
    root = write(tmp_path, {"tenants/acme.yaml": ACME})
    (root / "tenants/acme.yaml").chmod(0)
    loaded = load(root, on_invalid=OnInvalid.SKIP)
    assert said(loaded, root) == ["tenants/acme.yaml:1:1: cannot be read: Permission denied"]
    assert loaded.desired is None


def test_why_a_file_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="is a folder, not a file"):
        WorkTree(tmp_path).read(".")


def test_a_file_without_a_tenant_is_reported(tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {"tenants/acme.yaml": "# nothing yet\n"})
    assert said(loaded, tmp_path) == ["tenants/acme.yaml:1:1: contains no tenant"]


def test_a_file_name_that_cannot_be_printed_is_still_named(tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {"tenants/a\nb\udcff.yaml": ACME})
    assert said(loaded, tmp_path) == [
        (
            "tenants/a\\nb\\udcff.yaml:1:9: tenant 'acme' is in a file named 'a\\nb\\udcff'"
            " (name the file after its tenant; only files with several documents may have another name)"
        )
    ]


def test_a_file_of_just_the_largest_size_is_read(tmp_path: Path) -> None:
    text = ACME + "#" * (2**20 - len(ACME))
    assert not load_files(tmp_path, {"tenants/acme.yaml": text}).problems


def test_an_empty_fleet_is_a_warning_and_not_an_error(tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {})
    assert desired(loaded).tenants == {}
    assert [problem.severity for problem in loaded.problems] == [Severity.WARNING]
    assert said(loaded, tmp_path) == [
        "tiers.yaml:1:1: no file matches 'tenants/**/*.yaml': this source has no tenants"
    ]


MISSED = (
    "tiers.yaml:26:5: no pattern matches {files}: not read"
    " (tenants/**/*.yaml matches all .yaml files below tenants/)"
)


@pytest.mark.parametrize("path", ["tenants/eu/anna.yaml", "tenants/eu/anna.yml", "tenants/eu/west/anna.YAML"])
def test_a_file_in_the_folder_of_a_source_that_no_pattern_matches_is_a_warning(tmp_path: Path, path: str) -> None:
    files: dict[str, str | bytes] = {"tenants/acme.yaml": ACME, path: "tenant: anna\ntier: free\n"}
    loaded = load_files(tmp_path, files, tiers=with_lines('{files: "tenants/*.yaml"}'))
    assert list(desired(loaded).tenants) == ["acme"]
    assert said(loaded, tmp_path) == [MISSED.format(files=repr(path))]
    assert [problem.severity for problem in loaded.problems] == [Severity.WARNING]


def test_many_unmatched_files_are_counted_and_a_few_are_named(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"tenants/eu/t{number}.yaml": "" for number in range(1, 6)}
    files |= {"tenants/acme.yaml": ACME, "tenants/notes.md": "", "tenants/fleet.ndjson": "", "other/a.yaml": ""}
    loaded = load_files(tmp_path, files, tiers=with_lines('{files: "tenants/*.yaml"}'))
    named = "'tenants/eu/t1.yaml', 'tenants/eu/t2.yaml', 'tenants/eu/t3.yaml' and 2 more"
    assert said(loaded, tmp_path) == [MISSED.format(files=named)]


def test_a_file_that_another_pattern_matches_is_no_warning(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"tenants/acme.yaml": ACME, "tenants/eu/bee.yaml": "tenant: bee\ntier: free"}
    sources = with_lines('{files: "tenants/*.yaml"}', '{files: "tenants/eu/*.yaml"}')
    assert not load_files(tmp_path, files, tiers=sources).problems


def test_a_pattern_without_a_folder_misses_nothing(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"acme.yaml": ACME, "ci/build.yaml": "steps: []"}
    assert not load_files(tmp_path, files, tiers=with_lines('{files: "a*.yaml"}')).problems


def test_a_pattern_never_takes_the_price_list_for_a_tenant(tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {"acme.yaml": ACME}, tiers=with_lines('{files: "**/*.yaml"}'))
    assert list(desired(loaded).tenants) == ["acme"]


def test_a_tenant_is_found_without_reading_the_others(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"tenants/acme.yaml": ACME, "tenants/x.yaml": "[", "tenants/y.yml": "["}
    assert list(desired(load(write(tmp_path, files), only=frozenset({"acme"}))).tenants) == ["acme"]


def test_tenants_are_found_among_others_in_a_file(tmp_path: Path) -> None:
    many = "tenant: b\ntier: free\n---\ntenant: c\ntier: pro\n"
    files: dict[str, str | bytes] = {"tenants/acme.yaml": ACME, "tenants/many.yaml": many, "tenants/x.yaml": "["}
    root = write(tmp_path, files)
    assert list(desired(load(root, only=frozenset({"acme", "b"}))).tenants) == ["acme", "b", "c"]
    assert list(desired(load(root, only=frozenset({"b"}))).tenants) == ["b", "c"]


def test_tenants_are_found_on_lines(tmp_path: Path) -> None:
    lines = '{"tenant": "a", "tier": "free"}\n{"tenant": "b"}\n'
    root = write(tmp_path, {"fleet/x.ndjson": lines}, tiers=BOTH)
    assert list(desired(load(root, only=frozenset({"a"}))).tenants) == ["a"]


PINNED = "tenant: pinned\ntier: free\nproject_id: cool-river-12345678\n"


def test_tenants_whose_project_is_pinned_are_loaded_beside_those_that_are_wanted(tmp_path: Path) -> None:
    lines = (
        '{"tenant": "c", "tier": "free"}\n{"tenant": "d", "tier": "free", "project_id": "warm-lake-87654321"}\n'
    )
    files: dict[str, str | bytes] = {
        "tenants/acme.yaml": ACME,
        "tenants/b.yaml": "tenant: b\ntier: free\n",
        "tenants/pinned.yaml": PINNED,
        "fleet/x.ndjson": lines,
    }
    state = desired(load(write(tmp_path, files, tiers=BOTH), only=frozenset({"acme"})))
    assert {name: tenant.project_id for name, tenant in state.tenants.items()} == {
        "acme": None,
        "d": "warm-lake-87654321",
        "pinned": "cool-river-12345678",
    }


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('{"tenant": "b", "tier": "free"}', "tenant: b\nproject_id: cool-river-12345678\n"),
        ('{"tenant": "b", "project_id": "cool-river-12345678"}', "tenant: b\ntier: free\n"),
    ],
)
def test_a_pinned_tenant_is_loaded_with_its_line_and_its_file(line: str, text: str, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "tenants/acme.yaml": ACME,
        "tenants/b.yaml": text,
        "fleet/x.ndjson": f"{line}\n",
    }
    state = desired(load(write(tmp_path, files, tiers=BOTH), only=frozenset({"acme"})))
    assert state.tenants["b"].project_id == "cool-river-12345678"


def test_a_file_that_is_wanted_by_a_part_of_a_word_only_is_not_read(tmp_path: Path) -> None:
    many = f"{ACME}---\ntenant: c\ntier: free\n"
    files: dict[str, str | bytes] = {"tenants/x.yaml": "tenant: [acme-2, my.acme", "tenants/many.yaml": many}
    assert list(desired(load(write(tmp_path, files), only=frozenset({"acme"}))).tenants) == ["acme", "c"]


def test_where_no_tenant_is_wanted_only_the_price_list_is_read(tmp_path: Path) -> None:
    assert not desired(load(write(tmp_path, {"tenants/x.yaml": "["}), only=frozenset())).tenants


STDIN = {
    "a JSON object": '{"tenant": "a", "tier": "free"}',
    "a JSON object on several lines": '{\n  "tenant": "a",\n  "tier": "free"\n}\n',
    "JSON lines": '{"tenant": "a", "tier": "free"}\n{"tenant": "b", "tier": "pro"}\n',
    "a JSON array": '[{"tenant": "a", "tier": "free"},\n {"tenant": "b", "tier": "pro"}]',
    "YAML": "tenant: a\ntier: free\n",
    "YAML in braces": "{tenant: a, tier: free}\n",
    "several YAML documents": "tenant: a\ntier: free\n---\ntenant: b\ntier: pro\n",
}


@pytest.mark.parametrize("case", STDIN)
def test_stdin_holds_one_tenant_or_many(case: str, tmp_path: Path) -> None:
    fleet = desired(load_files(tmp_path, {"tenants/acme.yaml": ACME}))
    state = desired(parse_tenants(STDIN[case], "-", fleet))
    assert list(state.tenants) == (["a", "b"] if STDIN[case].count("tenant") == 2 else ["a"])
    assert state.tenants["a"].location.file == "-"
    assert state.tiers == fleet.tiers


BROKEN_STDIN = {
    "": ["-:1:1: contains no tenant"],
    '{"tenant": "a",\n "tier": }': [
        (
            "-:2:2: 'tier' has no value (indent its value below it, or remove the key; an empty list is [], "
            "an empty mapping {})"
        )
    ],
    '{"tenant": "a",\n "tier": "free"': ["-:2:16: not valid JSON: Expecting ',' delimiter"],
    '[{"tenant": "a", "tier": "free"},': ["-:1:34: not valid JSON: Expecting value"],
    '[{"tenant": "a", "tier": "free"},\n {"tenant": "b", "tier": "x"}]': [
        "-:2:26: tier 'x' does not exist (known: free, pro)"
    ],
    '\n{"tenant": "a"}': ["-:2:1: the key 'tier' is missing (One of the tiers of tiers.yaml)"],
    "tenant: a\ntier: \udcff\n": ["-:2:7: not valid UTF-8 (save the file as UTF-8)"],
    '{"tenant": "a", "tier": "free"}\n{"tenant": "a", "tier": "free"}': [
        "-:2:12: duplicate tenant 'a': it is also in -:1 (declare each tenant once)"
    ],
}


@pytest.mark.parametrize("text", BROKEN_STDIN)
def test_mistakes_on_stdin_are_reported_where_they_stand(text: str, tmp_path: Path) -> None:
    loaded = parse_tenants(text, "-", desired(load_files(tmp_path, {"tenants/acme.yaml": ACME})))
    assert [str(problem) for problem in loaded.problems] == BROKEN_STDIN[text]
    assert loaded.desired is None


@pytest.mark.parametrize(
    "settings",
    [
        "",
        "tier: retired\n",
        "tier: {a: b}\n",
        "tier:\n",
        "overrides: {quota: {active_time: 1parsec}, nonsense: 1}\n",
        "tier: pro\nsnapshots: [a, a]\ndev_branches: 7\npg_version: old\naccept: all\n",
    ],
)
def test_a_tombstone_needs_a_name_and_its_state_alone(tmp_path: Path, settings: str) -> None:
    text = f"tenant: gone\nstate: absent\nproject_id: cool-river-1\n{settings}"
    state = desired(load_files(tmp_path, {"tenants/gone.yaml": text, "tenants/acme.yaml": ACME}))
    gone = state.tenants["gone"]
    assert gone.absent
    assert (gone.project_id, gone.overrides, gone.snapshots) == ("cool-river-1", Overrides(), None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("porject_id: cool-river-1", "3:1: unknown key 'porject_id' (did you mean 'project_id'?)"),
        ("protect: maybe", "3:10: expected true or false, not 'maybe'"),
        ("project_id: A", "3:13: 'A' is not a project id (as the console shows it: cool-river-12345678)"),
    ],
)
def test_what_says_which_project_a_tombstone_means_is_checked(tmp_path: Path, line: str, problem: str) -> None:
    loaded = load_files(tmp_path, {"tenants/gone.yaml": f"tenant: gone\nstate: absent\n{line}\n"})
    assert said(loaded, tmp_path) == [f"tenants/gone.yaml:{problem}"]
