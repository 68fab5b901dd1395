"""Every branch of an account with PostgreSQL is a real database, and its rows follow what the API does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from reconciler.neon.http import httpx
from reconciler.simulator import GUIDE_ORGANIZATIONS, Simulator, serving
from reconciler.simulator.clock import timestamp
from reconciler.simulator.postgres import timelines
from reconciler.simulator.postgres.moments import machine_time
from tests.harness.local_http import LOCAL
from tests.rows import Account, Tenant, account, connect, driver, execute, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.drawn(3)]

TABLE = "CREATE TABLE notes (id serial PRIMARY KEY, text text)"
ADD = "INSERT INTO notes (text) VALUES ('first')"
TEXTS = "SELECT text FROM notes ORDER BY id"


@pytest.fixture(scope="module")
def neon() -> Iterator[Account]:
    with account() as opened:
        yield opened


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter: run by root, the server belongs to a user of its own."""
    with TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def tenant(neon: Account) -> Tenant:
    """A project whose default branch has a row."""
    made = neon.sign_up()
    execute(made.uri, TABLE, ADD)
    return made


def branch(neon: Account, tenant: Tenant, **stated: str) -> tuple[str, str]:
    """A new branch with a compute: its id, and its connection string."""
    body = {"branch": stated, "endpoints": [{"type": "read_write"}]}
    made = neon.call("POST", f"/projects/{tenant.id}/branches", body)
    return made["branch"]["id"], made["connection_uris"][0]["connection_uri"]


def snapshot(neon: Account, tenant: Tenant, name: str = "before") -> str:
    made = neon.call("POST", f"/projects/{tenant.id}/branches/{tenant.branch_id}/snapshot?name={name}")
    taken: str = made["snapshot"]["id"]
    return taken


def compute(neon: Account, tenant: Tenant, branch_id: str | None = None) -> dict[str, str]:
    path = f"/projects/{tenant.id}/branches/{branch_id or tenant.branch_id}/endpoints"
    found: dict[str, str] = neon.call("GET", path)["endpoints"][0]
    return found


@pytest.mark.parametrize("pooled", [False, True])
def test_a_connection_string_connects(neon: Account, tenant: Tenant, pooled: bool) -> None:
    uri = neon.uri(tenant.id, tenant.branch_id, pooled=pooled)
    assert rows(uri, TEXTS) == ["first"]
    assert rows(uri, "SELECT current_user::text") == ["neondb_owner"]
    assert rows(uri, "SELECT current_database()::text") == ["neondb"]
    assert "127.0.0.1" in uri
    assert ("-pooler" in uri) == pooled


def test_only_the_password_of_the_role_opens_a_database(neon: Account, tenant: Tenant) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(tenant.uri.replace("npg_sim", "npg_sin"))


def test_another_password_takes_the_place_of_the_first(neon: Account, tenant: Tenant) -> None:
    path = f"/projects/{tenant.id}/branches/{tenant.branch_id}/roles/neondb_owner/reset_password"
    neon.call("POST", path)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(tenant.uri)
    assert rows(neon.uri(tenant.id, tenant.branch_id), TEXTS) == ["first"]


