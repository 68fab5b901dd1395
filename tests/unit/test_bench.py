"""The formulas of the benchmark, and what fails its check: calls alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.command import ID, Result
from bench.costs import Cost, calls_table, cost_table, wasteful
from bench.formulas import QUANTITIES, calls, quantities
from bench.rows import ROWS, Row


def a_cost(made: int, tenants: int = 500, cpu_seconds: float = 1.0) -> Cost:
    result = Result(code=0, calls={"GET /projects": made}, simulated_seconds=1.0)
    row = next(row for row in ROWS if row.what == "plan, in sync")
    return Cost(row, tenants, result, cpu_seconds, empty_cpu_seconds=0.05, peak_mib=100)


def test_a_formula_reads_as_it_is_computed() -> None:
    formula = calls(pages=1, declaring=2) + calls(pages=1, name_searches=1)
    assert str(formula) == "2 pages + 2 declaring + name searches"
    assert formula.value({"pages": 3, "declaring": 5, "name_searches": 10}) == 26


def test_no_call_is_written_as_nought() -> None:
    assert (str(calls()), calls().value({})) == ("0", 0)


def test_each_quantity_has_a_value_and_a_meaning() -> None:
    assert list(quantities(500)) == list(QUANTITIES)


def test_each_organization_has_pages_of_its_own() -> None:
    assert [quantities(tenants)["pages"] for tenants in (400, 500, 30_000)] == [2, 3, 76]


def test_late_turns_share_pages_of_the_list() -> None:
    assert quantities(500)["late"] == 12
    assert quantities(30_000)["late"] == 446


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_nothing_is_expected_to_make_fewer_calls_than_the_least(row: Row) -> None:
    sizes = map(quantities, (250, 500, 30_000))
    assert all(row.least.value(of) <= row.today.value(of) for of in sizes)


def test_as_many_calls_as_expected_are_no_waste() -> None:
    assert wasteful([a_cost(15)]) == []


def test_one_call_more_is_told_with_its_kind_and_the_formula() -> None:
    assert wasteful([a_cost(16)]) == [
        "plan, in sync: 16 calls, at most 15 expected (pages + 2 declaring + ends); by kind: 16 GET /projects"
    ]


def test_time_and_memory_are_no_waste_however_much() -> None:
    assert wasteful([replace(a_cost(15), cpu_seconds=1e6, peak_mib=1e6)]) == []


def test_growth_follows_from_two_sizes() -> None:
    smaller, larger = a_cost(15, 500, 1.0), a_cost(15, 5_000, 100.0)
    table = cost_table([larger], "costs", [smaller])
    assert [list(column.cells) for column in table.columns][-1] == ["2.00"]


def test_the_distance_to_the_least_is_shown() -> None:
    table = calls_table([a_cost(15)], "calls")
    assert [list(column.cells) for column in table.columns][-1] == ["2"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/projects/quiet-lake-12345678/branches", "/projects/{id}/branches"),
        ("/organizations/org-sim-free/projects/transfer", "/organizations/org-sim-free/projects/transfer"),
        ("/projects", "/projects"),
    ],
)
def test_ids_are_no_kind_of_call(path: str, kind: str) -> None:
    assert ID.sub("{id}", path) == kind
