"""Tenants' names from the command line: user ids, a tenant that gets another name, names in two forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_causes import by_hand, commit, fleet, grant, run, transfers
from tests.harness.repository import git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

__all__ = ["fleet"]

pytestmark = pytest.mark.drawn(11)

COMPOSED, IN_TWO_SIGNS = "caf\u00e9", "cafe\u0301"
EMAIL = "Ada.Lovelace+dev@example.com"


def ids(shell: Shell) -> dict[str, str]:
    """The live projects by name."""
    return shell.stored.project_ids()


def rename(shell: Shell, old: str, new: str, gib: int = 8, more: str = "") -> None:
    git(shell.folder, "mv", f"tenants/{old}.yaml", f"tenants/{new}.yaml")
    grant(shell, new, gib, more)
    commit(shell)


def succeeded(ended: Ended) -> Ended:
    assert ended.code == 0, ended.err + ended.out
    return ended


EARLIER = "previously: [acme]"
DOORS = (
    ("apply", "--base", "applied"),
    ("apply", "--base", "applied", "--changed-since", "applied"),
    ("apply", "--base", "applied", "--tenant", "acme-inc"),
    ("converge", "acme-inc", "--base", "applied"),
    ("converge", "acme-inc"),
)


@pytest.mark.drawn(2)
@pytest.mark.parametrize("door", DOORS, ids=" ".join)
def test_a_tenant_with_another_name_keeps_its_project(fleet: Shell, door: tuple[str, ...]) -> None:
    before = ids(fleet)
    rename(fleet, "acme", "acme-inc", more=EARLIER)
    succeeded(run(fleet, *door))
    assert ids(fleet) == {"myapp-acme-inc": before["myapp-acme"], "myapp-bluebird": before["myapp-bluebird"]}
    git(fleet.folder, "tag", "--force", "applied")
    assert "in sync" in succeeded(run(fleet, "plan", "--base", "applied")).out.lower()
    grant(fleet, "acme-inc", 3, EARLIER)
    commit(fleet)
    succeeded(run(fleet, *door))
    assert transfers(fleet) == {"acme-inc": 3, "bluebird": 8}


@pytest.mark.drawn(2)
@pytest.mark.parametrize("door", DOORS, ids=" ".join)
def test_a_new_name_lowers_nothing_that_its_files_did_not_lower(fleet: Shell, door: tuple[str, ...]) -> None:
    by_hand(fleet, "acme", 100)
    rename(fleet, "acme", "acme-inc", more=EARLIER)
    run(fleet, *door)
    assert transfers(fleet) == {"acme-inc": 100, "bluebird": 8}


@pytest.mark.drawn(2)
@pytest.mark.parametrize("door", DOORS, ids=" ".join)
def test_nor_does_it_end_a_protection(fleet: Shell, door: tuple[str, ...]) -> None:
    grant(fleet, "acme", 8, "protect: true")
    commit(fleet)
    git(fleet.folder, "tag", "--force", "applied")
    rename(fleet, "acme", "acme-inc", gib=3, more=EARLIER)
    ended = run(fleet, *door)
    assert ended.code == 5
    assert "protected" in ended.out + ended.err
    assert transfers(fleet) == {"acme-inc": 8, "bluebird": 8}


@pytest.mark.drawn(2)
@pytest.mark.parametrize("door", DOORS, ids=" ".join)
def test_a_rename_that_the_file_does_not_tell_makes_no_empty_project(fleet: Shell, door: tuple[str, ...]) -> None:
    before = ids(fleet)
    rename(fleet, "acme", "acme-inc")
    ended = run(fleet, *door)
    assert ended.code == 5
    told = " ".join((ended.out + ended.err).split())
    assert "looks like a rename of 'acme'" in told
    assert "add `previously: [acme]` to tenants/acme-inc.yaml:1" in told
    assert ids(fleet) == before


@pytest.mark.parametrize(
    "door", [("apply", "--yes"), ("apply", "--yes", "--tenant", "acme-inc"), ("converge", "acme-inc")]
)
def test_nor_does_one_that_is_not_committed(fleet: Shell, door: tuple[str, ...]) -> None:
    """Its new file is one that git does not have yet."""
    (fleet.folder / "tenants/acme.yaml").unlink()
    grant(fleet, "acme-inc", 8)
    before = ids(fleet)
    ended = run(fleet, *door, "--base", "applied")
    assert ended.code == 5, ended.err + ended.out
    assert "looks-renamed" in ended.out + ended.err
    assert ids(fleet) == before


def test_nor_do_two_of_them_that_say_no_more_than_a_tier(shell: Shell) -> None:
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    for tenant in ("red", "green"):
        shell.tenant(tenant)
    shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
    commit(shell)
    shell.applied("--base", "none")
    git(shell.folder, "tag", "applied")
    for old, new in (("red", "ruby"), ("green", "jade")):
        git(shell.folder, "mv", f"tenants/{old}.yaml", f"tenants/{new}.yaml")
        shell.tenant(new)
    commit(shell)
    assert run(shell, "apply", "--base", "applied").code == 5
    assert sorted(ids(shell)) == ["myapp-green", "myapp-red"]
    succeeded(run(shell, "apply", "--base", "applied", "--allow", "creates=2"))
    assert len(ids(shell)) == 4


def test_a_file_that_only_moved_to_another_folder_is_no_rename(fleet: Shell) -> None:
    (fleet.folder / "tenants/eu").mkdir()
    git(fleet.folder, "mv", "tenants/acme.yaml", "tenants/eu/acme.yaml")
    grant(fleet, "cedar", 8)
    commit(fleet)
    succeeded(run(fleet, "converge", "cedar", "--base", "applied"))
    assert "in sync" in succeeded(run(fleet, "plan", "--base", "applied")).out.lower()


def test_who_left_the_files_is_named_by_a_selection_of_changes(fleet: Shell) -> None:
    fleet.tenant("gone", "tier: free\nstate: absent")
    commit(fleet)
    git(fleet.folder, "tag", "--force", "applied")
    git(fleet.folder, "rm", "--quiet", "tenants/acme.yaml", "tenants/gone.yaml")
    commit(fleet)
    for flags in (("--changed-since", "applied"), ("--changed-since", "applied", "--base", "applied")):
        ended = succeeded(run(fleet, "plan", *flags))
        assert "acme" in ended.out
        assert "no file declares the tenant any more: its project stays" in " ".join(ended.out.split())
        assert "gone" not in ended.out
    document = run(fleet, "plan", "--changed-since", "applied", "--format", "json").document
    assert [note["tenant"] for note in document["notes"]] == ["acme"]
    assert "acme" not in run(fleet, "plan", "--changed-since", "HEAD").out


def test_a_sign_up_does_not_take_an_earlier_name(fleet: Shell) -> None:
    rename(fleet, "acme", "acme-inc", more=EARLIER)
    refused = fleet.simulated("converge", "-", stdin=b'{"tenant": "acme", "tier": "free"}')
    assert refused.code == 3
    assert "'acme' is also a name of tenant 'acme-inc'" in refused.err
    assert len(ids(fleet)) == 2


def test_a_document_cannot_say_that_a_declared_tenant_has_another_name(fleet: Shell) -> None:
    text = b'{"tenant": "acme-inc", "tier": "free", "previously": ["acme"]}'
    refused = fleet.simulated("converge", "-", stdin=text)
    assert refused.code == 3
    assert "'acme' is also a name of tenant 'acme' in " in refused.err


@pytest.mark.parametrize("name", [EMAIL, "user_2abCDefGhIJk", "+491701234567"])
def test_a_user_id_is_a_tenant_from_sign_up_to_deletion(shell: Shell, name: str) -> None:
    text = f'{{"tenant": "{name}", "tier": "free"}}'.encode()
    succeeded(shell.simulated("converge", "-", "--connections-to", "strings.jsonl", stdin=text))
    shell.tenant(f"{name}", "tier: free")
    assert "in sync" in succeeded(shell.simulated("plan")).out.lower()
    shell.tenant(f"{name}", "tier: pro")
    for form in ("text", "markdown", "json"):
        ended = succeeded(shell.simulated("plan", "--tenant", f"{name[:3]}*", "--format", form))
        assert name in ended.out
    succeeded(shell.simulated("converge", name))
    shell.tenant(f"{name}", "tier: pro\nstate: absent")
    run(shell, "apply", "--allow", "lowering", "--allow", "deletes=1")
    assert ids(shell) == {}


def test_names_that_two_signs_make_are_one_with_what_is_live(shell: Shell) -> None:
    shell.write("tiers.yaml", TIERS.replace("myapp-{tenant}", IN_TWO_SIGNS + "-{tenant}"))
    shell.tenant("acme", f"tier: pro\ndev_branches: [{IN_TWO_SIGNS}]\nsnapshots: [{IN_TWO_SIGNS}]")
    shell.applied()
    for table, columns in (
        ("projects", "name searched body"),
        ("branches", "name body"),
        ("snapshots", "body"),
    ):
        for column in columns.split():
            shell.stored.replace(table, column, COMPOSED, IN_TWO_SIGNS)
    for selection in ((), ("--tenant", "acme")):
        ended = succeeded(shell.simulated("plan", *selection, "--depth", "deep"))
        assert "in sync" in ended.out.lower(), ended.out
    succeeded(shell.simulated("converge", "acme"))
    assert len(ids(shell)) == 1


def test_a_pattern_with_a_tier_names_the_project_and_a_change_of_tier_renames_it(shell: Shell) -> None:
    shell.write("tiers.yaml", TIERS.replace("myapp-{tenant}", "myapp-{tenant}-{tier}"))
    shell.tenant("cedar", "tier: free")
    shell.applied()
    before = ids(shell)
    assert list(before) == ["myapp-cedar-free"]
    shell.tenant("cedar", "tier: pro")
    succeeded(shell.simulated("converge", "cedar"))
    assert ids(shell) == {"myapp-cedar-pro": before["myapp-cedar-free"]}
    assert "in sync" in succeeded(shell.simulated("plan")).out.lower()


def test_two_tenants_who_would_meet_are_told_before_anything_is_done(shell: Shell) -> None:
    naming = '{project: "{tenant}", previous: ["myapp-{tenant}"]}'
    shell.write("tiers.yaml", TIERS.replace('{project: "myapp-{tenant}"}', naming))
    shell.tenant("bob")
    shell.tenant("myapp-bob")
    ended = run(shell, "apply")
    assert ended.code == 3
    assert "tenants/bob.yaml:1:1: project 'myapp-bob' could belong to tenant 'bob'" in ended.err
    assert "tenants/myapp-bob.yaml:1:1: project 'myapp-bob' could belong to tenant 'myapp-bob'" in ended.err
