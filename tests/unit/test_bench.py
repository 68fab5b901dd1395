"""The benchmark: formulas, what fails its check, and the page that is written from what it measured."""

from __future__ import annotations

import asyncio
import importlib
import sys
from email.utils import formatdate
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

import httpx
import msgspec
import pytest

from bench import page, processes, tables
from bench.command import ID, NOW_SECONDS
from bench.costs import at_the_rate_limit, wasteful
from bench.counted_transport import Timed
from bench.elsewhere import Elsewhere
from bench.fleet_files import DeclaredTenant, Source, declared
from bench.formulas import QUANTITIES, calls, quantities
from bench.measured import Measured, MeasuredPeer, Results, read_results, write_results
from bench.plot import plot
from bench.rows import IN_SYNC, ROWS, Row, raise_all
from bench.scene import write_files
from bench.simulator_imports import SimulatorImports
from bench.simulator_process import started
from reconciler.cli.embedded_neon import HOST
from reconciler.fleet import read
from reconciler.model.values import replace
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, LoopTime
from reconciler.simulator.types import Organization
from reconciler.simulator.virtual_time import VirtualLoop
from tests.harness.account import a_simulator

if TYPE_CHECKING:
    from pathlib import Path


def measured(made: int, tenants: int = 500, cpu: float = 50.0) -> Measured:
    row = next(row for row in ROWS if row.what == IN_SYNC)
    of = quantities(tenants)
    return Measured(
        row=row.what,
        source=Source.YAML,
        tenants=tenants,
        calls={"GET /projects": made},
        most=row.today.value(of),
        most_formula=str(row.today),
        least=row.least.value(of),
        least_formula=str(row.least),
        simulated_seconds=1.0,
        rate_limit_seconds=at_the_rate_limit(made),
        cpu=cpu,
        spread=1.1,
        simulator_cpu=5.0,
        empty_cpu_seconds=0.05,
        peak_mib=100.0,
    )


SVG = "{http://www.w3.org/2000/svg}"


def most(tenants: int) -> int:
    return measured(0, tenants).most


def a_peer(cpu: float) -> MeasuredPeer:
    return MeasuredPeer(peer="octodns-sync", version="1.22.0", tenants=500, cpu=cpu, peak_mib=50.0)


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


def test_a_few_tenants_are_found_by_list_where_so_few_are_declared_that_it_is_shorter() -> None:
    assert [quantities(tenants)["searches"] for tenants in (1000, 3000, 10_000)] == [6, 10, 20]


def test_late_turns_share_pages_of_the_list() -> None:
    assert quantities(500)["late"] == 10
    assert quantities(30_000)["late"] == 449


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_nothing_is_expected_to_make_fewer_calls_than_the_least(row: Row) -> None:
    sizes = map(quantities, (250, 500, 30_000))
    assert all(row.least.value(of) <= row.today.value(of) for of in sizes)


def test_as_many_calls_as_expected_are_no_waste() -> None:
    assert wasteful([measured(most(500))]) == []


def test_one_call_more_is_told_with_its_kind_and_the_formula() -> None:
    expected = most(500)
    (told,) = wasteful([measured(expected + 1)])
    assert told.startswith(
        f"plan, in sync, 500 tenants: {expected + 1} calls, at most {expected} expected (pages + "
    )
    assert told.endswith(f"; by kind: {expected + 1} GET /projects")


def test_time_and_memory_are_no_waste_however_much() -> None:
    assert wasteful([replace(measured(1), cpu=1e6, peak_mib=1e6)]) == []


def test_growth_follows_from_the_two_largest_sizes() -> None:
    results = Results("", {}, (measured(1, 200, 999.0), measured(1, 500, 10.0), measured(1, 5_000, 1000.0)))
    assert results.growth(IN_SYNC, Source.YAML) == pytest.approx(2.0)


def test_calls_stand_beside_the_least_where_they_differ() -> None:
    least = measured(0).least
    assert f"| {least + 2} / {least} |" in tables.calls(Results("", {}, (measured(least + 2),)))
    assert f"| {least} |" in tables.calls(Results("", {}, (measured(least),)))


def test_a_size_that_was_not_measured_has_no_number() -> None:
    other = replace(measured(1, 1_000), row="drift")
    assert "| drift | – | 100 |" in tables.memory(Results("", {}, (measured(1), other)))


def test_a_peer_is_compared_with_a_plan_of_as_many() -> None:
    text = tables.peers(Results("", {}, (measured(1, cpu=50.0),), (a_peer(100.0),)))
    assert "| octodns-sync 1.22.0 | 500 | 100 | 2.0 | – | 50 | 0.5 |" in text


def test_a_peer_that_is_not_installed_says_so() -> None:
    assert "| octodns-sync: not installed | – |" in tables.peers(Results("", {}, (measured(1),)))


