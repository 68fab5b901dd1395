"""``reconciler doctor``: the first line that fails names the cause, and no line shows a key."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest

from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.serve import serving
from tests.harness.account import ORGANIZATIONS, a_simulator
from tests.harness.repository import git, needs_git
from tests.harness.shell import TIERS, PassingTime, Shell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.simulator.simulator import Simulator
    from tests.harness.shell import Ended

pytestmark = needs_git


class SetUp:
    """A fleet in a repository with two commits, an account on a port, and all variables that it needs."""

    def __init__(self, folder: Path, neon: Simulator, host: str) -> None:
        folder.mkdir()
        self.neon = neon
        self.shell = Shell(folder)
        self.shell.clock = neon.clock.now
        self.environ = self.shell.environ
        self.process: dict[str, str] = {}
        """Variables that the network reads from the process itself."""
        self.environ |= {"NEON_API_HOST": host, "PERSONAL_API_KEY": neon.personal_key}
        for name, id_ in neon.organization_ids.items():
            self.environ[f"NEON_{name.upper()}_ORG_ID"] = id_
            self.environ[f"{name.upper()}_ORG_API_KEY"] = neon.organization_keys[name]
        self.shell.tenant("acme")
        git(folder, "init", "--quiet", "--initial-branch=main")
        self.commit()
        self.shell.tenant("bluebird", "tier: pro")
        self.commit()

    @property
    def folder(self) -> Path:
        return self.shell.folder

    def commit(self) -> None:
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message", "Change the fleet")

    def examined(self, *args: str) -> Ended:
        """What doctor says. No key is in it."""
        ended = self.shell.run("doctor", *args)
        for name, value in self.environ.items():
            if name.endswith("KEY"):
                assert value not in ended.out + ended.err, name
        return ended

    def swap(self, one: str, other: str) -> None:
        self.environ[one], self.environ[other] = self.environ[other], self.environ[one]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, str]]:
    """One account for all tests: doctor writes nothing."""
    file = tmp_path_factory.mktemp("account") / "neon.db"
    passing = PassingTime(0.5, DEMO_EPOCH_SECONDS)  # each look at the clock makes room in the rate limit
    opened = a_simulator(*ORGANIZATIONS, path=file, clock_source=passing)
    with opened as neon:
        neon.seed_fleet("free", 6, name="myapp-t{number}")
        with serving(neon) as host:
            yield neon, host


@pytest.fixture
def set_up(served: tuple[Simulator, str], tmp_path: Path) -> SetUp:
    return SetUp(tmp_path / "fleet", *served)


def lines(ended: Ended, verdict: str) -> list[str]:
    """The messages of this verdict, in their order."""
    checks: list[dict[str, Any]] = ended.document["checks"]
    return [check["message"] for check in checks if check["verdict"] == verdict]


def test_a_set_up_without_faults(set_up: SetUp) -> None:
    ended = set_up.examined()
    assert ended.code == 0
    assert "fail " not in ended.out
    said = " ".join(ended.out.split())
    for told in (
        "tiers.yaml: fleet prod, organizations free and paid, tiers free, pro",
        "2 tenants: free 1, pro 1; from tenants/**/*.yaml 2",
        "without edits",
        "the base is HEAD^1",
        "this machine's clock is within a minute of Neon's",
        "$FREE_ORG_API_KEY opens organization free (free, org-sim-free, plan agent)",
        "$PERSONAL_API_KEY is the key of a person: admin of free, admin of paid",
        "free: 6 of 30,000 projects",
        "paid: 0 of 30,000 projects",
        "free: the list of projects leaves out",
        "tiers.yaml names no registry",
        "Nothing fails; 1 warning.",  # the host is not Neon's own
    ):
        assert told in said, told


def test_the_document_is_as_published(set_up: SetUp) -> None:
    schema = set_up.shell.run("schema", "doctor").document
    document = set_up.examined("--format", "json").document
    jsonschema_rs.Draft202012Validator(schema).validate(document)
    assert document["counts"]["fail"] == 0
    assert [*dict.fromkeys(check["area"] for check in document["checks"])] == [
        *("versions", "files", "git", "network", "keys", "organizations", "registry")
    ]


def test_the_embedded_simulator_needs_no_variable(set_up: SetUp) -> None:
    set_up.environ.clear()
    ended = set_up.examined("--simulator", "sim.db")
    assert (ended.code, "Everything is in order." in ended.out) == (0, True)
    assert set_up.examined("--simulator", "sim.db", "--base", "none").code == 0


def no_price_list(it: SetUp) -> None:
    (it.folder / "tiers.yaml").unlink()


def broken_price_list(it: SetUp) -> None:
    it.shell.write("tiers.yaml", TIERS.replace("version: 1", "version: 2"))


def broken_tenant(it: SetUp) -> None:
    it.shell.tenant("acme", "tier: fre")


def pointer_of_a_filter(it: SetUp) -> None:
    it.shell.write("tiers.yaml", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def sparse_checkout(it: SetUp) -> None:
    git(it.folder, "sparse-checkout", "set", "--no-cone", "/*", "!/tenants/bluebird.yaml")


def repository_of_another_form(it: SetUp) -> None:
    git(it.folder, "config", "core.repositoryFormatVersion", "1")
    git(it.folder, "config", "extensions.refStorage", "reftable")


def base_that_is_not_there(it: SetUp) -> None:
    it.environ["BASE"] = "applied"


def no_key(it: SetUp) -> None:
    del it.environ["PAID_ORG_API_KEY"]


def unknown_key(it: SetUp) -> None:
    it.environ["FREE_ORG_API_KEY"] = "napi_nobody_has_this_key_0123456789"


def keys_swapped(it: SetUp) -> None:
    it.swap("FREE_ORG_API_KEY", "PAID_ORG_API_KEY")


def ids_swapped(it: SetUp) -> None:
    it.swap("NEON_FREE_ORG_ID", "NEON_PAID_ORG_ID")


def everything_swapped(it: SetUp) -> None:
    keys_swapped(it)
    ids_swapped(it)
    for number in range(1, 7):
        it.shell.tenant(f"t{number}")


def one_id_for_both(it: SetUp) -> None:
    it.environ["NEON_PAID_ORG_ID"] = it.environ["NEON_FREE_ORG_ID"]


def id_of_no_organization(it: SetUp) -> None:
    it.environ["NEON_FREE_ORG_ID"] = "org-misty-field-00000000"


def key_in_place_of_an_id(it: SetUp) -> None:
    it.environ["NEON_FREE_ORG_ID"] = it.environ["FREE_ORG_API_KEY"]


def key_with_spaces(it: SetUp) -> None:
    it.environ["FREE_ORG_API_KEY"] += " and more"


def key_of_an_organization_in_place_of_a_person(it: SetUp) -> None:
    it.environ["PERSONAL_API_KEY"] = it.environ["FREE_ORG_API_KEY"]


def nobody_at_the_host(it: SetUp) -> None:
    it.environ["NEON_API_HOST"] = "http://127.0.0.1:1/api/v2"


def proxy_of_no_kind(it: SetUp) -> None:
    it.environ["NEON_API_HOST"] = "https://127.0.0.1:1/api/v2"
    it.process["HTTPS_PROXY"] = "ftp://someone:a-password@proxy.example"


def certificates_that_are_not_there(it: SetUp) -> None:
    it.process["SSL_CERT_FILE"] = "/nowhere/a-password.pem"


def variable_that_files_may_not_name(it: SetUp) -> None:
    it.shell.write("tiers.yaml", TIERS.replace("${FREE_ORG_API_KEY}", "${DATABASE_PASSWORD}"))


def unset_registry(it: SetUp) -> None:
    it.shell.write("tiers.yaml", f"{TIERS}registry: {{url: '${{REGISTRY_URL}}'}}\n")
    it.commit()
    git(it.folder, "commit", "--quiet", "--allow-empty", "--message", "Nothing")


def registry_that_does_not_answer(it: SetUp) -> None:
    unset_registry(it)
    it.environ["REGISTRY_URL"] = "postgresql://me:a-password@127.0.0.1:1/platform"


def registry_of_a_newer_program(it: SetUp) -> None:
    unset_registry(it)
    it.environ["REGISTRY_URL"] = f"sqlite:///{it.folder.parent}/registry.db"
    with sqlite3.connect(it.folder.parent / "registry.db") as database:
        database.execute("CREATE TABLE neon_reconciler_tenants (fleet, tenant)")
        database.execute("CREATE TABLE neon_reconciler_version (version_num)")
        database.execute("INSERT INTO neon_reconciler_version VALUES ('9999')")
    database.close()


BROKEN: Final[tuple[tuple[Callable[[SetUp], None], int, str], ...]] = (
    (no_price_list, 1, "there is no tiers.yaml in this folder"),
    (broken_price_list, 1, "tiers.yaml:1:10: version '2' is not known to this release"),
    (broken_tenant, 1, "tenants/acme.yaml:2:7: tier 'fre' does not exist"),
    (pointer_of_a_filter, 1, "tiers.yaml:1:1: is a pointer of Git LFS, not the file"),
    (sparse_checkout, 1, "git has left tenants/bluebird.yaml out of this checkout"),
    (repository_of_another_form, 1, "stores its refs as a reftable, which reconciler cannot read"),
    (base_that_is_not_there, 1, "does not contain commit, branch or tag 'applied'"),
    (no_key, 4, "$PAID_ORG_API_KEY is not set: the API key of organization paid"),
    (unknown_key, 4, "$FREE_ORG_API_KEY is a key that Neon does not know"),
    (keys_swapped, 4, "$FREE_ORG_API_KEY is the key of organization paid"),
    (ids_swapped, 4, "$FREE_ORG_API_KEY is the key of organization paid"),
    (everything_swapped, 4, "paid contains 6 projects of tenants that belong to free: are ids or keys swapped?"),
    (one_id_for_both, 4, "organizations free and paid have the same id"),
    (id_of_no_organization, 4, "$FREE_ORG_API_KEY does not open organization free (org-misty-field-00000000)"),
    (key_in_place_of_an_id, 4, "the value of $NEON_FREE_ORG_ID is not an organization id"),
    (key_with_spaces, 4, "the value of $FREE_ORG_API_KEY is not an API key"),
    (
        key_of_an_organization_in_place_of_a_person,
        4,
        "$PERSONAL_API_KEY is the key of organization free, not of a",
    ),
    (nobody_at_the_host, 1, "127.0.0.1 cannot be reached: Connection refused"),
    (proxy_of_no_kind, 1, "$HTTPS_PROXY cannot be used: the address of a proxy must begin with http://"),
    (certificates_that_are_not_there, 1, "$SSL_CERT_FILE cannot be used: No such file or directory"),
    (variable_that_files_may_not_name, 1, "${DATABASE_PASSWORD} is not permitted as an API key"),
    (unset_registry, 4, "$REGISTRY_URL is not set"),
    (registry_that_does_not_answer, 1, "the registry cannot be used"),
    (registry_of_a_newer_program, 1, "the tables are of version 9999; this program knows"),
)


@pytest.mark.drawn(6)
@pytest.mark.parametrize(("broken", "code", "cause"), BROKEN, ids=lambda one: getattr(one, "__name__", ""))
def test_the_first_line_that_fails_names_the_cause(
    broken: Callable[[SetUp], None], code: int, cause: str, set_up: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "all_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    broken(set_up)
    for name, value in set_up.process.items():
        monkeypatch.setenv(name, value)
    base = ("--base", base) if (base := set_up.environ.pop("BASE", "")) else ()
    ended = set_up.examined("--format", "json", *base)
    assert cause in lines(ended, "fail")[0]
    assert ended.code == code
    assert "a-password" not in ended.out + ended.err
    failed = [check for check in ended.document["checks"] if check["verdict"] == "fail"]
    assert failed[0]["remedy"] is not None
    shown = set_up.examined(*base)
    assert shown.code == code
    assert "  fail  " in shown.out


def test_warnings_say_what_a_run_cannot_do(set_up: SetUp, tmp_path: Path) -> None:
    del set_up.environ["PERSONAL_API_KEY"]
    set_up.environ["PAID_ORG_API_KEY"] = set_up.neon.personal_key
    set_up.shell.clock = lambda: set_up.neon.clock.now() - 8 * 86_400
    set_up.shell.write(".gitattributes", "tenants/* filter=secret\n")
    set_up.shell.write("tenants/new.yaml", "{tenant: new, tier: free}")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{set_up.folder}", "shallow")
    warned = lines(set_up.examined("--format", "json"), "warn")
    for told in (
        "$PERSONAL_API_KEY is not set: no project can be transferred between organizations",
        "$PAID_ORG_API_KEY is the key of a person, not of organization paid",
        "this machine's clock is 8 days behind Neon's",
        "git filters tenants/acme.yaml",
        "no commit holds what the files say of tenant new",
    ):
        assert any(told in line for line in warned), told
    set_up.shell.folder = tmp_path / "shallow"
    warned = lines(set_up.examined("--format", "json"), "warn")
    assert "the clone is shallow: older commits are not here" in warned


def test_other_errors_about_keys_and_git_point_to_it(set_up: SetUp) -> None:
    pointer = "`reconciler doctor` examines keys, organizations, network and git"
    unknown_key(set_up)
    assert pointer in set_up.shell.run("plan").err
    assert pointer in set_up.shell.run("plan", "--base", "applied").err
    assert pointer not in set_up.shell.run("plan", "--tier", "none").err
    assert json.loads(set_up.shell.run("plan", "--log-format", "json").err.splitlines()[-1])["message"] == pointer


def test_init_ends_with_it_where_the_keys_are_there(set_up: SetUp) -> None:
    (set_up.folder / "tiers.yaml").unlink()
    ended = set_up.shell.run("init", "--fleet", "prod")
    assert ended.code == 0, ended.err
    assert "Nothing fails; " in ended.out.splitlines()[-1]
    assert "$FREE_ORG_API_KEY opens organization free" in ended.out
    assert "reconciler doctor" not in ended.out.partition("\nVersions\n")[0]
    unknown_key(set_up)
    assert set_up.shell.run("init").code == 4


def test_a_registry_that_answers(set_up: SetUp) -> None:
    unset_registry(set_up)
    shell = set_up.shell
    before = " ".join(shell.run("doctor", "--simulator", "sim.db").out.split())
    assert "the registry answers; it has no tables yet: the first apply creates them" in before
    shell.clock = PassingTime(86_400.0)  # no run takes over the claims of another one
    assert shell.simulated("apply", "--yes", "--base", "none", "--journal", "journal.jsonl").code == 0
    after = shell.run("doctor", "--simulator", "sim.db")
    assert "the registry answers, with 2 rows of this fleet" in after.out
    with sqlite3.connect(set_up.folder / "sim.registry.db") as database:
        database.execute("UPDATE neon_reconciler_leases SET held_by = 'another', part = '1/2' WHERE part = 'all'")
        database.execute("UPDATE neon_reconciler_version SET version_num = '0004'")
    database.close()
    older = shell.run("doctor", "--simulator", "sim.db")
    assert (older.code, "the tables are of version 0004: the next apply upgrades them" in older.out) == (0, True)
    with sqlite3.connect(set_up.folder / "sim.registry.db") as database:
        database.execute("UPDATE neon_reconciler_version SET version_num = '0006'")
    database.close()
    leased = shell.run("doctor", "--simulator", "sim.db")
    assert (leased.code, "run another holds a lease on part 1/2, renewed at " in leased.out) == (0, True)
