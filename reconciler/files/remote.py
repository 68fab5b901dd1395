"""What a remote returns: git is the only program that is started.

It runs outside of any repository, in an empty folder. libgit2 reads the repository's own configuration, and only
the address and its headers are passed on: so it cannot name a program. The user's own configuration and the
environment stay in force.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.errors import InvalidInputError, StaleFilesError
from reconciler.files.libgit import pygit2
from reconciler.files.refs import named
from reconciler.files.regular_files import printable

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from reconciler.files.repository import Repository

TIMEOUT_SECONDS: Final = 60
_SCHEMES: Final = frozenset({"https", "ssh", "git+ssh", "ssh+git", "file"})
_HELPER: Final = re.compile(r"[A-Za-z0-9+.-]*::")
_SCP: Final = re.compile(r"[^/:]+:(?!//).+")
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HEADER: Final = re.compile(r"http\.(?P<url>.+)\.extraheader", re.IGNORECASE)
NAME: Final = "the-remote-of-the-fleet"
"""git's name for the address: an address in the arguments would be visible to every process of the machine."""
_PORTS: Final = {"https": 443}

OVERRIDES: Final[dict[str, str]] = {
    "core.alternateRefsCommand": ":",
    "core.askPass": "",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "credential.interactive": "false",
    "diff.external": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "push.followTags": "false",
    "push.gpgSign": "false",
    "push.recurseSubmodules": "no",
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
}
"""These win over any configuration, also the user's."""
ENVIRONMENT: Final[dict[str, str]] = {
    "GIT_ALLOW_PROTOCOL": "https:ssh:file",
    "GIT_ASKPASS": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
}
_HANDED_ON: Final = re.compile(
    r"HOME|USER|LOGNAME|TMPDIR|LANG|SYSTEMROOT|USERPROFILE|SSL_CERT_(FILE|DIR)|(?i:(https?|all|no)_proxy)"
    r"|GIT_(SSH|SSH_COMMAND|SSH_VARIANT|SSL_\w+|PROXY_SSL_\w+|HTTP_\w+)"
    r"|GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_[0-9]+|VALUE_[0-9]+)|(SSH|XDG|LC)_\w+"
)
"""The only environment variables that git gets; others hold API keys of every database."""
_PROXY: Final = re.compile(r"(?i:\w+_proxy)")
"""A proxy with a password is not passed on: it belongs into git's own configuration (http.proxy)."""


def tip(repository: Repository, remote: str, branch: str) -> str | None:
    """Return the commit of a branch of a remote, asked of the remote; None if it does not say.

    ``branch`` is a full ref name there. Waits up to TIMEOUT_SECONDS. Raises InvalidInputError for an address that
    needs another program, and StaleFilesError if git is not installed.
    """
    return listed(git(repository, remote, ["ls-remote", "--exit-code", NAME, branch]), branch)


def listed(answer: bytes | None, ref: str) -> str | None:
    """Return the id that ``git ls-remote`` reports for a full ref; None if it reports none."""
    for line in (answer or b"").splitlines():
        found, _, name = line.partition(b"\t")
        if name == ref.encode() and re.fullmatch(rb"[0-9a-f]{40}", found):
            return found.decode()
    return None


def git(repository: Repository, remote: str, arguments: list[str], *, within: str | None = None) -> bytes | None:
    """Return the output of git, which knows the remote as NAME and nothing else; None if it fails.

    ``within`` is the bare repository that it works in; without one, an empty folder. Waits up to TIMEOUT_SECONDS.
    Raises InvalidInputError for an address that needs another program, and StaleFilesError if git is not
    installed.
    """
    return _started(repository.top, arguments, settings(repository, remote), within)


def settings(repository: Repository, remote: str) -> list[tuple[str, str]]:
    """Return everything that git gets for a remote: its address, and the headers for it. Raises
    InvalidInputError.
    """
    _refuse_included(repository)
    address, headers = _address(repository, remote)
    return [(f"remote.{NAME}.url", address), *headers]


def upstream_of_branch(repository: Repository, name: str) -> tuple[str, str] | None:
    """Return the remote and full branch name that a branch follows; None if it follows none, or is no branch."""
    ref = named(repository, name).ref
    return None if ref is None else upstream_of_ref(repository, ref)


def upstream_of_ref(repository: Repository, ref: str) -> tuple[str, str] | None:
    """Return the same for a full ref."""
    if ref.startswith("refs/heads/"):
        section = f"branch.{ref.removeprefix('refs/heads/')}"
        remote, branch = _value(repository, f"{section}.remote"), _value(repository, f"{section}.merge")
        return None if not remote or not branch or remote == "." else (remote, branch)
    path = ref.removeprefix("refs/remotes/")
    remotes = [name for name in _remotes(repository) if path != ref and path.startswith(f"{name}/")]
    if not remotes:
        return None
    remote = max(remotes, key=len)
    return remote, f"refs/heads/{path.removeprefix(f'{remote}/')}"


def _remotes(repository: Repository) -> Iterator[str]:
    for name, _ in _settings(repository):
        if name.startswith("remote.") and name.endswith(".url"):
            yield name.removeprefix("remote.").removesuffix(".url")


def _value(repository: Repository, name: str) -> str | None:
    """Return the last value of a setting, as git counts. The first and the last part of its name are lower
    case.
    """
    values = [value for found, value in _settings(repository) if found == name]
    return values[-1] if values else None


