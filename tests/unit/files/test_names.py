"""Names in files: what a tenant's may be, when two are one, and names of projects that two tenants could have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from reconciler.errors import InvalidInputError
from reconciler.files.inputs import parse
from reconciler.files.json_schema import tenant_schema, tiers_schema
from reconciler.files.load import OnInvalid, load
from tests.unit.files.builders import TIERS, load_files, said, write

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState

COMPOSED, IN_TWO_SIGNS = "caf\u00e9", "cafe\u0301"
LINES = 'tenants: [{files: "tenants/*.yaml"}, {ndjson: "*.ndjson"}]\n'


def files(*tenants: str, more: str = "") -> dict[str, str | bytes]:
    return {f"tenants/{name}.yaml": f"tenant: '{name}'\ntier: free\n{more}" for name in tenants}


def named(project: str, *previous: str) -> str:
    listed = json.dumps({"project": project, "previous": previous})
    return TIERS.replace('{project: "myapp-{tenant}"}', listed)


def fleet(root: Path, *tenants: str, tiers: str = TIERS) -> DesiredState:
    loaded = load_files(root, files(*tenants), tiers=tiers)
    assert loaded.desired is not None, loaded.problems
    return loaded.desired


USER_IDS = (
    "user_2abCDefGhIJk",
    "Ada.Lovelace+dev@example.com",
    "+491701234567",
    "_V1StGXR8_Z5jdHi6B-myT",
    "A" * 128,
    "auth0.5f7c8ec7c33c6c004bbafe82",
)


@pytest.mark.parametrize("name", USER_IDS)
def test_what_platforms_have_as_user_ids_names_a_tenant(name: str, tmp_path: Path) -> None:
    assert list(fleet(tmp_path, name).tenants) == [name]
    (given,) = parse(fleet(tmp_path, name), json.dumps({"tenant": name, "tier": "pro"}), "-")[1]
    assert given == name
    published = jsonschema_rs.Draft202012Validator(tenant_schema())
    assert published.is_valid({"tenant": name, "tier": "free"})


@pytest.mark.parametrize(
    "name", ["", ".acme", "-acme", "a b", "a/b", "a:b", "a" * 129, COMPOSED, "\u0430cme", "a\n"]
)
def test_what_hides_looks_like_another_or_is_an_option_names_none(name: str, tmp_path: Path) -> None:
    text = json.dumps({"tenant": name, "tier": "free"})
    loaded = load_files(tmp_path, {"x.ndjson": text}, tiers=TIERS + LINES)
    assert loaded.desired is None
    published = jsonschema_rs.Draft202012Validator(tenant_schema())
    assert not published.is_valid({"tenant": name, "tier": "free"}) or name == "a\n"


def test_every_source_tells_of_a_name_in_two_cases_with_both_places(tmp_path: Path) -> None:
    told = "differs in case only (rename one of the two tenants)"
    two_files = load_files(tmp_path / "files", files("Acme", "acme"))
    assert said(two_files, tmp_path / "files") == [
        f"tenants/acme.yaml:1:9: 'Acme' in {tmp_path}/files/tenants/Acme.yaml:1 {told}"
    ]
    line = {"x.ndjson": '{"tenant": "ACME", "tier": "free"}\n'}
    mixed = load_files(tmp_path / "mixed", {**files("acme"), **line}, tiers=TIERS + LINES)
    assert said(mixed, tmp_path / "mixed") == [
        f"x.ndjson:1:12: 'acme' in {tmp_path}/mixed/tenants/acme.yaml:1 {told}"
    ]


@pytest.mark.parametrize(
    "broken", ["tenant: Acme\ntier: nope\n", "tenant: Acme\ntier: [\n"], ids=["its tier", "its syntax"]
)
def test_a_broken_file_holds_its_name_in_another_case(broken: str, tmp_path: Path) -> None:
    written = {**files("acme", "bob"), "tenants/Acme.yaml": broken}
    loaded = load_files(tmp_path, written, on_invalid=OnInvalid.SKIP)
    assert loaded.desired is not None
    assert (list(loaded.desired.tenants), sorted(loaded.desired.held_back)) == (["bob"], ["Acme", "acme"])
    (told,) = [line for line in said(loaded, tmp_path) if line.startswith("tenants/acme.yaml")]
    assert f"'Acme' in {tmp_path}/tenants/Acme.yaml:1 differs in case only" in told


def test_a_document_has_no_tenants_name_in_another_case(tmp_path: Path) -> None:
    desired = fleet(tmp_path, "acme")
    with pytest.raises(
        InvalidInputError, match=r"'Acme' is also a name of tenant 'acme' in .*tenants/acme.yaml:1"
    ):
        parse(desired, '{"tenant": "Acme", "tier": "free"}', "-")
    only = load(tmp_path, only=frozenset({"Acme"})).desired
    assert only is not None
    assert list(only.tenants) == ["acme"]
    with pytest.raises(InvalidInputError, match="differs in case only"):
        parse(desired, '{"tenant": "bob", "tier": "free"}{"tenant": "Bob", "tier": "free"}', "-")


def test_names_of_branches_snapshots_and_labels_are_one_in_either_form(tmp_path: Path) -> None:
    text = f"tenant: acme\ntier: free\nlabels: {{{IN_TWO_SIGNS}: {IN_TWO_SIGNS}}}\nsnapshots: [{IN_TWO_SIGNS}]\n"
    loaded = load_files(tmp_path, {"tenants/acme.yaml": text + f"dev_branches: [{IN_TWO_SIGNS}]\n"})
    assert loaded.desired is not None
    acme = loaded.desired.tenants["acme"]
    assert acme.labels == {COMPOSED: COMPOSED}
    assert [snapshot.name for snapshot in acme.snapshots or ()] == [COMPOSED]
    assert [branch.name for branch in acme.dev_branches or ()] == [COMPOSED]


@pytest.mark.parametrize("key", ["snapshots", "dev_branches"])
def test_two_entries_whose_names_are_one_are_an_error(key: str, tmp_path: Path) -> None:
    text = f"tenant: acme\ntier: pro\n{key}:\n- {COMPOSED}\n- {IN_TWO_SIGNS}\n"
    (told,) = said(load_files(tmp_path, {"tenants/acme.yaml": text}), tmp_path)
    assert told.startswith("tenants/acme.yaml:5:3: duplicate ")


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_two_labels_whose_keys_are_one_are_an_error(kind: str, tmp_path: Path) -> None:
    labels = f'{{"{COMPOSED}": "1", "{IN_TWO_SIGNS}": "2"}}'
    written: dict[str, str | bytes] = {"tenants/acme.yaml": f"tenant: acme\ntier: free\nlabels: {labels}\n"}
    if kind == "json":
        written = {"x.ndjson": f'{{"tenant": "acme", "tier": "free", "labels": {labels}}}'}
    told = said(load_files(tmp_path, written, tiers=TIERS + LINES), tmp_path)
    assert any("duplicate key" in line for line in told)


PATTERNS = {
    "myapp-{tenant}-{teir}": "'{teir}' is not a placeholder (did you mean '{tier}'?)",
    "myapp-{Tenant}": "'{Tenant}' is not a placeholder (did you mean '{tenant}'?)",
    "myapp-{tenant}-{region}": "'{region}' is not a placeholder (known: {tenant}, {tier}, {organization})",
    "{{tenant}}": "'{' is not a placeholder (known: {tenant}, {tier}, {organization})",
    "{tenant}-{": "'{' is not a placeholder (known: {tenant}, {tier}, {organization})",
    "{tenant}-}": "'}' is not a placeholder (known: {tenant}, {tier}, {organization})",
    "{tenant}-{}": "'{}' is not a placeholder (known: {tenant}, {tier}, {organization})",
    "{tier}": "'{tier}' must hold {tenant} exactly once (as in \"myapp-{tenant}\")",
    "{tenant}{tenant}": "'{tenant}{tenant}' must hold {tenant} exactly once (as in \"myapp-{tenant}\")",
    "x" * 126 + "{tenant}-{tier}": "project names could have 259 characters, Neon allows 256",
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_that_says_something_else_is_an_error_at_its_place(pattern: str, tmp_path: Path) -> None:
    current = said(load_files(tmp_path, files("acme"), tiers=named(pattern)), tmp_path)
    assert current == [f"tiers.yaml:3:21: {PATTERNS[pattern]}"]
    older = said(load_files(tmp_path, files("acme"), tiers=named("myapp-{tenant}", pattern)), tmp_path)
    assert older == [f"tiers.yaml:3:52: {PATTERNS[pattern]}"]


def test_the_published_schema_knows_the_placeholders() -> None:
    naming = tiers_schema()["$defs"]["NamingDocument"]
    published = jsonschema_rs.Draft202012Validator(naming)
    assert published.is_valid({"project": "{organization}-{tenant}-{tier}", "previous": ["{tenant}"]})
    assert not published.is_valid({"project": "{tenant}-{region}"})
    assert not published.is_valid({"project": "{tenant}-{tenant}"})


def test_a_pattern_that_stands_there_twice_is_an_error(tmp_path: Path) -> None:
    tiers = named("a-{tenant}", "b-{tenant}", "a-{tenant}", "b-{tenant}")
    told = said(load_files(tmp_path, files("acme"), tiers=tiers), tmp_path)
    assert [line.partition(": ")[2] for line in told] == [
        "the pattern is already the current pattern (remove it here)",
        "the pattern is already listed before (remove it here)",
    ]


def of_tier(pattern: str, *previous: str) -> str:
    """tiers.yaml whose tier pro, the last one, has a pattern of its own."""
    return f"{named('myapp-{tenant}', *previous)}    naming: '{pattern}'\n"


def test_the_pattern_of_a_tier_is_checked_as_the_others_are(tmp_path: Path) -> None:
    (told,) = said(load_files(tmp_path, files("acme"), tiers=of_tier("x" * 127 + "{tenant}-{tier}")), tmp_path)
    assert told == "tiers.yaml:25:13: project names could have 259 characters, Neon allows 256"
    (told,) = said(load_files(tmp_path, files("acme"), tiers=of_tier("{tenants}")), tmp_path)
    assert told == "tiers.yaml:25:13: '{tenants}' is not a placeholder (did you mean '{tenant}'?)"
    (told,) = said(load_files(tmp_path, files("acme"), tiers=of_tier("a-{tenant}", "a-{tenant}")), tmp_path)
    assert told.endswith("the pattern is already the pattern of tier 'pro' (remove it here)")


MEETING = {
    "the pattern of a tier": (of_tier("{tenant}"), ("bob", "myapp-bob"), "myapp-bob"),
    "an older pattern": (named("{tenant}", "myapp-{tenant}"), ("bob", "myapp-bob"), "myapp-bob"),
    "a tier": (named("{tenant}-{tier}", "{tenant}"), ("a", "a-pro"), "a-pro"),
    "an organization": (named("{organization}-{tenant}", "{tenant}"), ("free-a", "a"), "free-a"),
    "two older patterns": (named("x-{tenant}", "y-{tenant}", "{tenant}-z"), ("y-a", "a-z"), "y-a-z"),
}


@pytest.mark.parametrize("case", MEETING)
def test_two_tenants_whose_projects_could_have_one_name_are_errors_at_both_places(
    case: str, tmp_path: Path
) -> None:
    tiers, (one, other), name = MEETING[case]
    loaded = load_files(tmp_path, files(one, other, "zed"), tiers=tiers)
    assert loaded.desired is None
    hint = "(rename one of them, remove one of the patterns from naming, or add project_id)"
    assert sorted(said(loaded, tmp_path)) == sorted(
        f"tenants/{mine}.yaml:1:1: project {name!r} could belong to tenant {mine!r} or to tenant {its!r} "
        f"in {tmp_path}/tenants/{its}.yaml:1 {hint}"
        for mine, its in ((one, other), (other, one))
    )
    skipped = load(tmp_path, on_invalid=OnInvalid.SKIP).desired
    assert skipped is not None
    assert (list(skipped.tenants), skipped.held_back) == (["zed"], frozenset({one, other}))


def test_a_migration_between_patterns_is_no_error_where_no_two_tenants_meet(tmp_path: Path) -> None:
    patterns = named("{tenant}", "myapp-{tenant}", "myapp-{tenant}-{tier}")
    assert [*fleet(tmp_path, "bob", "bobby", "my-bob", tiers=patterns).tenants] == ["bob", "bobby", "my-bob"]
    assert [*fleet(tmp_path / "tiers", "a", "a-pro", tiers=named("{tenant}-{tier}")).tenants] == ["a", "a-pro"]


def test_a_pin_says_whose_a_project_is(tmp_path: Path) -> None:
    written = {**files("myapp-bob"), **files("bob", more="project_id: cool-river-1\n")}
    assert not load_files(tmp_path, written, tiers=named("{tenant}", "myapp-{tenant}")).problems


def test_the_few_tenant_door_sees_a_tenant_in_the_way(tmp_path: Path) -> None:
    write(tmp_path, files("bob", "myapp-bob", "zed"), tiers=named("{tenant}", "myapp-{tenant}"))
    for name in ("bob", "myapp-bob"):
        assert len(load(tmp_path, only=frozenset({name})).problems) == 2
    assert not load(tmp_path, only=frozenset({"zed"})).problems


def test_nor_does_a_document_get_in_the_way(tmp_path: Path) -> None:
    desired = fleet(tmp_path, "bob", tiers=named("{tenant}", "myapp-{tenant}"))
    with pytest.raises(InvalidInputError, match="could belong to tenant 'myapp-bob' or to tenant 'bob'"):
        parse(desired, '{"tenant": "myapp-bob", "tier": "free"}', "-")


class TestEarlierNames:
    def told(self, root: Path, **texts: str) -> list[str]:
        written: dict[str, str | bytes] = {
            f"tenants/{name}.yaml": f"tenant: {name}\ntier: free\n{more}" for name, more in texts.items()
        }
        return [line.replace(f"{root}/", "") for line in said(load_files(root, written), root)]

    def test_are_those_of_a_tenant_who_is_gone(self, tmp_path: Path) -> None:
        (told,) = self.told(tmp_path, acme="", inc="previously: [acme]\n")
        assert told == (
            "tenants/inc.yaml:3:14: 'acme' is also a name of tenant 'acme' in tenants/acme.yaml:1 "
            "(previously may only list names that no other tenant has or lists)"
        )

    def test_are_not_another_tenants_in_another_case(self, tmp_path: Path) -> None:
        (told,) = self.told(tmp_path, acme="", inc="previously: [ACME]\n")
        assert told.startswith("tenants/inc.yaml:3:14: 'ACME' is also a name of tenant 'acme'")

    def test_are_claimed_by_one_tenant(self, tmp_path: Path) -> None:
        (told,) = self.told(tmp_path, a="previously: [old]\n", b="previously: [x, old]\n")
        assert told.startswith("tenants/b.yaml:3:17: 'old' is also a name of tenant 'a' in tenants/a.yaml:1")

    def test_are_not_the_name_of_a_broken_file(self, tmp_path: Path) -> None:
        told = self.told(tmp_path, acme="nope: 1\n", inc="previously: [acme]\n")
        assert told[1].startswith("tenants/inc.yaml:3:14: 'acme' is also a name of tenant 'acme'")

    def test_are_not_the_present_one_and_stand_there_once(self, tmp_path: Path) -> None:
        assert self.told(tmp_path, inc="previously: [inc, a, a]\n") == [
            "tenants/inc.yaml:3:14: 'inc' is the tenant's current name (remove it here)",
            "tenants/inc.yaml:3:22: 'a' is a duplicate (remove it here)",
        ]

    def test_may_differ_from_the_present_one_in_case_alone(self, tmp_path: Path) -> None:
        assert self.told(tmp_path, Acme="previously: [acme]\n") == []

    def test_are_taken_whichever_of_the_two_is_asked_for(self, tmp_path: Path) -> None:
        self.told(tmp_path, acme="", inc="previously: [acme]\n", zed="")
        for name in ("acme", "inc"):
            assert load(tmp_path, only=frozenset({name})).desired is None
        assert load(tmp_path, only=frozenset({"zed"})).desired is not None

    def test_are_not_given_out_by_a_document(self, tmp_path: Path) -> None:
        loaded = load_files(tmp_path, files("inc", more="previously: [acme]\n"))
        assert loaded.desired is not None
        with pytest.raises(InvalidInputError, match="'acme' is also a name of tenant 'inc'"):
            parse(loaded.desired, '{"tenant": "acme", "tier": "free"}', "-")
        with pytest.raises(InvalidInputError, match="'inc' is also a name of tenant 'inc'"):
            parse(loaded.desired, '{"tenant": "bob", "tier": "free", "previously": ["inc"]}', "-")
        desired, _ = parse(loaded.desired, '{"tenant": "inc", "tier": "pro"}', "-")
        assert desired.tenants["inc"].previously == ("acme",)