def test_roles_and_databases_of_the_api_exist_until_they_are_deleted(neon: Account, tenant: Tenant) -> None:
    path = f"/projects/{tenant.id}/branches/{tenant.branch_id}"
    neon.call("POST", f"{path}/roles", {"role": {"name": "app"}})
    neon.call("POST", f"{path}/databases", {"database": {"name": 'sho"p', "owner_name": "app"}})
    uri = neon.uri(tenant.id, tenant.branch_id, role_name="app", database_name='sho"p')
    execute(uri, "CREATE TABLE orders ()")
    assert rows(uri, "SELECT rolname::text FROM pg_roles WHERE pg_has_role('app', oid, 'MEMBER') ORDER BY 1")[
        :2
    ] == [
        "app",
        "neon_superuser",
    ]
    neon.call("PATCH", f"{path}/databases/sho%22p", {"database": {"name": "shop", "owner_name": "neondb_owner"}})
    renamed = neon.uri(tenant.id, tenant.branch_id, database_name="shop")
    assert rows(renamed, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'orders'") == ["app"]
    neon.call("DELETE", f"{path}/roles/app")
    assert rows(renamed, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'orders'") == ["neondb_owner"]
    neon.call("DELETE", f"{path}/databases/shop")
    query = "SELECT datname::text FROM pg_database WHERE datname IN ('shop', 'neondb')"
    assert rows(tenant.uri, query) == ["neondb"]
    assert rows(tenant.uri, "SELECT count(*) FROM pg_roles WHERE rolname = 'app'") == [0]


def test_a_role_that_nobody_has_connected_as_is_made_with_the_database(neon: Account) -> None:
    tenant = neon.sign_up(branch={"name": "trunk", "role_name": "owner", "database_name": "app"})
    neon.call("POST", f"/projects/{tenant.id}/branches/{tenant.branch_id}/roles", {"role": {"name": "late"}})
    uri = neon.uri(tenant.id, tenant.branch_id, role_name="late", database_name="app")
    assert rows(uri, "SELECT current_user::text") == ["late"]


def test_a_branch_is_a_copy_that_goes_its_own_way(neon: Account, tenant: Tenant) -> None:
    _, copied = branch(neon, tenant, name="copy")
    execute(tenant.uri, "UPDATE notes SET text = 'changed'")
    assert rows(copied, TEXTS) == ["first"]
    execute(copied, "INSERT INTO notes (text) VALUES ('of the copy')")
    assert rows(copied, TEXTS) == ["first", "of the copy"]
    assert rows(tenant.uri, TEXTS) == ["changed"]


def test_a_branch_of_a_moment_holds_the_rows_of_that_moment(neon: Account, tenant: Tenant) -> None:
    neon.simulator.clock.advance(60)
    moment = timestamp(neon.simulator.clock.now() - 30)
    execute(tenant.uri, "DELETE FROM notes")
    _, early = branch(neon, tenant, name="early", parent_timestamp=moment)
    assert rows(early, TEXTS) == ["first"]
    assert rows(tenant.uri, TEXTS) == []


def test_a_moment_is_exact_to_the_transaction_on_the_clock_of_the_machine() -> None:
    driver()
    with Simulator.open(organizations=GUIDE_ORGANIZATIONS, postgres=True) as simulator, serving(simulator) as url:
        neon = Account(simulator, httpx.Client(base_url=url, headers=key_of(simulator), **LOCAL, timeout=120))
        tenant = neon.sign_up()
        ahead = min(simulator.clock.now() - moment for moment in (machine_time() for _ in range(100)))
        with connect(tenant.uri) as working:
            working.execute("CREATE TABLE moments (begun float8)")
            moment = int(simulator.clock.now()) + 2
            ended = [commit(working)]
            while ended[-1] <= moment - ahead:
                ended.append(commit(working))
            ended.append(commit(working))
        _, past = branch(neon, tenant, name="past", parent_timestamp=timestamp(moment))
        begun = rows(past, "SELECT begun FROM moments ORDER BY 1")
        assert begun[-1] <= moment - ahead <= ended[len(begun)]
        neon.http.close()


def commit(working: Any) -> float:
    """Commits a row, and returns when that was done."""
    working.execute("INSERT INTO moments SELECT extract(epoch FROM clock_timestamp())")
    return machine_time()


def key_of(simulator: Simulator) -> dict[str, str]:
    return {"Authorization": f"Bearer {simulator.personal_key}"}


def test_a_branch_of_the_schema_has_tables_and_no_rows(neon: Account, tenant: Tenant) -> None:
    execute(tenant.uri, "CREATE MATERIALIZED VIEW words AS SELECT text FROM notes")
    branch_id, empty = branch(neon, tenant, name="empty", init_source="schema-only")
    neon.simulator.clock.advance(60)
    moment = timestamp(neon.simulator.clock.now() - 30)
    assert rows(empty, TEXTS) == []
    execute(empty, ADD)
    assert rows(empty, "SELECT id FROM notes") == [1]
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="has not been populated"):
        rows(empty, "SELECT * FROM words")
    body = {"branch": {"parent_id": branch_id, "parent_timestamp": moment}}
    copied = neon.call("POST", f"/projects/{tenant.id}/branches", {**body, "endpoints": [{"type": "read_write"}]})
    uri = copied["connection_uris"][0]["connection_uri"]
    assert rows(uri, TEXTS) == [], "a moment before anybody looked at the branch holds no rows of its parent"


def test_a_restored_snapshot_brings_its_rows_back_to_the_same_connection_string(
    neon: Account, tenant: Tenant
) -> None:
    taken = snapshot(neon, tenant)
    with connect(tenant.uri) as working:
        working.execute("DROP TABLE notes")
        restored = neon.call(
            "POST", f"/projects/{tenant.id}/snapshots/{taken}/restore", {"finalize_restore": True}
        )
        with pytest.raises(psycopg.OperationalError):
            working.execute("SELECT 1")
    assert rows(tenant.uri, TEXTS) == ["first"]
    assert compute(neon, tenant, restored["branch"]["id"])["id"] in tenant.uri


def test_what_is_made_now_holds_all_rows_although_simulated_time_has_stood_still(
    neon: Account, tenant: Tenant
) -> None:
    neon.simulator.clock.advance(60)
    path = f"/projects/{tenant.id}/branches"
    execute(tenant.uri, ADD)
    taken = neon.http.post(f"{path}/{tenant.branch_id}/snapshot").json()["snapshot"]["id"]
    execute(tenant.uri, "DROP TABLE notes")
    neon.call("POST", f"/projects/{tenant.id}/snapshots/{taken}/restore", {"finalize_restore": True})
    execute(tenant.uri, ADD)
    neon.simulator.clock.advance(60)
    made = neon.http.post(path, json={"endpoints": [{"type": "read_write"}]}).json()
    assert rows(made["connection_uris"][0]["connection_uri"], TEXTS) == ["first", "first", "first"]


def test_a_preview_of_a_snapshot_stands_beside_the_branch_until_it_takes_its_place(
    neon: Account, tenant: Tenant
) -> None:
    taken = snapshot(neon, tenant)
    execute(tenant.uri, "DELETE FROM notes")
    made = neon.call("POST", f"/projects/{tenant.id}/snapshots/{taken}/restore", {"finalize_restore": False})
    preview = neon.uri(tenant.id, made["branch"]["id"])
    assert rows(preview, TEXTS) == ["first"]
    assert rows(tenant.uri, TEXTS) == []
    execute(preview, "UPDATE notes SET text = 'looked at'")
    neon.call("POST", f"/projects/{tenant.id}/branches/{made['branch']['id']}/finalize_restore")
    assert rows(tenant.uri, TEXTS) == ["looked at"]


def test_an_undo_can_be_undone(neon: Account, tenant: Tenant) -> None:
    neon.simulator.clock.advance(60)
    moment = timestamp(neon.simulator.clock.now() - 30)
    execute(tenant.uri, "DELETE FROM notes")
    path = f"/projects/{tenant.id}/branches/{tenant.branch_id}/restore"
    back = {"source_branch_id": tenant.branch_id, "source_timestamp": moment, "preserve_under_name": "kept"}
    neon.call("POST", path, back)
    assert rows(tenant.uri, TEXTS) == ["first"]
    listed = neon.call("GET", f"/projects/{tenant.id}/branches?search=kept")["branches"]
    neon.call("POST", path, {"source_branch_id": listed[0]["id"]})
    assert rows(tenant.uri, TEXTS) == []


def test_a_child_is_reset_to_what_its_parent_holds_now(neon: Account, tenant: Tenant) -> None:
    branch_id, child = branch(neon, tenant, name="preview")
    execute(child, "DROP TABLE notes")
    execute(tenant.uri, "UPDATE notes SET text = 'second'")
    neon.call(
        "POST", f"/projects/{tenant.id}/branches/{branch_id}/restore", {"source_branch_id": tenant.branch_id}
    )
    assert rows(child, TEXTS) == ["second"]


def test_a_transfer_keeps_rows_and_connections(neon: Account, tenant: Tenant) -> None:
    ids = neon.simulator.organization_ids
    with connect(tenant.uri) as working:
        body = {"destination_org_id": ids["paid"], "project_ids": [tenant.id]}
        neon.call("POST", f"/organizations/{ids['free']}/projects/transfer", body)
        working.execute(ADD)
    assert rows(tenant.uri, TEXTS) == ["first", "first"]


def test_a_reached_quota_closes_the_database_until_it_is_raised(neon: Account, tenant: Tenant) -> None:
    path = f"/projects/{tenant.id}"
    with connect(tenant.uri) as working:
        neon.call("PATCH", path, {"project": {"settings": {"quota": {"active_time_seconds": 1}}}})
        with pytest.raises(psycopg.OperationalError):
            working.execute("SELECT 1")
    with pytest.raises(
        driver().OperationalError, match="the active_time_seconds quota of the project is exceeded"
    ):
        connect(tenant.uri)
    neon.call("PATCH", path, {"project": {"settings": {"quota": {"active_time_seconds": 0}}}})
    assert rows(tenant.uri, TEXTS) == ["first"]


def test_a_deleted_project_is_closed_and_a_recovered_one_has_its_rows(neon: Account, tenant: Tenant) -> None:
    with connect(tenant.uri) as working:
        neon.call("DELETE", f"/projects/{tenant.id}")
        with pytest.raises(psycopg.OperationalError):
            working.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="the requested endpoint could not be found"):
        connect(tenant.uri)
    neon.call("POST", f"/projects/{tenant.id}/recover")
    assert rows(tenant.uri, TEXTS) == ["first"]


