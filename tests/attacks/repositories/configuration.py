"""What stands in ``.git`` and in the environment, which git obeys."""

from __future__ import annotations

import os
import shutil
from typing import Final

from tests.attacks.repositories.pull_request import in_the_fleets_folder, obeyed
from tests.attacks.repositories.stage import Stage, hostile

PROGRAM: Final = {"apply --ref": "requires a program other than git's own"}
SILENT: Final = {"apply --ref": "did not return the commit of main"}


@hostile("a configuration of the checkout with everything that starts a program", refused=PROGRAM)
def everything(stage: Stage) -> None:
    """With hooks too, and a tenant to compare."""
    program = stage.program("tools/run.sh")
    stage.commit({"fleet/.gitattributes": "* filter=x diff=x merge=x\n"})
    for hook in (
        "post-index-change",
        "fsmonitor-watchman",
        "reference-transaction",
        "pre-auto-gc",
        "post-checkout",
    ):
        shutil.copy(program, program.parent / hook)
        shutil.copy(program, stage.dot_git / "hooks" / hook)
    (stage.dot_git / "config").write_text(obeyed(program), encoding="utf-8")
    os.utime(stage.fleet / "tenants/acme.yaml", (0, 0))


@hostile("a remote with a protocol helper of its own", refused=PROGRAM)
def remote_of_a_helper(stage: Stage) -> None:
    """Allowed by the repository."""
    stage.git("config", "protocol.ext.allow", "always")
    stage.git("config", "remote.origin.url", f"ext::{stage.program()}")


@hostile("a remote that is said to be of another version control")
def remote_of_another_vcs(stage: Stage) -> None:
    """Git would start git-remote-x."""
    stage.git("config", "remote.origin.vcs", "ext")
    stage.git("config", "protocol.allow", "always")
    stage.git("config", "remote.origin.uploadpack", str(stage.program()))


@hostile("a harmless remote that the repository rewrites to a helper")
def rewritten_remote(stage: Stage) -> None:
    """Git would rewrite the address before it looks at the protocol."""
    origin = stage.git("config", "remote.origin.url")
    stage.git("config", "protocol.ext.allow", "always")
    stage.git("config", f"url.ext::{stage.program()} .insteadOf", origin)


@hostile("a remote by ssh, with an ssh command of the repository", refused=SILENT)
def ssh_command(stage: Stage) -> None:
    """The port is one where nobody listens."""
    stage.git("config", "remote.origin.url", "ssh://git@127.0.0.1:9/x")
    stage.git("config", "core.sshCommand", str(stage.program()))
    stage.git("config", "ssh.variant", "simple")


@hostile("a remote whose ssh host is an option", refused=SILENT)
def ssh_option(stage: Stage) -> None:
    """Ssh would run the command of the option."""
    stage.git("config", "remote.origin.url", f"ssh://-oProxyCommand={stage.program()}/x")


@hostile("a remote by https, with helpers and prompts of the repository", refused=SILENT)
def credential_helpers(stage: Stage) -> None:
    """Nobody is asked for a password."""
    program = stage.program()
    stage.git("config", "remote.origin.url", "https://127.0.0.1:9/x")
    stage.git("config", "credential.helper", f"!{program}")
    stage.git("config", "core.askPass", str(program))
    stage.git("config", "http.proxy", f"ext::{program}")
    stage.environ |= {"SSH_ASKPASS": str(program), "GIT_ASKPASS": str(program)}


@hostile("a remote by git's own protocol, with a proxy command", refused={"apply --ref": "uses git"})
def git_proxy(stage: Stage) -> None:
    """It is not asked at all."""
    stage.git("config", "remote.origin.url", "git://127.0.0.1:9/x")
    stage.git("config", "core.gitProxy", str(stage.program()))


@hostile("a local remote whose own configuration starts programs")
def local_remote(stage: Stage) -> None:
    """Git's own upload-pack reads it."""
    (stage.folder / "origin/config").write_text(obeyed(stage.program()), encoding="utf-8")
    for hook in ("post-index-change", "reference-transaction", "proc-receive", "update"):
        shutil.copy(stage.program(), stage.folder / "origin/hooks" / hook)


@hostile("variables of git that lead to the repository in the pull request")
def misleading_variables(stage: Stage) -> None:
    """As they are set within hooks, or by a step of CI before."""
    in_the_fleets_folder(stage)
    stage.commit()
    stage.environ |= {
        "GIT_DIR": str(stage.fleet),
        "GIT_WORK_TREE": str(stage.fleet),
        "GIT_INDEX_FILE": str(stage.fleet / "index"),
        "GIT_OBJECT_DIRECTORY": str(stage.fleet / "objects"),
        "GIT_COMMON_DIR": str(stage.fleet),
        "GIT_CEILING_DIRECTORIES": str(stage.folder),
        "GIT_EXEC_PATH": str(stage.fleet),
        "GIT_EXTERNAL_DIFF": str(stage.program()),
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor'='{stage.program()}'",
        "GIT_TEMPLATE_DIR": str(stage.fleet),
        "TMPDIR": str(stage.fleet),
    }


@hostile("replace refs that put another commit in the place of the base")
def replace_refs(stage: Stage) -> None:
    """Git would show the files of another commit under the id of the base."""
    forged = stage.git("commit-tree", "-m", "forged", stage.git("write-tree"))
    for replaced in (
        stage.base,
        stage.git("rev-parse", "applied"),
        stage.git("rev-parse", f"{stage.base}^{{tree}}"),
    ):
        stage.git("update-ref", f"refs/replace/{replaced}", forged if replaced != "" else "")


@hostile("grafts that give HEAD another parent")
def grafts(stage: Stage) -> None:
    """Git and libgit2 would believe them."""
    forged = stage.git("commit-tree", "-m", "forged", stage.git("write-tree"))
    (stage.dot_git / "info").mkdir(exist_ok=True)
    (stage.dot_git / "info/grafts").write_text(f"{stage.head} {forged}\n", encoding="utf-8")


@hostile("a repository of its own in the fleet's folder, of which the commit knows nothing")
def nested_repository(stage: Stage) -> None:
    """No commit can bring a .git; the outermost repository that knows the folder counts all the same."""
    in_the_fleets_folder(stage)
    forged = stage.folder / "forged/.git"
    shutil.rmtree(stage.fleet / "objects")
    stage.git("clean", "-f", "-d", "-q", "fleet")
    shutil.copytree(forged, stage.fleet / ".git")
    (stage.fleet / ".git/config").write_text(obeyed(stage.folder / "none"), encoding="utf-8")
    for leaf in ("HEAD", "config", "run.sh", ".gitattributes", "description", "COMMIT_EDITMSG", "index"):
        (stage.fleet / leaf).unlink(missing_ok=True)


@hostile(
    "an edit that the index is told to overlook", base=lambda stage: stage.head, refused={"apply --ref": "edited"}
)
def assumed_unchanged(stage: Stage) -> None:
    """Assume-unchanged and skip-worktree; git status says that all is clean."""
    stage.git("update-index", "--assume-unchanged", "fleet/tenants/acme.yaml")
    stage.git("update-index", "--skip-worktree", "fleet/tenants/zoe.yaml")
    stage.write("fleet/tenants/acme.yaml", "tenant: acme\ntier: free\n# edited\n")