@pytest.mark.parametrize(
    ("tenants", "cpu", "verdict"),
    [(30_000, 60.0, "met"), (30_000, 90.0, "1.5 times as much"), (10_000, 60.0, "met so far")],
)
def test_a_target_is_met_only_at_its_own_size(tenants: int, cpu: float, verdict: str) -> None:
    text = tables.targets(Results("", {}, (measured(1, tenants, cpu),)))
    assert f"| 60 x empty Python | {cpu:.0f} | {tenants:,} | {verdict} |" in text


def test_a_target_may_be_a_multiple_of_another_row_at_the_same_size() -> None:
    in_sync = measured(1, 10_000, 40.0)
    changed = replace(in_sync, row="plan, 1 % changed", cpu=48.0)
    text = tables.targets(Results("", {}, (in_sync, changed)))
    assert "as YAML files | 1.25 x the time of a plan in sync | 1.20 | 10,000 | met so far |" in text
    alone = tables.targets(Results("", {}, (changed,)))
    assert "as YAML files | 1.25 x the time of a plan in sync | – | – | not measured |" in alone


def test_a_target_of_what_was_not_measured_says_so() -> None:
    assert "| plan --tenant, 30,000 as YAML files | 15 x empty Python | – | – | not measured |" in tables.targets(
        Results()
    )


def test_before_and_after_have_the_rows_of_both() -> None:
    only_before = replace(measured(1), row="drift")
    text = tables.before_and_after(
        Results("", {}, (measured(900, cpu=70.0), only_before)), Results("", {}, (measured(9),))
    )
    assert text.splitlines()[2:] == ["| plan, in sync | 500 | 900 -> 9 | 70 -> 50 | 100 -> 100 |"]


def test_a_newer_measurement_replaces_the_same_row_and_keeps_the_others(tmp_path: Path) -> None:
    kept, old, new = measured(1, 1_000), measured(1, cpu=1.0), measured(1, cpu=2.0)
    file = tmp_path / "measured.json"
    write_results(
        file,
        Results("then", QUANTITIES, (old, kept), (a_peer(1.0),)).with_newer(
            Results("now", QUANTITIES, (new,), (a_peer(2.0),))
        ),
    )
    assert read_results(file) == Results("now", QUANTITIES, (new, kept), (a_peer(2.0),))


def test_nothing_is_measured_before_there_is_a_file(tmp_path: Path) -> None:
    assert read_results(tmp_path / "measured.json") == Results()


def test_what_stands_outside_the_markers_stays() -> None:
    text = "By hand.\n<!-- measured: calls -->\nold\n<!-- end -->\nBelow.\n"
    once = page.written(text, {"calls": "new"})
    assert once == "By hand.\n<!-- measured: calls -->\n\nnew\n\n<!-- end -->\nBelow.\n"
    assert page.written(once, {"calls": "new"}) == once


def test_the_page_and_its_pictures_are_as_they_were_measured() -> None:
    results, before = read_results(page.MEASURED), read_results(page.BEFORE)
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.written(text, page.parts(results, before)) == text
    for name, picture in page.plots(results).items():
        assert (page.DOCS / name).read_text(encoding="utf-8") == picture


def test_every_part_is_on_the_page() -> None:
    names = [found["name"] for found in page.PART.finditer(page.PAGE.read_text(encoding="utf-8"))]
    assert sorted(names) == sorted(page.parts(Results(), Results()))


def test_a_line_of_the_plot_is_straight_where_cost_grows_like_a_power() -> None:
    picture = Xml.fromstring(plot("cost", {"a <row>": ((10, 1.0), (100, 10.0), (1_000, 100.0)), "none": ()}))  # noqa: S314
    dots = [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in picture.iter(f"{SVG}circle")]
    (x1, y1), (x2, y2), (x3, y3) = dots
    assert (x2 - x1, y2 - y1) == pytest.approx((x3 - x2, y3 - y2))
    assert "a <row>" in [text.text for text in picture.iter(f"{SVG}text")]


def test_both_sources_declare_the_same_tenants(tmp_path: Path) -> None:
    tenants = [*map(declared, (0, 1, 10)), DeclaredTenant(1, "free", prefix="new-t")]
    found = []
    for source in Source:
        folder = tmp_path / source.name
        folder.mkdir()
        write_files(folder, source, tenants)
        found.append({name: tenant.overrides for name, tenant in read(folder).tenants.items()})
    assert found[0] == found[1]
    assert set(found[0]) == {"t00000", "t00001", "t00010", "new-t00001"}


