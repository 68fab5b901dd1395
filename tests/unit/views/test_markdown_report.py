"""The report of an apply as Markdown."""

from __future__ import annotations

from reconciler.views import markdown
from reconciler.views.view import ReportView
from tests.unit.views import builders as build

TEXT = markdown.render(ReportView(build.harmful_report(), "log/7f3a91.jsonl"))


def test_the_counts_and_why_it_stopped_stand_on_top() -> None:
    assert TEXT.startswith(
        "**Applied: 6 of 10 tenants; 1 unchanged, 1 skipped, 2 failed.**  \n"
        "**Stopped:** wave 2 harms 1 of 9 tenants; `reconciler rollback 7f3a91 --wave 2` undoes it\n"
    )


def test_what_needs_a_person_precedes_what_was_done() -> None:
    titles = ["Failed (2)", "Worse off since wave 2 (1)", "Skipped (1)", "Deleted projects (2)", "Applied (6)"]
    assert sorted(titles, key=TEXT.index) == titles


def test_a_failure_is_told_in_full_with_the_request_of_each_tenant() -> None:
    assert (
        "- **2 tenants:** `northwind` (request id `req-northwind`), `southwind` (request id `req-southwind`)<br>"
        "Neon answered 423: the project has running operations<br>hint: run apply again<br>"
        "failed at: patch project<br>"
    ) in TEXT


def test_a_deleted_project_has_a_row_with_its_way_back() -> None:
    assert "| `ember` | `recover: calm-sea-9` | `2026-11-30 12:00` UTC |  |\n" in TEXT
    assert "| `fir` | `recover: calm-sea-9` | `2026-12-01 09:30` UTC | `dumps/fir` |\n" in TEXT


def test_a_column_for_dumps_is_there_only_if_there_are_dumps() -> None:
    text = markdown.render(ReportView(build.rich_report(), "log/7f3a91.jsonl"))
    assert "| `ember` | `recover: calm-sea-9` | `2026-11-30 12:00` UTC |\n" in text
    assert "dumped" not in text


def test_what_was_applied_is_grouped_by_what_was_done() -> None:
    assert "| created | 1 | `acme` (`calm-sea-00000001`) |" in TEXT
    assert "| changed | 2 | `birch`, `hazel` |" in TEXT
    assert "| gone | 1 | `gorse` |" in TEXT


def test_the_run_and_its_journal_stand_at_the_end() -> None:
    assert TEXT.endswith("31 calls in 12 s; run `7f3a91`.  \nJournal: `log/7f3a91.jsonl`\n")


def test_a_long_message_is_cut() -> None:
    outcome = build.failed(build.price_change("acme"), after=0, message="word " * 2_000)
    assert "and 9,500 characters more" in markdown.render(ReportView(build.report(outcome), "run.jsonl"))
