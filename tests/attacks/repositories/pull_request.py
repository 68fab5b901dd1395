"""What a stranger can bring by a commit, a branch or a tag."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from tests.attacks.repositories.stage import Stage, hostile
from tests.harness.repository import git

if TYPE_CHECKING:
    from pathlib import Path

ANYWHERE: Final = "a pull request can point it anywhere"
EDITED: Final = {"apply --ref": "edited since commit"}


def obeyed(program: Path) -> str:
    """A configuration with everything in it that lets git start a program."""
    return f"""\
[core]
\trepositoryformatversion = 0
\tbare = false
\tfsmonitor = {program}
\thooksPath = {program.parent}
\tsshCommand = {program}
\tgitProxy = {program}
\taskPass = {program}
\tpager = {program}
\teditor = {program}
\talternateRefsCommand = {program}
[filter "x"]
\tclean = {program}
\tsmudge = {program}
\tprocess = {program}
\trequired = true
[diff]
\texternal = {program}
[diff "x"]
\ttextconv = {program}
\tcommand = {program}
[merge "x"]
\tdriver = {program}
[alias]
\tls-remote = !{program}
\tstatus = !{program}
\trev-parse = !{program}
[credential]
\thelper = !{program}
[protocol]
\tallow = always
[protocol "ext"]
\tallow = always
[remote "origin"]
\turl = ext::{program}
\tuploadpack = {program}
\tproxy = ext::{program}
\tfetch = +refs/heads/*:refs/remotes/origin/*
[url "ext::{program}"]
\tinsteadOf = https://
[branch "main"]
\tremote = origin
\tmerge = refs/heads/main
[uploadpack]
\tpackObjectsHook = {program}
[gpg]
\tprogram = {program}
[trace2]
\tnormalTarget = {program.parent}/trace
"""


def in_the_fleets_folder(stage: Stage) -> None:
    """The bare bones of a repository, with a history of their own, in the folder of the fleet."""
    forged = stage.folder / "forged"
    shutil.copytree(stage.fleet, forged)
    git(forged, "init", "--quiet", "--initial-branch=main")
    git(forged, "add", "--all")
    git(forged, "commit", "--quiet", "--message=forged")
    git(forged, "commit", "--quiet", "--allow-empty", "--message=forged too")
    git(forged, "tag", "applied")
    shutil.copytree(forged / ".git", stage.fleet, dirs_exist_ok=True)
    stage.write("fleet/config", obeyed(stage.program()))
    stage.write("fleet/.gitattributes", "* filter=x diff=x merge=x\n")


@hostile("HEAD, objects/, refs/, index and a config in the fleet's folder, which git takes for a repository")
def bare_repository(stage: Stage) -> None:
    """See the name."""
    in_the_fleets_folder(stage)
    stage.commit()


@hostile(
    "the same, and an edited tenant whose filter would be run to compare it",
    base=lambda stage: stage.head,
    refused=EDITED,
)
def bare_repository_and_an_edit(stage: Stage) -> None:
    """Every command but one with --ref, which takes no edits, compares with HEAD."""
    in_the_fleets_folder(stage)
    stage.commit()
    stage.write("fleet/tenants/zoe.yaml", "tenant: zoe\ntier: free\n# edited\n")


@hostile("a repository of another folder, reached by a link in place of the fleet's folder", refused=ANYWHERE)
def link_in_place_of_the_folder(stage: Stage) -> None:
    """The link leads to a repository that the stranger prepared: a path that a runner is known to have."""
    prepared = stage.folder / "prepared"
    shutil.copytree(stage.fleet, prepared)
    git(prepared, "init", "--quiet", "--initial-branch=main")
    git(prepared, "add", "--all")
    git(prepared, "commit", "--quiet", "--message=forged")
    shutil.rmtree(stage.fleet)
    stage.fleet.symlink_to(prepared)
    stage.commit()


@hostile("a submodule in place of the fleet's folder", refused=ANYWHERE)
def submodule_in_place_of_the_folder(stage: Stage) -> None:
    """Its history would serve as the base."""
    theirs = stage.folder / "theirs"
    shutil.copytree(stage.fleet, theirs)
    git(theirs, "init", "--quiet", "--initial-branch=main")
    git(theirs, "add", "--all")
    git(theirs, "commit", "--quiet", "--message=forged")
    stage.git("rm", "-r", "--quiet", "fleet")
    stage.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(theirs), "fleet")
    stage.commit()


@hostile("attributes that ask for filters, encodings and line ends, of files that a filter is configured for")
def attributes(stage: Stage) -> None:
    """The filter is the checkout's own: many machines have one, of LFS for example."""
    program = stage.program("tools/filter.sh")
    stage.git("config", "filter.x.clean", str(program))
    stage.git("config", "filter.x.smudge", str(program))
    stage.commit(
        {"fleet/.gitattributes": "*.yaml filter=x diff=x ident working-tree-encoding=ISO-8859-1 eol=crlf\n"}
    )


@hostile("a .gitignore whose matching takes for ever", base=lambda stage: stage.head, refused=EDITED)
def endless_ignores(stage: Stage) -> None:
    """It is asked about a file that the commit lacks."""
    stage.commit({".gitignore": "*".join("a" * 40) + "*b\n" + "**/a*/" * 30 + "b\n"})
    stage.write(f"fleet/tenants/{'a' * 200}.yaml", f"tenant: {'a' * 60}\ntier: free\n---\ntenant: b\ntier: free\n")