@pytest.mark.parametrize("source", Source)
def test_a_changed_tenant_is_declared_once(tmp_path: Path, source: Source) -> None:
    write_files(tmp_path, source, map(declared, range(3)))
    source.write(tmp_path, raise_all(3))
    texts = [file.read_text(encoding="utf-8") for file in tmp_path.glob("*/*") if file.is_file()]
    texts += [file.read_text(encoding="utf-8") for file in tmp_path.glob("*/*/*")]
    assert ("".join(texts).count("7GiB"), "".join(texts).count("6GiB")) == (3, 0)


def test_the_memory_of_a_small_program_is_not_that_of_its_starter() -> None:
    ballast = b"x" * (200 * 2**20)
    assert processes.empty_python().peak_mib < 50
    assert ballast


def test_another_exit_code_than_expected_is_an_error_with_what_was_printed() -> None:
    assert processes.python("-c", "raise SystemExit(3)", code=3).printed == ""
    with pytest.raises(Exception, match="ended with 3:\nhello"):
        processes.python("-c", "print('hello'); raise SystemExit(3)")


def test_modules_are_compiled_also_where_the_environment_forbids_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert processes.python("-c", "import sys; print(sys.dont_write_bytecode)").printed == "False\n"


def test_the_page_says_which_figures_are_of_other_days() -> None:
    older = [measured(5, tenants=number) for number in (500, 600)]
    newest = msgspec.structs.replace(measured(5, tenants=1000), day="2026-12-02")
    words = "Measured before, with the simulator in the process of the command"
    mixed = page.parts(Results(measured=(*older, newest)), Results())["noise"]
    assert mixed.endswith(f"\n\nOf 2026-12-02: *plan, in sync* (1,000; YAML files).\n\n{words}: all others.")
    assert words not in page.parts(Results(measured=(newest,)), Results())["noise"]


class TestTheSimulatorElsewhere:
    """In a process of its own, so that its memory is not counted as the command's."""

    def test_it_answers_at_the_time_of_the_command(self, tmp_path: Path) -> None:
        file = tmp_path / "account.db"
        opened = a_simulator(Organization("free"), path=file, clock_source=lambda: NOW_SECONDS)
        with opened as simulator:
            simulator.seed_fleet("free", 3)
            key, asked = simulator.organization_keys["free"], {"org_id": simulator.organization_ids["free"]}

        async def ask() -> tuple[httpx.Response, float]:
            way = Elsewhere(process.address, LoopTime(NOW_SECONDS), 1.0, 1.0)
            headers = {"Authorization": f"Bearer {key}"}
            async with httpx.AsyncClient(transport=way, base_url=HOST, headers=headers) as client:
                await asyncio.sleep(60)
                return await client.get("/projects", params=asked), asyncio.get_running_loop().time()

        with started(file) as process, asyncio.Runner(loop_factory=VirtualLoop) as runner:
            answer, seconds = runner.run(ask())
        assert len(answer.json()["projects"]) == 3
        assert answer.headers["date"] == formatdate(NOW_SECONDS + 60, usegmt=True)
        assert seconds == pytest.approx(61, abs=0.01)
        assert process.cpu_seconds > 0
        assert [one.name for one in tmp_path.iterdir()] == ["account.db"], "the account is closed"

    def test_it_ends_with_a_command_that_makes_no_call(self, tmp_path: Path) -> None:
        with started(tmp_path / "account.db") as process:
            pass
        assert process.cpu_seconds > 0
        assert list(tmp_path.iterdir()) == []


def test_the_time_of_a_call_is_that_of_its_own_steps() -> None:
    spent: list[float] = []

    async def call() -> str:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "answer"

    async def both() -> str:
        return await Timed(call(), spent.append)

    assert (asyncio.run(both()), len(spent)) == ("answer", 3)


def test_a_cancelled_call_ends_with_its_own_clean_up() -> None:
    ended: list[str] = []

    async def call() -> None:
        try:
            for _ in range(100):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            ended.append("cleaned")
            raise

    async def cancel() -> None:
        async def timed() -> None:
            await Timed(call(), lambda _: None)

        task = asyncio.create_task(timed())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancel())
    assert ended == ["cleaned"]


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


def test_a_run_takes_place_when_the_simulated_account_was_made() -> None:
    assert NOW_SECONDS == DEMO_EPOCH_SECONDS


def test_importing_the_simulator_is_noted_once_and_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: list[float] = []
    (tmp_path / "measured_part").mkdir()
    texts = {"__init__": "", "app": "import measured_part.store", "store": ""}
    for name, text in texts.items():
        (tmp_path / "measured_part" / f"{name}.py").write_text(text, encoding="utf-8")
    (tmp_path / "unmeasured_part.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [SimulatorImports(spent.append, "measured_part"), *sys.meta_path])
    importlib.import_module("measured_part.app")
    assert len(spent) == 2  # the package, and the module with what it imports
    importlib.import_module("measured_part.store")
    importlib.import_module("unmeasured_part")
    assert len(spent) == 2
