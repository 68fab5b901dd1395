"""The report of an apply as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.model.values import replace
from reconciler.plan.outcome import GONE, Result
from reconciler.views import plain_text
from reconciler.views.console import as_text
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from reconciler.plan.outcome import Report

WHOLE_REPORT = """\
Applied (3)

  +  created     acme (calm-sea-00000001)
  ~  changed     birch
  -  deleted     ember (recoverable until 2026-11-30 12:00 UTC by recover:
                 calm-sea-9)

Unchanged (1)

  .  cedar
     nothing is left to do since the plan was made

Skipped (1)

  .  late
     the run stopped before its turn

  next step: run the same command again: it continues with the rest

Failed (2)

  !  northwind and southwind
     Neon answered 423: the project has running operations
     hint: run apply again
     request id: req-northwind
     failed at: patch project
     applied before: transfer from free to paid
     not attempted: patch compute of branch main

Stopped: 12 of the last 20 tenants failed
Applied: 3 of 7 tenants; 1 unchanged, 1 skipped, 2 failed.
31 calls in 12 s; run 7f3a91.
Journal: journal/7f3a91.jsonl
"""


def shown(report: Report, *, journal: str | None = None, full: bool = False) -> str:
    return as_text(plain_text.report(report, journal=journal, full=full), 80)


def test_a_report_with_one_of_everything_reads_like_this() -> None:
    assert shown(build.rich_report(), journal="journal/7f3a91.jsonl") == WHOLE_REPORT


def test_a_request_id_that_the_message_has_is_not_repeated() -> None:
    message = "could not change project p-acme: no (request req-acme)"
    failed = build.failed(build.price_change("acme"), after=0, message=message)
    assert shown(build.report(failed)).count("req-acme") == 1


def test_what_a_skipped_tenant_did_may_come_after_what_it_left_out() -> None:
    failed = build.failed(build.upgrade("acme"), after=1, message="no")
    actions = tuple(
        replace(one, result=Result.SKIPPED) if one.result is Result.FAILED else one for one in failed.actions
    )
    text = shown(build.report(replace(failed, result=Result.SKIPPED, actions=actions)))
    assert "     applied: " in text
    assert "applied before" not in text


def test_when_all_went_well_nothing_else_is_counted() -> None:
    text = shown(build.report(build.applied(build.upgrade("northwind"))))
    assert text == (
        "Applied (1)\n\n  -> upgraded    northwind\n\nApplied: 1 tenant.\n31 calls in 12 s; run 7f3a91.\n"
    )


def test_a_project_that_was_gone_before_is_not_called_deleted() -> None:
    ember, moss = (build.tenant(name, build.delete(name, "p1")) for name in ("ember", "moss"))
    gone = build.applied(ember)
    gone = replace(gone, actions=tuple(replace(action, message=GONE) for action in gone.actions))
    done = (gone, build.applied(moss, until=datetime(2026, 11, 30, tzinfo=UTC)))
    text = shown(build.report(*done))
    assert "Applied with warnings" not in text
    assert text.startswith("""\
Applied (2)

  -  deleted     moss (recoverable until 2026-11-30 00:00 UTC by recover:
                 calm-sea-9)
  -  gone        ember
""")


def test_an_empty_run_says_so() -> None:
    assert shown(build.report()).startswith("Nothing was applied.\n")


def test_failures_for_different_reasons_stand_apart() -> None:
    text = shown(
        build.report(
            build.failed(build.upgrade("acme"), after=1, message="locked"),
            build.failed(build.upgrade("birch"), after=1, message="over quota"),
        )
    )
    assert "  !  acme\n     locked\n" in text
    assert "  !  birch\n     over quota\n" in text


def test_what_did_not_go_well_beside_an_applied_action_is_told() -> None:
    """Also where a later action of the tenant failed."""
    untold = "the registry was not updated: it does not answer"
    acme, birch, cedar = (build.upgrade(name) for name in ("acme", "birch", "cedar"))
    text = shown(
        build.report(
            build.with_message(build.applied(acme), untold),
            build.with_message(build.failed(birch, after=1, message="locked"), untold),
            build.applied(cedar),
        )
    )
    assert (
        "Applied with warnings (2)\n\n"
        "  !  acme and birch\n"
        "     the registry was not updated: it does not answer\n"
        "     action: transfer from free to paid\n\n"
        "  next step: `reconciler plan` shows what is left to do\n\n"
        "Applied: 2 of 3 tenants"
    ) in text


def test_many_tenants_are_cut_with_the_count_said() -> None:
    outcomes = [build.applied(build.price_change(f"tenant-{number:04}")) for number in range(3000)]
    assert "tenant-0019,\n                 and 2,980 more\n" in shown(build.report(*outcomes))
    assert "tenant-2999" in shown(build.report(*outcomes), full=True)