def test_a_deleted_branch_is_closed(neon: Account, tenant: Tenant) -> None:
    branch_id, copied = branch(neon, tenant, name="copy")
    assert rows(copied, TEXTS) == ["first"]
    neon.call("DELETE", f"/projects/{tenant.id}/branches/{branch_id}")
    with pytest.raises(psycopg.OperationalError, match="the requested endpoint could not be found"):
        connect(copied)


def test_one_server_makes_room_for_another_unless_somebody_is_connected(
    neon: Account, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timelines, "MOST_RUNNING", 1)
    with connect(tenant.uri) as working:
        _, first = branch(neon, tenant, name="first")
        _, second = branch(neon, tenant, name="second")
        assert [rows(uri, TEXTS) for uri in (first, second, first)] == [["first"]] * 3
        (sockets,) = rows(tenant.uri, "SELECT setting FROM pg_settings WHERE name = 'unix_socket_directories'")
        assert len(list(Path(sockets).glob("*.lock"))) == 2
        working.execute(ADD)
    assert rows(tenant.uri, TEXTS) == ["first", "first"]


def test_a_suspended_compute_ends_its_connections_and_wakes_for_the_next_one(
    neon: Account, tenant: Tenant
) -> None:
    endpoint = compute(neon, tenant)
    with connect(tenant.uri) as working:
        neon.call("POST", f"/projects/{tenant.id}/endpoints/{endpoint['id']}/suspend")
        with pytest.raises(psycopg.OperationalError):
            working.execute("SELECT 1")
    assert compute(neon, tenant)["current_state"] == "idle"
    assert rows(tenant.uri, TEXTS) == ["first"]
    assert compute(neon, tenant)["current_state"] == "active"