def _settings(
    repository: Repository, levels: Container[pygit2.enums.ConfigLevel] | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the settings of these levels, by default of all."""
    try:
        for entry in repository.libgit.config:
            if levels is None or entry.level in levels:
                yield entry.name, os.fsdecode(entry.raw_value or b"")
    except (pygit2.GitError, KeyError, ValueError) as error:
        message = f"cannot read the configuration of the repository in {repository.top}"
        raise InvalidInputError(message, hint="run `git config --list` for details") from error


def _refuse_included(repository: Repository) -> None:
    """Raise InvalidInputError if the configuration includes a file of the work tree."""
    home = Path(repository.libgit.path)
    levels = (pygit2.enums.ConfigLevel.LOCAL, pygit2.enums.ConfigLevel.WORKTREE)
    for name, value in _settings(repository, levels):
        if not (name.startswith(("include.", "includeif.")) and name.endswith(".path")):
            continue
        included = Path(os.path.realpath(home / value))
        if included.is_relative_to(repository.top) and not included.is_relative_to(os.path.realpath(home)):
            raise InvalidInputError(
                f"git's configuration includes {printable(value)}, which a pull request can change",
                hint="remove include.path from it, or run without --ref",
            )


def _address(repository: Repository, remote: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the remote's address, and the settings that git needs for it, which must not be shown."""
    urls = [value for name, value in _settings(repository) if name == f"remote.{remote}.url"]
    url = urls[0] if urls else remote
    if _HELPER.match(url) or not url.isprintable() or url.startswith("-"):
        raise _refused(remote, "requires a program other than git's own")
    scheme = _URL.match(url)
    if scheme is None:
        return (url, []) if _SCP.fullmatch(url) else (_path(repository, remote, url), [])
    if scheme[1].lower() not in _SCHEMES:
        raise _refused(remote, f"uses {scheme[1]}")
    if scheme[1].lower() == "file":
        _path(repository, remote, unquote(url[len("file://") :]))
    if scheme[1].lower() != "https":
        return url, []
    return _over_https(repository, remote, url)


def _path(repository: Repository, remote: str, path: str) -> str:
    """Return a folder of this machine, from the top of the repository, which may not be in the repository
    itself.
    """
    absolute = repository.top / path
    if Path(os.path.realpath(absolute)).is_relative_to(repository.top):
        raise _refused(remote, "is a folder of the repository itself, where a pull request can put it")
    return str(absolute)


def _over_https(repository: Repository, remote: str, url: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the address without a password, and the headers that the configuration has for exactly its host."""
    try:
        parts = urlsplit(url)
        host = _host(parts)
    except ValueError:
        raise _refused(remote, "has an invalid address") from None
    headers: list[tuple[str, str]] = []
    for name, value in _settings(repository):
        match = _HEADER.fullmatch(name)
        if match is not None and _is_at(match["url"], host):
            headers.append((f"http.{match['url']}.extraHeader", value))
    if parts.username is None or parts.password is None:
        return url, headers
    bare = parts.netloc.rpartition("@")[2]
    pair = f"{unquote(parts.username)}:{unquote(parts.password)}".encode()
    headers.append(
        (f"http.https://{bare}/.extraHeader", f"Authorization: Basic {base64.b64encode(pair).decode()}")
    )
    return parts._replace(netloc=bare).geturl(), headers


def _is_at(url: str, host: tuple[str, str | None, int | None]) -> bool:
    try:
        return _host(urlsplit(url)) == host
    except ValueError:
        return False


def _host(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _refused(remote: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"the remote {remote!r} {why}: it cannot be asked for its branch",
        hint="give it an https or ssh address, or a path outside of the repository; or run without --ref",
    )


def _started(top: Path, arguments: list[str], settings: list[tuple[str, str]], within: str | None) -> bytes | None:
    path = _search_path(top)
    program = shutil.which("git", path=path)
    if program is None:
        raise StaleFilesError(
            "git is not on the PATH (outside of the repository): it is needed to ask the remote for its branch",
            hint="install git; without --ref nothing is checked",
        )
    overrides = [word for name, value in OVERRIDES.items() for word in ("-c", f"{name}={value}")]
    where = [] if within is None else [f"--git-dir={within}"]
    command = [program, "--no-pager", *where, *overrides, *arguments]
    try:
        with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
            ceiling = os.path.dirname(os.path.realpath(folder))  # noqa: PTH120 - git compares text
            return _run(
                command, folder, _environment(settings) | {"PATH": path, "GIT_CEILING_DIRECTORIES": ceiling}
            )
    except OSError as error:
        raise StaleFilesError(
            f"cannot start git: {error.strerror}", hint="it is needed to ask the remote"
        ) from error


def _run(command: list[str], folder: str, environment: dict[str, str]) -> bytes | None:
    with subprocess.Popen(  # noqa: S603 - no shell; every argument is ours
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # without a terminal, so that ssh cannot prompt
    ) as process:
        try:
            answer = process.communicate(timeout=TIMEOUT_SECONDS)[0]
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                return None
            raise
    return answer if process.returncode == 0 else None


def _search_path(top: Path) -> str:
    """Return PATH without relative folders and folders in the repository: a pull request may put programs
    there.
    """
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    absolute = [folder for folder in folders if os.path.isabs(folder)]  # noqa: PTH117
    return os.pathsep.join(folder for folder in absolute if not Path(os.path.realpath(folder)).is_relative_to(top))


def _environment(settings: list[tuple[str, str]]) -> dict[str, str]:
    """Return git's environment, with settings after those from outside."""
    known = {name: value for name, value in os.environ.items() if _HANDED_ON.fullmatch(name)}
    known = {name: value for name, value in known.items() if not (_PROXY.fullmatch(name) and "@" in value)}
    count = known.get("GIT_CONFIG_COUNT", "")
    first = int(count) if re.fullmatch("[0-9]{1,4}", count) else 0
    for number, (name, value) in enumerate(settings, first):
        known |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return known | {"GIT_CONFIG_COUNT": str(first + len(settings))} | ENVIRONMENT
