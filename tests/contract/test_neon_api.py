"""neon-api 0.3.0, Neon's Python client on PyPI, finds in the simulator the Neon that its types describe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.simulator.seed import BranchSeed, ProjectSeed
from tests.contract.clients import COMMAND_SECONDS, ServedNeon, served
from tests.harness.judge import SESSION, Counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.client("neon-api")]


class Client:
    """The client with one key; what a call has set going has ended when the next one is made."""

    def __init__(self, neon: ServedNeon, key: str) -> None:
        from neon_api import NeonAPI  # type: ignore[import-untyped] # noqa: PLC0415 (as in refusal)

        self._neon = neon
        self._client = NeonAPI(key, base_url=f"{neon.url}/")
        self._client._session.trust_env = False  # neither a proxy nor a .netrc of this machine

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **given: Any) -> Any:
            try:
                return getattr(self._client, method)(*args, **given)
            finally:
                self._neon.simulator.clock.advance(COMMAND_SECONDS)

        return call


def refusal() -> type[Exception]:
    """What the client raises. Its import takes long: of all processes that collect these tests, one runs them."""
    from neon_api.exceptions import NeonAPIError  # type: ignore[import-untyped] # noqa: PLC0415

    found: type[Exception] = NeonAPIError
    return found


@pytest.fixture
def counts() -> Counts:
    """Counts with every other traffic; a test of what the client itself does wrong has one of its own."""
    return SESSION


@pytest.fixture
def neon(tmp_path: Path, counts: Counts) -> Iterator[ServedNeon]:
    """An account without projects."""
    with served(tmp_path, counts=counts) as opened:
        yield opened


@pytest.fixture
def paid(neon: ServedNeon) -> Client:
    """The client of an organization: it cannot name one, so that its key has to."""
    return Client(neon, neon.simulator.organization_keys["paid"])


@pytest.fixture
def person(neon: ServedNeon) -> Client:
    """The client of the user."""
    return Client(neon, neon.simulator.personal_key)


def test_who_the_key_belongs_to(person: Client) -> None:
    me = person.me()
    assert me.email == "simulator@neon.test"
    assert me.billing_account.subscription_type.value == "direct_sales"


def test_a_key_is_made_listed_and_revoked(person: Client) -> None:
    made = person.api_key_create(key_name="deploy")
    assert "deploy" in [key.name for key in person.api_keys()]
    assert person.api_key_revoke(str(made.id)).revoked
    assert "deploy" not in [key.name for key in person.api_keys()]


def test_a_project_lives_from_its_creation_to_its_deletion(paid: Client) -> None:
    made = paid.project_create(project={"name": "acme"}).project
    read = paid.project(made.id).project
    assert (read.name, read.owner.subscription_type.value) == ("acme", "direct_sales")
    assert paid.project_update(made.id, project={"name": "new"}).project.name == "new"
    assert [project.name for project in paid.projects().projects] == ["new"]
    assert paid.projects(shared=True).projects == []
    assert paid.project_delete(made.id).project.id == made.id
    assert paid.projects().projects == []


def test_projects_come_page_by_page(neon: ServedNeon, paid: Client) -> None:
    neon.simulator.add_projects("paid", [ProjectSeed(f"t{number}") for number in range(5)])
    first = [project.id for project in paid.projects(limit=3).projects]
    rest = [project.id for project in paid.projects(limit=3, cursor=first[-1]).projects]
    assert (len(first), len(rest), len({*first, *rest})) == (3, 2, 5)


def test_a_branch_is_made_renamed_and_deleted(neon: ServedNeon, paid: Client) -> None:
    project = neon.simulator.add_project("paid", ProjectSeed("acme")).project_id
    made = paid.branch_create(project, branch={"name": "dev"}, endpoints=[{"type": "read_write"}]).branch
    assert paid.branch(project, made.id).branch.name == "dev"
    assert paid.branch_update(project, made.id, branch={"name": "stage"}).branch.name == "stage"
    assert sorted(branch.name for branch in paid.branches(project).branches) == ["main", "stage"]
    assert len(paid.branches(project, limit=1).branches) == 1
    paid.branch_delete(project, made.id)
    assert [branch.name for branch in paid.branches(project).branches] == ["main"]


def test_a_compute_is_made_resized_stopped_started_and_deleted(neon: ServedNeon, paid: Client) -> None:
    seed = ProjectSeed("acme", branches=[BranchSeed("dev", with_compute=False)])
    seeded = neon.simulator.add_project("paid", seed)
    (branch,) = [each.id for each in paid.branches(seeded.project_id).branches if each.name == "dev"]
    made = paid.endpoint_create(seeded.project_id, endpoint={"branch_id": branch, "type": "read_write"}).endpoint
    about = (seeded.project_id, made.id)
    assert paid.endpoint_update(*about, endpoint={"autoscaling_limit_max_cu": 2}).endpoint.id == made.id
    paid.endpoint_suspend(*about)
    assert paid.endpoint(*about).endpoint.current_state.value == "idle"
    paid.endpoint_start(*about)
    assert paid.endpoint(*about).endpoint.current_state.value == "active"
    paid.endpoint_delete(*about)
    assert made.id not in [endpoint.id for endpoint in paid.endpoints(seeded.project_id).endpoints]


def test_a_database_is_made_renamed_and_deleted(neon: ServedNeon, paid: Client) -> None:
    seeded = neon.simulator.add_project("paid", ProjectSeed("acme"))
    about = (seeded.project_id, seeded.branch_id)
    paid.database_create(*about, database={"name": "shop", "owner_name": "neondb_owner"})
    paid.database_update(*about, "shop", database={"name": "store"})
    assert paid.database(*about, "store").database.owner_name == "neondb_owner"
    paid.database_delete(*about, "store")
    assert [database.name for database in paid.databases(*about).databases] == ["neondb"]


def test_a_role_is_made_gets_another_password_and_is_deleted(neon: ServedNeon, paid: Client) -> None:
    seeded = neon.simulator.add_project("paid", ProjectSeed("acme"))
    about = (seeded.project_id, seeded.branch_id)
    made = paid.role_create(*about, "app").role
    assert paid.role(*about, "app").role.name == "app"
    assert paid.role_password_reset(*about, "app").role.password != made.password
    paid.role_delete(*about, "app")
    assert [role.name for role in paid.roles(*about).roles] == ["neondb_owner"]


def test_operations_are_listed_and_read(paid: Client) -> None:
    project = paid.project_create(project={"name": "acme"}).project.id
    listed = paid.operations(project).operations
    assert {operation.action.value for operation in listed} == {"create_timeline", "start_compute"}
    assert len(paid.operations(project, limit=1).operations) == 1
    assert paid.operation(project, listed[0].id).operation.status.value == "finished"


def test_a_project_is_shared(neon: ServedNeon, paid: Client) -> None:
    project = neon.simulator.add_project("paid", ProjectSeed("acme")).project_id
    paid.project_permissions_grant(project, email="guest@neon.test")
    (shared,) = paid.project_permissions(project).project_permissions
    assert shared.granted_to_email == "guest@neon.test"


def test_a_refusal_is_the_error_of_the_client_with_neons_words(paid: Client) -> None:
    with pytest.raises(refusal(), match="project not found"):
        paid.project("no-such-12345678")


Own = tuple[str, "Callable[[Client, str, str], Any]", str, bool]
OWN: Final[list[Own]] = [
    ("pooled", lambda c, p, _: c.connection_uri(p, "neondb", "neondb_owner", True), "query pooled", True),
    ("no database", lambda c, p, _: c.connection_uri(p), "query database_name: is required", False),
    ("page of databases", lambda c, p, b: c.databases(p, b, limit=1), "query limit", True),
    ("unshare", lambda c, p, _: c.project_permissions_revoke(p, email="a@neon.test"), "no operation", False),
    ("default branch", lambda c, p, b: c.branch_set_as_primary(p, b), "no operation", False),
    ("password", lambda c, p, b: c.role_password_reveal(p, b, "neondb_owner"), "no operation", False),
]
"""What of the client is not in the description: a name, a call, what the judge says, and whether it works."""


@pytest.mark.parametrize("counts", [Counts()])
@pytest.mark.parametrize(("what", "call", "ruling", "works"), OWN, ids=[each[0] for each in OWN])
def test_what_the_client_itself_does_wrong_is_known(
    neon: ServedNeon, paid: Client, counts: Counts, what: str, call: Callable[..., Any], ruling: str, works: bool
) -> None:
    seeded = neon.simulator.add_project("paid", ProjectSeed("acme"))
    before = len(counts.violations)
    try:
        call(paid, seeded.project_id, seeded.branch_id)
        worked = True
    except refusal():
        worked = False
    assert worked == works
    assert any(ruling in violation for violation in counts.violations[before:])