def test_an_idle_compute_ends_its_connections(neon: Account, tenant: Tenant) -> None:
    with connect(tenant.uri) as working:
        neon.simulator.clock.advance(301)
        with pytest.raises(psycopg.OperationalError):
            working.execute("SELECT 1")


def test_a_disabled_compute_is_not_connected_to(neon: Account, tenant: Tenant) -> None:
    path = f"/projects/{tenant.id}/endpoints/{compute(neon, tenant)['id']}"
    neon.call("PATCH", path, {"endpoint": {"disabled": True}})
    with pytest.raises(psycopg.OperationalError, match="the endpoint is disabled"):
        connect(tenant.uri)


def test_a_read_only_compute_takes_no_writes(neon: Account, tenant: Tenant) -> None:
    body = {"endpoint": {"branch_id": tenant.branch_id, "type": "read_only"}}
    endpoint = neon.call("POST", f"/projects/{tenant.id}/endpoints", body)["endpoint"]
    uri = neon.uri(tenant.id, tenant.branch_id, endpoint_id=endpoint["id"])
    assert rows(uri, TEXTS) == ["first"]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        execute(uri, ADD)


def test_a_statement_can_be_cancelled(neon: Account, tenant: Tenant) -> None:
    with connect(tenant.uri) as working, connect(tenant.uri) as watching:
        cancelling = Thread(target=cancel_once_it_sleeps, args=(working, watching))
        cancelling.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            working.execute("SELECT pg_sleep(600)")
        cancelling.join()


def cancel_once_it_sleeps(working: Any, watching: Any) -> None:
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    while watching.execute(asleep).fetchone() == (0,):
        sleep(0.01)
    working.cancel_safe()


