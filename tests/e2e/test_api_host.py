"""A host that is not Neon's own stands on top of every output; Neon's own, and the embedded one, stand nowhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.harness.processes import Place

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Shell


@pytest.mark.slow
def test_every_output_begins_with_a_host_that_is_not_neon_s(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with (tmp_path / "tiers.yaml").open("a", encoding="utf-8") as tiers:
        tiers.write("registry: {url: 'sqlite:///registry.db'}\n")
    place.declare(1)
    place.hurry()
    with place.served():
        host = place.environ["NEON_API_HOST"]
        for command in ("plan", "drift"):
            assert place.run(command).stdout.startswith(place.elsewhere)
            first = place.run(command, "--format", "markdown").stdout.splitlines()[0]
            assert first.strip() == f"**Keys go to a host that is not Neon's own: `{host}`**"
            assert json.loads(place.run(command, "--format", "json").stdout)["api_host"] == host
        place.run("plan", "--out", "saved.json", "--output", "plan.txt")
        assert place.run("show", "saved.json").stdout.count(host) == 1
        assert (tmp_path / "plan.txt").read_text(encoding="utf-8").startswith(place.elsewhere)
        applied = place.run("apply", "saved.json", "--yes", "--output", "report.json").stdout
        assert applied.count(place.elsewhere) == 2  # the plan, and the report
        assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["api_host"] == host
        assert place.run("converge", "t000").stdout.startswith(place.elsewhere)
        assert place.run("registry", "rebuild").stdout.startswith(place.elsewhere)
        place.environ["FREE_ORG_API_KEY"] = "opens-nothing"
        failed = place.run("plan")
        assert (failed.returncode, failed.stdout) == (4, "")
        assert place.elsewhere in failed.stderr


def test_the_embedded_neon_has_no_host(shell: Shell) -> None:
    shell.tenant("acme")
    shell.environ["NEON_API_HOST"] = "https://elsewhere.example/api/v2"
    told = [shell.simulated("plan", "--format", form) for form in ("text", "json", "markdown")]
    told.append(shell.applied())
    for ended in told:
        assert ended.code == 0
        assert "not Neon's own" not in ended.out + ended.err
        assert "api_host" not in ended.out