@hostile("a .gitignore that hides a tenant's file from the comparison", refused=EDITED)
def ignored_tenant(stage: Stage) -> None:
    """It takes no part in the choice of the base, and stops a run that is to be of a commit alone."""
    stage.commit({".gitignore": "fleet/tenants/hidden.yaml\n"})
    stage.write("fleet/tenants/hidden.yaml", "tenant: hidden\ntier: free\n")


@hostile("a git and an ssh in the pull request, in folders that the PATH has")
def programs_on_the_path(stage: Stage) -> None:
    """The PATH begins with a folder of the checkout, the current folder, and an empty entry: the same again."""
    for name in ("git", "ssh", "git-remote-https", "git-upload-pack"):
        stage.program(f"bin/{name}")
        stage.program(name)
        stage.program(f"fleet/{name}")
    stage.commit()
    stage.environ["PATH"] = f"{stage.checkout / 'bin'}:.::fleet:{stage.environ['PATH']}"


@hostile(
    "a branch with the name of the tag that is the base",
    refused={"plan --base": "refs/tags/applied or refs/heads"},
)
def branch_named_like_the_base(stage: Stage) -> None:
    """A checkout of that branch has both."""
    stage.git("branch", "applied", "HEAD")


@hostile("branches and tags that are called HEAD, or like a branch of the remote")
def refs_named_like_others(stage: Stage) -> None:
    """None stands for what it is called like; and the remote has a branch whose name ends in that of another."""
    stage.git("update-ref", "refs/heads/HEAD", "applied")
    stage.git("update-ref", "refs/tags/HEAD", "applied")
    stage.git("update-ref", "refs/remotes/origin/applied", "HEAD")
    git(stage.folder / "origin", "update-ref", "refs/heads/a/refs/heads/main", stage.base)


@hostile(
    "a tag with the name of the branch that has to be the tip",
    refused={"apply --ref": "refs/tags/main or refs/heads"},
)
def tag_named_like_the_branch(stage: Stage) -> None:
    """Git would take the tag, which follows no remote."""
    stage.git("tag", "main", "HEAD")


@hostile(
    "a configuration in the pull request that the checkout's own takes in", refused={"apply --ref": "includes"}
)
def included_configuration(stage: Stage) -> None:
    """A habit of some repositories; the remote would be the stranger's."""
    stage.commit({"fleet/gitconfig": obeyed(stage.program())})
    stage.git("config", "include.path", "../fleet/gitconfig")


@hostile("a remote in the pull request itself", refused={"apply --ref": "a folder of the repository itself"})
def remote_in_the_checkout(stage: Stage) -> None:
    """Its configuration would be obeyed, and its answer believed."""
    in_the_fleets_folder(stage)
    stage.commit()
    stage.git("config", "remote.origin.url", "fleet")