@pytest.mark.parametrize("options", ["", "?options=endpoint%3Dep-none-none-00000000", "?options=-c%20jit%3Doff"])
def test_a_connection_names_its_compute(tenant: Tenant, options: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="the requested endpoint could not be found"):
        connect(tenant.uri.partition("?")[0] + options)


def test_nobody_connects_as_the_administrator(tenant: Tenant) -> None:
    with pytest.raises(psycopg.OperationalError, match="is not permitted to log in"):
        connect(tenant.uri.replace("neondb_owner", "cloud_admin"))


def test_only_this_machine_reaches_the_port(tenant: Tenant) -> None:
    """Every address of 127.0.0.0/8 is this machine's, and one that listens on all of them would answer here."""
    with pytest.raises(psycopg.OperationalError, match=r"refused|unreachable|assign"):
        connect(tenant.uri.replace("127.0.0.1", "127.0.0.2"))


def test_nobody_else_reaches_the_sockets(tenant: Tenant) -> None:
    (folder,) = rows(tenant.uri, "SELECT setting FROM pg_settings WHERE name = 'unix_socket_directories'")
    assert Path(folder).stat().st_mode & 0o077 == 0


def test_the_server_listens_on_no_address(tenant: Tenant) -> None:
    assert rows(tenant.uri, "SELECT current_setting('listen_addresses')") == [""]


def test_an_account_that_is_reset_has_no_databases(neon: Account, tenant: Tenant) -> None:
    with account() as other:
        made = other.sign_up()
        execute(made.uri, TABLE)
        other.simulator.reset()
        with pytest.raises(psycopg.OperationalError, match="the requested endpoint could not be found"):
            connect(made.uri)
        assert rows(tenant.uri, TEXTS) == ["first"]


def test_rows_outlive_the_process(folder: Path) -> None:
    file = folder / "sim.db"
    with account(file) as first:
        tenant = first.sign_up()
        execute(tenant.uri, TABLE, ADD)
        taken = snapshot(first, tenant)
        execute(tenant.uri, "DROP TABLE notes")
    with account(file) as second:
        second.call("POST", f"/projects/{tenant.id}/snapshots/{taken}/restore", {"finalize_restore": True})
        assert rows(tenant.uri, TEXTS) == ["first"], "the connection string has stayed as it was"


def test_a_second_process_on_the_file_works_on_the_same_rows(folder: Path) -> None:
    file = folder / "sim.db"
    with account(file) as first, account(file) as second:
        tenant = second.sign_up()
        execute(tenant.uri, TABLE, ADD)
        taken = snapshot(second, tenant)
        execute(tenant.uri, "DROP TABLE notes")
        second.call("POST", f"/projects/{tenant.id}/snapshots/{taken}/restore", {"finalize_restore": True})
        assert rows(first.uri(tenant.id, second_default(second, tenant)), TEXTS) == ["first"]


def second_default(neon: Account, tenant: Tenant) -> str:
    listed = neon.call("GET", f"/projects/{tenant.id}/branches")["branches"]
    found: str = next(each["id"] for each in listed if each["default"])
    return found


KILLED = """
import os, sys
from tests.rows import account, execute
with account(sys.argv[1]) as opened:
    execute(opened.sign_up().uri, "CREATE TABLE notes ()")
    os.kill(os.getpid(), 9)
"""


def test_servers_end_with_a_process_that_is_killed(folder: Path) -> None:
    driver()
    run = subprocess.run([sys.executable, "-c", KILLED, str(folder / "sim.db")], check=False)
    assert run.returncode == -SIGKILL
    (server,) = folder.glob("sim.db.postgres/timelines/*/live")
    while (server / "postmaster.pid").exists():
        sleep(0.01)


def test_what_is_gone_for_good_leaves_nothing_on_disk(folder: Path) -> None:
    driver()
    with account(folder / "sim.db") as neon:
        gone, left = neon.sign_up(), neon.sign_up()
        execute(gone.uri, TABLE)
        neon.call("DELETE", f"/projects/{gone.id}")
        neon.simulator.clock.advance(8 * 86_400)
        execute(left.uri, TABLE)
        assert [each.name for each in (folder / "sim.db.postgres" / "timelines").iterdir()] == ["2"]
