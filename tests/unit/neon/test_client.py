"""Each call as it goes out, and the oddities of the answers: pages, partial lists, foreign projects, secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.errors import (
    ForeignProjectError,
    IncompleteViewError,
    MissingKeyError,
    NotFoundError,
    PermissionDeniedError,
    TransferRefusedError,
    UnavailableError,
    UnknownOutcomeError,
    WrongOrganizationError,
)
from reconciler.model.compute import Compute
from reconciler.model.values import JsonText, Value, replace
from reconciler.neon.call import MOST_PAGES, Call
from reconciler.secret import Secret
from tests.harness.scripted_api import (
    ACCESS,
    FREE_ID,
    PAID_ID,
    Asked,
    Reply,
    ScriptedApi,
    branch,
    endpoint,
    operation,
    project,
    replies,
    routes,
    using,
)

if TYPE_CHECKING:
    from reconciler.neon.project_lists import Listing


def page(*projects: dict[str, Any], cursor: str | None = None, **more: Any) -> Reply:
    pagination = {} if cursor is None else {"pagination": {"cursor": cursor}}
    return Reply(body={"projects": list(projects), **pagination, **more})


def listing(*pages: Reply) -> tuple[Listing, ScriptedApi]:
    api = ScriptedApi(replies(*pages))
    return using(api, lambda neon: neon.projects("free")), api


def ids(found: Listing) -> list[str]:
    return [one.id for one in found.projects]


def test_a_listing_asks_for_full_pages_of_its_organization() -> None:
    _, api = listing(page())
    assert api.asked[0].query == {"org_id": FREE_ID, "limit": "400", "timeout": "30000"}
    assert api.asked[0].headers["authorization"] == "Bearer napi_free_secret"
    assert api.asked[0].headers["user-agent"].startswith("neon-reconciler")


def test_a_listing_goes_on_over_short_pages_until_one_is_empty() -> None:
    found, api = listing(page(project("a"), cursor="a"), page(project("b"), cursor="b"), page())
    assert ids(found) == ["a", "b"]
    assert [asked.query.get("cursor") for asked in api.asked] == [None, "a", "b"]


def test_an_empty_page_between_others_is_an_incomplete_view() -> None:
    with pytest.raises(IncompleteViewError, match="the API returned an empty page before the end of the list"):
        listing(page(project("a"), cursor="a"), page(cursor="b"), page(project("c"), cursor="c"), page())


def test_empty_pages_at_the_end_are_an_end() -> None:
    found, api = listing(
        page(project("a"), cursor="a"), page(cursor="b"), page(cursor="c"), page(project("never"))
    )
    assert ids(found) == ["a"]
    assert len(api.asked) == 3


def test_a_listing_ends_where_there_is_no_cursor() -> None:
    found, api = listing(page(project("a"), cursor="a"), page(project("b")), page(project("never")))
    assert ids(found) == ["a", "b"]
    assert len(api.asked) == 2


def test_a_listing_ends_where_the_cursor_repeats() -> None:
    found, api = listing(
        page(project("a"), cursor="x"), page(project("b"), cursor="y"), page(project("c"), cursor="x")
    )
    assert ids(found) == ["a", "b", "c"]
    assert len(api.asked) == 3


def test_a_list_that_does_not_end_is_given_up() -> None:
    """Every page has projects and a cursor of its own."""

    def one_more(asked: Asked) -> Reply:
        return page(project("a"), cursor=f"{asked.query.get('cursor', '')[-6:]}{len(api.asked)}")

    api = ScriptedApi(one_more)
    with pytest.raises(IncompleteViewError, match="did not end within") as raised:
        using(api, lambda neon: neon.projects("free"))
    assert len(api.asked) == MOST_PAGES
    assert "more than 400,000 projects cannot be listed: move tenants to another" in str(raised.value.hint)


def test_a_listing_holds_each_project_once() -> None:
    found, _ = listing(page(project("a"), project("b"), cursor="1"), page(project("b"), project("c")))
    assert ids(found) == ["a", "b", "c"]


def test_a_list_that_moves_while_it_is_read_is_read_again() -> None:
    found, api = listing(
        page(project("a"), project("b"), cursor="1"),
        page(project("b"), cursor="2"),  # c was changed, came first, and moved the others on
        page(),
        page(project("c"), project("a"), cursor="1"),
        page(project("b"), cursor="2"),
        page(),
    )
    assert sorted(ids(found)) == ["a", "b", "c"]
    assert len(api.asked) == 6


def test_a_list_that_moves_each_time_it_is_read_is_incomplete() -> None:
    def moving(asked: Asked) -> Reply:
        return page(project("a"), cursor="1") if "cursor" not in asked.query else page(project("a"))

    with pytest.raises(IncompleteViewError, match="changed each time it was read"):
        using(ScriptedApi(moving), lambda neon: neon.projects("free"))


def test_a_listing_names_what_could_not_be_read_in_time_unless_another_page_shows_it() -> None:
    found, api = listing(
        page(unavailable_project_ids=["x", "y"], cursor="1"),
        page(project("y"), unavailable_project_ids=["x"]),
    )
    assert (ids(found), found.unavailable) == (["y"], ("x",))
    assert len(api.asked) == 2


def test_a_listing_tells_how_far_it_is() -> None:
    told: list[int] = []
    api = ScriptedApi(replies(page(project("a"), cursor="a"), page(project("b"))))
    using(api, lambda neon: neon.projects("free", on_page=told.append))
    assert told == [1, 2]


def test_a_project_of_a_foreign_organization_stops_the_listing() -> None:
    for foreign in (PAID_ID, "org-of-somebody-else"):
        with pytest.raises(WrongOrganizationError, match=foreign) as caught:
            listing(page(project("a", org_id=foreign)))
        assert caught.value.hint is not None
        assert "$FREE_KEY" in caught.value.hint


def test_a_foreign_project_named_like_a_key_is_not_repeated() -> None:
    for key in ("napi_free_secret", "napi_of_somebody_else"):
        with pytest.raises(WrongOrganizationError) as caught:
            listing(page(project(key, org_id=key)))
        assert str(caught.value).endswith("its key returned project *** of organization ***")


def test_a_project_is_in_the_organization_that_it_names() -> None:
    def placed(org_id: str | None) -> str:
        api = ScriptedApi(replies(Reply(body={"project": project("a", org_id=org_id)})))
        return using(api, lambda neon: neon.project("free", "a")).organization

    assert placed(FREE_ID) == "free"
    assert placed(PAID_ID) == "paid"
    assert placed(None) == "free"
    with pytest.raises(ForeignProjectError) as caught:
        placed("org-of-somebody-else")
    assert caught.value.organization_id == "org-of-somebody-else"
    with pytest.raises(ForeignProjectError) as caught:
        placed("napi_of_somebody_else")
    assert caught.value.organization_id == "***"


def named(*pages: Reply) -> tuple[list[str], ScriptedApi]:
    api = ScriptedApi(replies(*pages))
    return [one.id for one in using(api, lambda neon: neon.named("free", "acme"))], api


def test_a_search_keeps_only_the_exact_name() -> None:
    found, api = named(page(project("1", "acme"), project("2", "acme-2"), project("3", "acme"), cursor="3"))
    assert found == ["1", "3"]
    assert api.asked[0].query["search"] == "acme"
    assert len(api.asked) == 1


def test_a_search_that_has_not_found_the_name_goes_on_to_the_end() -> None:
    found, api = named(page(project("2", "acme-2"), cursor="2"), page(project("1", "acme"), cursor="1"))
    assert found == ["1"]
    assert len(api.asked) == 2


def test_a_search_reads_alone_what_the_list_could_not_show() -> None:
    def script(asked: Asked) -> Reply:
        alone = {
            "/projects/it": Reply(body={"project": project("it", "acme")}),
            "/projects/other": Reply(body={"project": project("other", "acme-2")}),
            "/projects/gone": Reply(404, {"code": "", "message": "not found"}),
        }
        return alone.get(asked.path) or page(unavailable_project_ids=["gone", "other", "it"])

    api = ScriptedApi(script)
    assert [one.id for one in using(api, lambda neon: neon.named("free", "acme"))] == ["it"]


def test_a_search_that_cannot_read_what_the_list_could_not_show_says_so_rather_than_nothing() -> None:
    def script(asked: Asked) -> Reply:
        return Reply(500) if asked.path == "/projects/x" else page(unavailable_project_ids=["x"])

    with pytest.raises(UnavailableError):
        using(ScriptedApi(script), lambda neon: neon.named("free", "acme"))


def test_a_search_finds_a_name_in_whichever_form_neon_has_it() -> None:
    composed, in_two_signs = "caf\u00e9-acme", "cafe\u0301-acme"
    api = ScriptedApi(replies(page(project("1", in_two_signs), project("2", "cafe-acme"), project("3", composed))))
    found = using(api, lambda neon: neon.named("free", composed))
    assert [(one.id, one.name) for one in found] == [("1", composed), ("3", composed)]
    assert api.asked[0].query["search"] == "-acme"


def test_a_create_gives_back_what_was_made() -> None:
    answer = {
        "project": project("p1", "acme"),
        "branch": branch("br-1"),
        "endpoints": [endpoint("ep-2", "br-1", type="read_only"), endpoint("ep-1", "br-1")],
        "operations": [operation("11111111-1111-4111-8111-111111111111", "running")],
        "connection_uris": [{"connection_uri": "postgresql://o:pw@h/db", "connection_parameters": {}}],
        "roles": [{"name": "o", "password": "pw"}],
    }
    api = ScriptedApi(replies(Reply(201, answer)))
    values: dict[str, Value] = {
        "name": "acme",
        "region": "aws-us-east-2",
        "settings.allowed_ips": JsonText.of({"ips": ["1.2.3.4"]}),
    }
    made = using(api, lambda neon: neon.create_project("free", values, {"tenant": "acme"}, request_id="r-1"))
    assert (made.project.id, made.branch_id, made.branch_name, made.endpoint_id) == ("p1", "br-1", "main", "ep-1")
    assert [one.status for one in made.operations] == ["running"]
    assert made.connection is not None
    assert made.connection.direct == Secret("postgresql://o:pw@h/db")
    assert made.connection.pooled == Secret("postgresql://o:pw@h-pooler/db")
    assert "pw" not in repr(made)
    sent = api.asked[0]
    assert (sent.method, sent.path, sent.headers["x-request-id"]) == ("POST", "/projects", "r-1")
    assert sent.body["project"]["org_id"] == FREE_ID
    assert sent.body["project"]["branch"] == {"annotations": {"tenant": "acme"}}


def test_a_project_limit_is_told_with_what_to_do() -> None:
    full = Reply(422, {"code": "PROJECTS_LIMIT_EXCEEDED", "message": "projects limit exceeded"})
    with pytest.raises(Exception, match=r"could not create project acme in free: .*limit exceeded") as caught:
        using(ScriptedApi(replies(full)), lambda neon: neon.create_project("free", {"name": "acme"}, {}))
    assert (
        getattr(caught.value, "hint", "")
        == "a limit of the organization is reached: delete something, or ask Neon to raise the limit"
    )


def test_a_patched_project_is_given_back_as_it_is_now() -> None:
    sizes = {"autoscaling_limit_min_cu": 1, "autoscaling_limit_max_cu": 4, "suspend_timeout_seconds": 300}
    body = {"project": project("p1", default_endpoint_settings=sizes), "operations": []}
    api = ScriptedApi(replies(Reply(body=body)))
    patched = using(api, lambda neon: neon.update_project("free", "p1", {"compute.max_cu": 4.0}))
    assert patched.project.compute == Compute(1, 4, 300)
    assert api.asked[0].body == {"project": {"default_endpoint_settings": {"autoscaling_limit_max_cu": 4.0}}}


def test_a_patched_compute_is_given_back_as_it_is_now() -> None:
    body = {
        "endpoint": endpoint("ep-1", "br-1"),
        "operations": [operation("4f6b1c1e-6c4b-4a2e-9d5e-0a1b2c3d4e5f", "running")],
    }
    api = ScriptedApi(replies(Reply(body=body)))
    patched = using(api, lambda neon: neon.update_endpoint("paid", "p1", "ep-1", {"compute.max_cu": 2.0}))
    assert (patched.endpoint.id, len(patched.operations)) == ("ep-1", 1)
    assert (api.asked[0].method, api.asked[0].path) == ("PATCH", "/projects/p1/endpoints/ep-1")
    assert api.asked[0].headers["authorization"] == "Bearer napi_paid_secret"


def test_a_transfer_is_one_call_with_the_personal_key() -> None:
    api = ScriptedApi(replies(Reply(body={})))
    using(api, lambda neon: neon.transfer_projects("free", "paid", ["p1", "p2"], request_id="r-1"))
    (sent,) = api.asked
    assert (sent.method, sent.path) == ("POST", f"/organizations/{FREE_ID}/projects/transfer")
    assert sent.body == {"destination_org_id": PAID_ID, "project_ids": ["p1", "p2"]}
    assert sent.headers["authorization"] == "Bearer napi_personal_secret"


def transfer_error(*answers: Reply) -> Exception:
    with pytest.raises(Exception, match="could not transfer 2 projects from free to paid: ") as caught:
        using(ScriptedApi(replies(*answers)), lambda neon: neon.transfer_projects("free", "paid", ["p1", "p2"]))
    return caught.value


def test_a_transfer_that_integrations_block_names_the_culprits() -> None:
    body = {"projects": [{"id": "p2", "integration": "vercel"}]}
    error = transfer_error(Reply(422, body))
    assert isinstance(error, TransferRefusedError)
    assert (error.status, error.culprits) == (422, ("p2",))
    assert "p2 is connected to vercel" in str(error)


def test_a_transfer_that_limits_block_names_them() -> None:
    body = {"limits": [{"name": "projects_count", "expected": "30000", "actual": "30001"}]}
    error = transfer_error(Reply(406, body))
    assert isinstance(error, TransferRefusedError)
    assert (error.status, error.culprits) == (406, ())
    assert "projects_count is 30001, expected 30000" in str(error)


@pytest.mark.parametrize(
    "body", ["", "<html>", [], {"projects": "all"}, {"limits": [1, {"name": 2}]}, {"projects": [{}]}]
)
@pytest.mark.parametrize("status", [406, 422])
def test_a_refused_transfer_whose_body_makes_no_sense_is_refused_all_the_same(status: int, body: object) -> None:
    error = transfer_error(Reply(status, body))
    assert isinstance(error, TransferRefusedError)
    assert error.culprits == ()


def test_a_transfer_with_a_key_that_may_not_says_which_key_was_used_and_which_it_takes() -> None:
    error = transfer_error(Reply(403, {"code": "", "message": "not allowed"}))
    assert isinstance(error, PermissionDeniedError)
    assert error.hint is not None
    assert "the key in $PERSONAL_KEY was used" in error.hint
    assert "needs a personal API key of an admin of both organizations" in error.hint


def test_a_transfer_without_a_personal_key_is_not_sent() -> None:
    access = replace(ACCESS, personal=None)
    api = ScriptedApi(replies(Reply(body={})))
    with pytest.raises(MissingKeyError, match="PERSONAL_KEY"):
        using(api, lambda neon: neon.transfer_projects("free", "paid", ["p1"]), access)
    assert api.asked == []


@pytest.mark.parametrize("answer", [Reply(200, {"project": project("p1")}), Reply(204, ""), Reply(404, "")])
def test_a_project_that_is_gone_counts_as_deleted(answer: Reply) -> None:
    api = ScriptedApi(replies(answer))
    using(api, lambda neon: neon.delete_project("free", "p1"))
    assert [(asked.method, asked.path) for asked in api.asked] == [("DELETE", "/projects/p1")]


def test_a_lost_delete_has_an_unknown_outcome() -> None:
    with pytest.raises(UnknownOutcomeError):
        using(ScriptedApi(replies(httpx.ReadTimeout(""))), lambda neon: neon.delete_project("free", "p1"))


def test_a_connection_string_comes_as_a_secret() -> None:
    api = ScriptedApi(replies(Reply(body={"uri": "postgresql://o:pw@h-pooler/db"})))
    connection = using(api, lambda neon: neon.connection("free", "p1", "neondb", "owner"))
    assert connection.pooled.reveal() == "postgresql://o:pw@h-pooler/db"
    assert "pw" not in repr(connection)
    assert api.asked[0].query == {"database_name": "neondb", "role_name": "owner", "pooled": "true"}


def test_an_id_from_a_file_leads_nowhere_else() -> None:
    call = Call("GET", "/projects/{project_id}", "read", {"project_id": "../organizations/x?a=b#c"})
    assert call.path == "/projects/..%2Forganizations%2Fx%3Fa%3Db%23c"


def test_an_unknown_project_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="could not read project p1") as caught:
        using(ScriptedApi(routes({})), lambda neon: neon.project("free", "p1"))
    assert caught.value.hint == "it does not exist, or the key in $FREE_KEY has no access to it"


def test_the_endpoints_of_a_project_take_one_call() -> None:
    table: dict[str, Reply | Exception] = {
        "GET /projects/p1/endpoints": Reply(
            body={"endpoints": [endpoint("ep-1", "br-1"), endpoint("ep-2", "br-2")]}
        )
    }
    api = ScriptedApi(routes(table))
    found = using(api, lambda neon: neon.endpoints("free", "p1"))
    assert [one.id for one in found] == ["ep-1", "ep-2"]
    assert len(api.asked) == 1
