"""new and set: the right file is written, as little of it as can be, and the plan of the tenant is shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest
import yaml
from click.shell_completion import ShellComplete

from reconciler.cli.main import group
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from tests.harness.shell import Shell

FILE: Final = """\
# A customer.
tenant: acme
tier: pro  # paying
overrides:
  # They export a lot.
  quota: {data_transfer: 80GiB}   # more traffic
  compute: {max_cu: 4}

# The end.
"""


SETTINGS: Final = 'settings: {maintenance_window: {weekdays: [7], start_time: "02:00", end_time: "03:00"}}'


@pytest.fixture
def fleet(shell: Shell) -> Shell:
    shell.write("tenants/acme.yaml", FILE)
    sources = "tenants: [{files: 'tenants/**/*.yaml'}, {ndjson: fleet/lines.ndjson}]\n"
    shell.write("tiers.yaml", (shell.folder / "tiers.yaml").read_text() + sources)
    shell.write("fleet/lines.ndjson", '{"tenant": "ann", "tier": "free"}\n{"tenant": "cid", "tier":"free"}\n')
    return shell


def text_of(shell: Shell, path: str = "tenants/acme.yaml") -> str:
    return (shell.folder / path).read_text(encoding="utf-8")


class TestFormats:
    def test_json_is_the_plan_of_the_tenant_and_the_edit_is_told_aside(self, fleet: Shell) -> None:
        fleet.applied()
        ended = fleet.simulated(
            "set", "acme", "quota.data_transfer=100GiB", "--format", "json", "--output", "plan.md"
        )
        assert (ended.code, ended.document["kind"]) == (0, "plan"), ended.err
        schema = jsonschema_rs.Draft202012Validator(fleet.run("schema", "plan").document)
        schema.validate(ended.document)
        [tenant] = ended.document["tenants"]
        [change] = tenant["actions"][0]["changes"]
        assert (tenant["tenant"], change["path"]) == ("acme", "quota.data_transfer_bytes")
        assert "edited tenants/acme.yaml" in ended.err
        assert "`80GiB` &rarr; `100GiB`" in text_of(fleet, "plan.md")

    def test_without_keys_it_is_what_the_files_ask_for(self, fleet: Shell) -> None:
        ended = fleet.run("new", "zoe", "--tier", "free", "--format", "json")
        assert (ended.code, ended.document["kind"]) == (0, "diff"), ended.err
        assert [one["tenant"] for one in ended.document["tenants"]] == ["zoe"]

    def test_without_a_plan_there_is_no_document(self, fleet: Shell) -> None:
        ended = fleet.run("new", "zoe", "--tier", "free", "--no-plan", "--format", "json")
        assert ended.code == 3
        assert not (fleet.folder / "tenants/zoe.yaml").exists()


@pytest.mark.parametrize("tenant", ["CON", "nul", "aux", "com1.eu"])
def test_a_tenant_after_whom_windows_has_no_file_is_a_line(shell: Shell, tenant: str) -> None:
    refused = shell.run("new", tenant, "--tier", "free", "--no-plan")
    assert refused.code == 3
    assert "Windows has no file with the name" in refused.err
    named = shell.run("new", tenant, "--tier", "free", "--no-plan", "--to", f"tenants/{tenant}.yaml")
    assert named.code == 0, named.err
    (shell.folder / f"tenants/{tenant}.yaml").unlink()
    sources = "tenants: [{files: 'tenants/**/*.yaml'}, {ndjson: fleet/lines.ndjson}]\n"
    shell.write("tiers.yaml", (shell.folder / "tiers.yaml").read_text() + sources)
    shell.write("fleet/lines.ndjson", '{"tenant": "ann", "tier": "free"}\n')
    assert shell.run("new", tenant, "--tier", "free", "--no-plan").code == 0
    assert f'"tenant": "{tenant}"' in text_of(shell, "fleet/lines.ndjson")


class TestSet:
    def test_changes_one_value_and_shows_the_plan_of_the_tenant(self, fleet: Shell) -> None:
        fleet.applied()
        ended = fleet.simulated("set", "acme", "quota.data_transfer=102400MiB")
        assert ended.code == 0, ended.err
        assert text_of(fleet) == FILE.replace("80GiB", "100GiB")
        assert "quota.data_transfer  80GiB -> 100GiB" in ended.out
        assert "edited tenants/acme.yaml" in ended.err

    def test_writes_new_keys_in_the_order_of_the_format(self, fleet: Shell) -> None:
        words = ("labels.team=eu", "compute.min_cu=1", "restore_window=2d", "snapshots+=v1", "protect=true")
        assert fleet.run("set", "acme", *words, "--no-plan").code == 0
        assert text_of(fleet) == FILE.replace("  # paying\n", "  # paying\nlabels: {team: eu}\n").replace(
            "  compute: {max_cu: 4}\n",
            "  compute: {min_cu: 1, max_cu: 4}\n  restore_window: 2d\nsnapshots:\n  - v1\nprotect: true\n",
        )

    def test_appends_to_a_list_and_removes_what_is_empty_then(self, fleet: Shell) -> None:
        assert (
            fleet.run("set", "acme", "dev_branches+={name: a, expires_at: 2031-01-01T00:00:00Z}", "--no-plan").code
            == 0
        )
        assert fleet.run("set", "acme", "dev_branches+=b", "--unset", "quota.data_transfer", "--no-plan").code == 0
        assert "  - {name: a, expires_at: 2031-01-01T00:00:00Z}\n  - b\n" in text_of(fleet)
        assert "quota" not in text_of(fleet)
        assert fleet.run("set", "acme", "--unset", "compute.max_cu", "--no-plan").code == 0
        assert "overrides" not in text_of(fleet)

    @pytest.mark.parametrize("label", ["1.5", "1e3", "0x1F", "017", "1_000", "12:30", "true", "5"])
    @pytest.mark.parametrize("word", ["labels.id={}", "labels={{id: {}}}"])
    def test_a_label_is_text_for_every_reader_of_yaml(self, fleet: Shell, label: str, word: str) -> None:
        assert fleet.run("set", "acme", word.format(label), "--no-plan").code == 0
        assert f'labels: {{id: "{label}"}}\n' in text_of(fleet)
        assert fleet.run("new", "zoe", "--tier", "free", "--set", word.format(label), "--no-plan").code == 0
        assert f'labels: {{id: "{label}"}}\n' in text_of(fleet, "tenants/zoe.yaml")

    @pytest.mark.parametrize(
        ("given", "written"),
        [
            ("1e3", "1000.0"),
            ("0x1F", '"0x1F"'),
            ("0o17", '"0o17"'),
            ("017", "17"),
            ("1.50", "1.5"),
            ("True", "true"),
            ("on", '"on"'),
            ('"1e3"', '"1e3"'),
            ("'31'", '"31"'),
            ("[1e3, a]", "[1000.0, a]"),
        ],
    )
    def test_a_value_without_a_schema_has_the_type_that_yaml_gives_it(
        self, fleet: Shell, given: str, written: str
    ) -> None:
        key = "settings.unchecked.preview"
        assert fleet.run("set", "acme", f"{key}={given}", "--no-plan").code == 0
        assert fleet.run("new", "zoe", "--tier", "free", "--set", f"{key}={given}", "--no-plan").code == 0
        for name in ("acme", "zoe"):
            assert f"preview: {written}" in text_of(fleet, f"tenants/{name}.yaml")

    def test_changes_the_line_of_a_tenant_on_a_json_line(self, fleet: Shell) -> None:
        assert fleet.run("set", "cid", "tier=pro", "compute.max_cu=2", "labels.n=1.50", "--no-plan").code == 0
        assert text_of(fleet, "fleet/lines.ndjson") == (
            '{"tenant": "ann", "tier": "free"}\n'
            '{"tenant": "cid", "tier":"pro", "labels": {"n": "1.50"}, "overrides": {"compute": {"max_cu": 2}}}\n'
        )

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("compute.max_cu=99",), "nothing was written"),
            (("quota.datatransfer=1GiB",), "did you mean 'quota.data_transfer'?"),
            (("quota",), "is no assignment"),
            (("tier+=pro",), "is no list"),
            (("tier=pro", "tier=free"), "given twice"),
            (("labels={a: [",), "not valid YAML"),
            ((), "nothing to set"),
            (("tenant=other",), "a file named"),
            (("settings.unchecked.x=~",), "--unset KEY removes a key"),
        ],
    )
    def test_writes_nothing_that_is_not_valid(self, fleet: Shell, words: tuple[str, ...], told: str) -> None:
        ended = fleet.run("set", "acme", *words)
        assert ended.code == 3
        assert told in " ".join(ended.err.split())
        assert text_of(fleet) == FILE

    def test_shows_without_a_key_what_the_files_ask_for(self, fleet: Shell) -> None:
        ended = fleet.run("set", "acme", "tier=free", "compute.max_cu=2", "--dry-run")
        assert ended.code == 0, ended.err
        assert "Downgrade (1)" in ended.out
        assert "no key is set" in ended.err
        assert text_of(fleet) == FILE

    def test_names_tenants_that_are_alike(self, fleet: Shell) -> None:
        assert "did you mean 'acme'?" in fleet.run("set", "acne", "tier=free").err

    def test_ends_as_a_plan_does_if_a_guard_refuses_the_change(self, fleet: Shell) -> None:
        fleet.write("tenants/acme.yaml", FILE + "protect: true\n")
        fleet.applied()
        ended = fleet.simulated("set", "acme", "quota.data_transfer=60GiB")
        assert (ended.code, "protected" in ended.out) == (5, True)
        assert "60GiB" in text_of(fleet)


class TestNew:
    def test_writes_a_file_of_its_own_and_shows_what_is_created(self, fleet: Shell) -> None:
        words = (
            "--tier",
            "free",
            "--label",
            "plan=trial",
            "--set",
            "quota.logical_size=0.25GiB",
            "--set",
            "snapshots=[]",
        )
        ended = fleet.simulated("new", "bob", *words)
        assert ended.code == 0, ended.err
        assert text_of(fleet, "tenants/bob.yaml") == (
            "tenant: bob\ntier: free\nlabels: {plan: trial}\noverrides:\n"
            "  quota: {logical_size: 256MiB}\nsnapshots: []\n"
        )
        assert "Plan: 1 to create." in ended.out
        assert fleet.stored.rows("projects") == []

    @pytest.mark.parametrize("name", ["1.5", "0777", "1.", "0b1", "1__0", "+12", "2026-01-01", "off", "@bob"])
    def test_writes_a_name_that_every_reader_of_yaml_takes_for_text(self, fleet: Shell, name: str) -> None:
        """Editors and other programs read numbers, dates and truth values in what has no quotes."""
        assert fleet.run("new", name, "--tier", "free", "--no-plan").code == 0
        assert yaml.safe_load(text_of(fleet, f"tenants/{name}.yaml")) == {"tenant": name, "tier": "free"}

    def test_names_the_schema_where_the_fleet_has_it(self, fleet: Shell) -> None:
        fleet.write(".schemas/tenant.json", fleet.run("schema", "tenant").out)
        assert fleet.run("new", "bob", "--tier", "free", "--to", "tenants/a/bob.yaml", "--no-plan").code == 0
        line, _, rest = text_of(fleet, "tenants/a/bob.yaml").partition("\n")
        assert line == "# yaml-language-server: $schema=../../.schemas/tenant.json"
        assert rest == "tenant: bob\ntier: free\n"

    def test_writes_a_line_at_its_place(self, fleet: Shell) -> None:
        assert fleet.run("new", "bob", "--tier", "free", "--to", "fleet/lines.ndjson", "--no-plan").code == 0
        lines = text_of(fleet, "fleet/lines.ndjson").splitlines()
        assert lines[1:] == ['{"tenant": "bob", "tier": "free"}', '{"tenant": "cid", "tier":"free"}']

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("acme",), "tenants/acme.yaml:2 declares tenant 'acme'"),
            (("ACME",), "differs in case only"),
            (("bob", "--to", "elsewhere/bob.yaml"), "no source of tiers.yaml reads 'elsewhere/bob.yaml'"),
            (("bob", "--to", "../bob.yaml"), "no source"),
            (("bob", "--to", "tenants/acme.yaml"), "exists"),
            (("b/ob",), "is not a tenant name"),
            (("bob", "--set", "nonsense=1"), "no key 'nonsense'"),
        ],
    )
    def test_writes_nothing_that_is_not_valid(self, fleet: Shell, words: tuple[str, ...], told: str) -> None:
        before = sorted(path for path in fleet.folder.rglob("*") if path.is_file())
        ended = fleet.run("new", *words, "--tier", "free", "--no-plan")
        assert ended.code == 3
        assert told in " ".join(ended.err.split())
        assert sorted(path for path in fleet.folder.rglob("*") if path.is_file()) == before
        assert text_of(fleet) == FILE


class TestFmt:
    def test_writes_every_file_in_one_form_once(self, fleet: Shell) -> None:
        fleet.write("tenants/acme.yaml", "tier: pro\n# its name\ntenant: acme\n")
        fleet.write(
            "fleet/lines.ndjson", '{"tier": "free", "tenant": "cid"}\n\n{"tenant": "ann", "tier":"free"}\n'
        )
        ended = fleet.run("fmt", "--check")
        assert (ended.code, "-tier: pro" in ended.out, "to format" in ended.err) == (2, True, True)
        assert text_of(fleet).startswith("tier: pro")
        assert fleet.run("fmt").code == 0
        assert text_of(fleet) == "# its name\ntenant: acme\ntier: pro\n"
        assert text_of(fleet, "fleet/lines.ndjson") == (
            '{"tenant": "ann", "tier": "free"}\n{"tenant": "cid", "tier": "free"}\n'
        )
        again = fleet.run("fmt", "--check")
        assert (again.code, again.out, again.err) == (0, "", "")

    def test_takes_the_files_that_are_named(self, fleet: Shell) -> None:
        fleet.write("tenants/acme.yaml", "tier: pro\ntenant: acme\n")
        fleet.write("tenants/bob.yaml", "tier: pro\ntenant: bob\n")
        assert fleet.run("fmt", "tenants/bob.yaml").code == 0
        assert text_of(fleet) == "tier: pro\ntenant: acme\n"
        assert text_of(fleet, "tenants/bob.yaml") == "tenant: bob\ntier: pro\n"
        fleet.write("notes.yaml", "a: b\n")
        assert "notes.yaml is no file of the fleet" in fleet.run("fmt", "notes.yaml").err

    def test_leaves_a_fleet_with_problems_alone(self, fleet: Shell) -> None:
        fleet.write("tenants/acme.yaml", "tier: nonsense\ntenant: acme\n")
        ended = fleet.run("fmt")
        assert (ended.code, "tenants/acme.yaml:1:7: tier" in ended.err) == (3, True), ended.err
        assert text_of(fleet) == "tier: nonsense\ntenant: acme\n"

    def test_writes_nothing_that_means_something_else(self, fleet: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "reconciler.files.formatted_files.formatted", lambda text, _: text.replace("80GiB", "81GiB")
        )
        ended = fleet.run("fmt")
        assert (ended.code, "tenants/acme.yaml would change its meaning" in " ".join(ended.err.split())) == (
            1,
            True,
        )
        assert text_of(fleet) == FILE


@pytest.mark.parametrize(
    "hook", yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")), ids=str
)
def test_hooks_of_pre_commit_pass_files_in_the_form_and_fail_others(fleet: Shell, hook: dict[str, Any]) -> None:
    program, *args = hook["entry"].split()
    assert (program, hook["pass_filenames"]) == ("reconciler", False)
    fleet.write("fleet/lines.ndjson", '{"tenant": "ann", "tier": "free"}\n')
    assert fleet.run(*args).code == 0
    fleet.write(
        "tenants/acme.yaml",
        "tier: pro\ntenant: acme\nprotect: no\n" if "validate" in args else "tier: pro\ntenant: acme\n",
    )
    assert fleet.run(*args).code != 0


def test_the_shell_completes_commands_and_flags() -> None:
    complete = ShellComplete(group, {}, "reconciler", "_RECONCILER_COMPLETE")
    assert {item.value for item in complete.get_completions([], "f")} == {"fmt"}
    assert {item.value for item in complete.get_completions(["fmt"], "--ch")} == {"--check"}


class TestExplain:
    @pytest.fixture
    def explained(self, fleet: Shell) -> Shell:
        fleet.write(
            "tenants/acme.yaml",
            FILE + "snapshots: [v1.0]\ndev_branches:\n  - {name: dev, compute: {max_cu: 1}}\n"
            "boosts:\n  - {quota: {active_time: unlimited}, until: 2040-01-01T00:00:00Z}\n",
        )
        return fleet

    def rows(self, shell: Shell, *args: str) -> dict[str, Any]:
        return {
            value["path"]: value for value in shell.run("explain", *args, "--format", "json").document["values"]
        }

    def test_says_where_each_value_comes_from(self, explained: Shell) -> None:
        prices = text_of(explained, "tiers.yaml")
        explained.write(
            "tiers.yaml", prices.replace("  restore_window: 7d\n", f"  restore_window: 7d\n    {SETTINGS}\n")
        )
        told = {
            path: (value["value"], value["stated_in"], self.at(value["location"]))
            for path, value in self.rows(explained, "acme").items()
        }
        file = "tenants/acme.yaml"
        assert told["tier"] == ("pro", "file", (file, 3))
        assert told["name"] == ("myapp-acme", "naming", ("tiers.yaml", 3))
        assert told["quota.data_transfer_bytes"] == (80 * 2**30, "override", (file, 6))
        assert told["quota.active_time_seconds"] == (0, "boost", (file, 14))
        assert told["quota.logical_size_bytes"] == (10 * 2**30, "tier", ("tiers.yaml", 26))
        assert told["compute.min_cu"] == (0.5, "tier", ("tiers.yaml", 27))
        assert told["snapshots.v1.0"][1:] == ("file", (file, 10))
        assert told["dev_branches.dev.compute.max_cu"] == (1.0, "file", (file, 12))
        assert told["dev_branches.dev.compute.min_cu"] == (0.5, "tier", ("tiers.yaml", 27))
        hours = {"weekdays": [7], "start_time": "02:00", "end_time": "03:00"}
        assert told["settings.maintenance_window"] == (hours, "tier", ("tiers.yaml", 29))
        assert told["region"] == ("aws-us-east-2", "defaults", None)

    def at(self, location: dict[str, Any] | None) -> tuple[str, int] | None:
        return None if location is None else (location["file"], location["line"])

    def test_keeps_its_columns_beside_the_keys_of_a_branch(self, shell: Shell) -> None:
        shell.tenant("acme", "tier: free\ndev_branches: [{name: development, compute: {suspend_timeout: 6m}}]")
        lines = shell.run("explain", "acme").out.splitlines()
        (key,) = (line for line in lines if "development.compute.suspend_timeout" in line)
        (other,) = (line for line in lines if "  compute.suspend_timeout" in line)
        assert key.index("6m") == other.index("5m")

    def test_says_what_a_value_is_in_place_of(self, explained: Shell) -> None:
        rows = self.rows(explained, "acme")
        instead = {
            path: [(one["stated_in"], one["value"]) for one in row["instead_of"]] for path, row in rows.items()
        }
        assert {path: others for path, others in instead.items() if others} == {
            "quota.data_transfer_bytes": [("tier", 50 * 2**30)],
            "quota.active_time_seconds": [("tier", 750 * 3600)],
            "compute.max_cu": [("tier", 4.0)],
        }

    def test_shows_live_values_beside_them(self, explained: Shell) -> None:
        assert explained.run("explain", "acme", "--live").code == 4
        explained.applied()
        explained.write("tenants/acme.yaml", text_of(explained).replace("80GiB", "90GiB"))
        ended = explained.simulated("explain", "acme", "--live")
        assert re.search(r"quota.data_transfer +90GiB +live 80GiB +override, tenants/acme.yaml:6\n", ended.out), (
            ended.out
        )
        assert "1 of them different from live." in ended.out
        rows = self.rows(explained, "acme", "--live", "--simulator", "sim.db")
        differing = {path: row["live"] for path, row in rows.items() if row["seen"] in ("different", "missing")}
        assert differing == {"quota.data_transfer_bytes": 80 * 2**30}
        assert {path for path, row in rows.items() if row["seen"] == "not_read"} <= {"role", "database"}

    def test_finds_the_line_of_a_tenant_on_a_json_line(self, explained: Shell) -> None:
        line = '{"tenant": "cid", "tier": "free", "overrides": {"restore_window": "12h"}}'
        explained.write("fleet/lines.ndjson", f'{{"tenant": "ann", "tier": "free"}}\n{line}\n')
        explained.write("tenants/cid.yaml", "tenant: cid\noverrides: {compute: {max_cu: 1}}\n")
        rows = self.rows(explained, "cid")
        assert rows["restore_window_seconds"]["location"] == {
            "file": "fleet/lines.ndjson",
            "line": 2,
            "column": 49,
        }
        assert self.at(rows["compute.max_cu"]["location"]) == ("tenants/cid.yaml", 2)
        assert self.at(rows["tier"]["location"]) == ("fleet/lines.ndjson", 2)

    def test_is_as_its_schema_says(self, explained: Shell) -> None:
        schema = explained.run("schema", "explained").document
        document = explained.run("explain", "acme", "--format", "json").document
        jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(document)
        gone = explained.run("explain", "nobody")
        assert (gone.code, "no file declares tenant 'nobody'" in gone.err) == (3, True)
