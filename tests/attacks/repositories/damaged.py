"""Objects, refs and clones that are broken, huge, partial or of another make."""

from __future__ import annotations

import os
import subprocess
from typing import Final

from tests.attacks.repositories.stage import COMMANDS, Stage, hostile
from tests.harness.repository import git

BASE_ALONE: Final = ("plan", "plan --base", "drift", "apply")
"""Commands for which the base has to be read."""


def at_base(says: str) -> dict[str, str]:
    """Refused by all commands, which read the base."""
    return dict.fromkeys(COMMANDS, says)


def damage(stage: Stage, name: str, data: bytes = b"") -> None:
    """Other bytes in the place of an object."""
    file = stage.dot_git / "objects" / name[:2] / name[2:]
    file.chmod(0o644)
    file.write_bytes(data)


def object_of(stage: Stage, kind: str, data: bytes) -> str:
    """An object as it is, whether git likes it or not."""
    command = ["git", "-C", str(stage.checkout), "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout.decode().strip()


def base_of(stage: Stage, tree: str) -> None:
    """A commit of that tree becomes the base, and today's files a commit on top of it."""
    base = stage.git("commit-tree", "-m", "hostile", tree)
    stage.git("tag", "--force", "applied", base)
    head = stage.git("commit-tree", "-p", base, "-m", "today", stage.git("rev-parse", "HEAD^{tree}"))
    stage.git("update-ref", "refs/heads/main", head)
    git(stage.folder / "origin", "update-ref", "-d", "refs/heads/main")
    (stage.folder / "origin/objects/info/alternates").write_text(f"{stage.dot_git}/objects\n", encoding="utf-8")
    git(stage.folder / "origin", "update-ref", "refs/heads/main", head)
    stage.base, stage.head = base, head


def line(mode: str, name: bytes, of: str) -> bytes:
    """An entry of a tree."""
    return mode.encode() + b" " + name + b"\0" + bytes.fromhex(of)


def fleet_with(stage: Stage, tenants: str) -> str:
    """A tree of the whole checkout with that tree as the folder of the tenants."""
    tiers = stage.git("rev-parse", "HEAD:fleet/tiers.yaml")
    fleet = object_of(stage, "tree", line("40000", b"tenants", tenants) + line("100644", b"tiers.yaml", tiers))
    return object_of(stage, "tree", line("40000", b"fleet", fleet))


def tenants_of(stage: Stage, *entries: bytes) -> None:
    """A base whose tenants are these entries."""
    base_of(stage, fleet_with(stage, object_of(stage, "tree", b"".join(entries))))


UNUSABLE: Final = {"plan --base": "at applied cannot be used"}
"""Nothing is made for the tenants whose files cannot be used there, although they are not found."""


@hostile("a tenant of 300 MB at the base, which fits into 300 kB", refused=UNUSABLE)
def huge_blob(stage: Stage) -> None:
    """Its size is known before it is unpacked."""
    with (stage.folder / "huge").open("wb") as file:
        file.truncate(300 * 2**20)
    huge = stage.git("hash-object", "-w", "--no-filters", str(stage.folder / "huge"))
    tenants_of(stage, line("100644", b"acme.yaml", huge))


@hostile("ten thousand million files at the base, made of eleven objects", refused=UNUSABLE)
def git_bomb(stage: Stage) -> None:
    """Each folder holds the next one ten times."""
    tree = object_of(stage, "tree", line("100644", b"x.yaml", object_of(stage, "blob", b"tenant: x\n")))
    for _ in range(10):
        tree = object_of(stage, "tree", b"".join(line("40000", b"d%d" % n, tree) for n in range(10)))
    base_of(stage, fleet_with(stage, tree))


@hostile("ten thousand folders in each other at the base", refused=UNUSABLE)
def deep_folders(stage: Stage) -> None:
    """Deeper than any stack."""
    import pygit2  # noqa: PLC0415 - git would be started ten thousand times

    odb = pygit2.Repository(str(stage.dot_git)).odb
    tree = object_of(stage, "tree", line("100644", b"x.yaml", object_of(stage, "blob", b"tenant: x\n")))
    for _ in range(10_000):
        tree = str(odb.write(pygit2.enums.ObjectType.TREE, line("40000", b"d", tree)))
    base_of(stage, fleet_with(stage, tree))


@hostile("links at the base that lead out, in circles, and through thousands of folders")
def links(stage: Stage) -> None:
    """None is followed out of the folder of the tenants."""
    goals = {b"a": b"../../../../../etc/passwd", b"b": b"b.yaml", b"c": b"d/" * 2000 + b"x", b"d": b"x" * 9000}
    entries = [line("120000", name + b".yaml", object_of(stage, "blob", goal)) for name, goal in goals.items()]
    tenants_of(stage, *entries)


@hostile("names at the base that climb, or are .git", refused=UNUSABLE)
def names_that_climb(stage: Stage) -> None:
    """Git itself would not check them out."""
    blob = object_of(stage, "blob", b"tenant: x\ntier: free\n")
    tenants_of(
        stage, line("100644", b"../../x.yaml", blob), line("100644", b"..", blob), line("40000", b".git", blob)
    )


@hostile("a tree at the base that ends in the middle of a line", refused=UNUSABLE)
def half_a_tree(stage: Stage) -> None:
    """See the name."""
    tenants_of(stage, line("100644", b"x.yaml", "00" * 20)[:-3])


@hostile("a tree at the base that is a file", refused=UNUSABLE)
def tree_that_is_a_blob(stage: Stage) -> None:
    """See the name."""
    base_of(stage, fleet_with(stage, object_of(stage, "blob", b"x")))


@hostile("a tenant at the base whose object is damaged", refused=UNUSABLE)
def damaged_blob(stage: Stage) -> None:
    """See the name."""
    blob = object_of(stage, "blob", b"tenant: acme\ntier: pro\n")
    tenants_of(stage, line("100644", b"acme.yaml", blob))
    damage(stage, blob, b"x\x9cjunk")


@hostile("a base whose tree is damaged", refused=at_base("is damaged"))
def damaged_tree(stage: Stage) -> None:
    """--ref reads the files at hand and HEAD alone, but the plan after it the base."""
    stage.git("tag", "--force", "applied", "HEAD^1")
    damage(stage, stage.git("rev-parse", "HEAD^1^{tree}"))


@hostile("a base that is damaged", refused=at_base("is damaged"))
def damaged_commit(stage: Stage) -> None:
    """Not a base that does not exist."""
    damage(stage, stage.base)


@hostile("a HEAD that is damaged", refused="is damaged")
def damaged_head(stage: Stage) -> None:
    """The repository cannot even say whether it knows the folder."""
    damage(stage, stage.head)


@hostile("an index that is damaged")
def damaged_index(stage: Stage) -> None:
    """It is not read."""
    (stage.dot_git / "index").write_bytes(os.urandom(4000))


@hostile("a ref that is damaged", refused={"plan --base": "refs/tags/applied"})
def damaged_ref(stage: Stage) -> None:
    """See the name."""
    (stage.dot_git / "refs/tags/applied").write_bytes(b"\xff\xfe\x00 no id\n")


@hostile("refs that lead to each other", refused={"plan --base": "points to itself"})
def circle_of_refs(stage: Stage) -> None:
    """See the name."""
    (stage.dot_git / "refs/tags/applied").write_text("ref: refs/heads/round\n", encoding="utf-8")
    (stage.dot_git / "refs/heads/round").write_text("ref: refs/tags/applied\n", encoding="utf-8")


@hostile("a configuration that is none", refused="cannot read the repository")
def damaged_configuration(stage: Stage) -> None:
    """See the name."""
    (stage.dot_git / "config").write_text("[[[\n", encoding="utf-8")


@hostile("a base that a partial clone lacks, with a promisor that starts a program", refused=UNUSABLE)
def partial_clone(stage: Stage) -> None:
    """Git would fetch what is missing, from the promisor and by its program; here it is named."""
    blob = object_of(stage, "blob", b"tenant: acme\ntier: pro\n")
    tenants_of(stage, line("100644", b"acme.yaml", blob))
    (stage.dot_git / "objects" / blob[:2] / blob[2:]).unlink()
    stage.git("config", "core.repositoryFormatVersion", "1")
    stage.git("config", "extensions.partialClone", "origin")
    stage.git("config", "remote.origin.promisor", "true")
    stage.git("config", "remote.origin.uploadpack", str(stage.program()))


@hostile("a shallow clone", base=lambda _: None, refused={"plan --base": "shallow"})
def shallow_clone(stage: Stage) -> None:
    """There is no base, and a named one says why."""
    origin = f"file://{stage.folder / 'origin'}"
    stage.checkout.rename(stage.folder / "whole")
    git(stage.folder, "clone", "--quiet", "--depth=1", origin, "checkout")


@hostile("alternates that lead to objects of a stranger")
def alternates(stage: Stage) -> None:
    """Objects are known by their contents, so that it does not matter who keeps them."""
    (stage.dot_git / "objects/info").mkdir(exist_ok=True)
    (stage.dot_git / "objects/info/alternates").write_text(
        f"{stage.fleet}\n/dev/zero\n../../../..\n", encoding="utf-8"
    )


@hostile(
    "a repository without a commit",
    base=lambda _: None,
    refused=dict.fromkeys(("plan --base", "apply --ref"), "does not contain commit, branch or tag"),
)
def unborn(stage: Stage) -> None:
    """There is nothing to compare with."""
    stage.git("checkout", "--quiet", "--orphan", "new")
    stage.git("tag", "--delete", "applied")
    stage.git("branch", "--quiet", "-D", "main")


@hostile("a repository that uses SHA-256 object ids", refused="SHA-256")
def sha256(stage: Stage) -> None:
    """See the name."""
    stage.dot_git.rename(stage.folder / "old")
    git(stage.checkout, "init", "--quiet", "--object-format=sha256")
    git(stage.checkout, "add", "--all")
    git(stage.checkout, "commit", "--quiet", "--message=x")


@hostile("a repository that stores its refs as a reftable", refused="reftable")
def reftable(stage: Stage) -> None:
    """See the name."""
    with (stage.dot_git / "config").open("a", encoding="utf-8") as config:
        config.write("[core]\nrepositoryFormatVersion = 1\n[extensions]\nrefStorage = reftable\n")
