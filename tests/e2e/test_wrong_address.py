"""An address at which not Neon's API answers is told as such: no key and no organization is blamed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.receiver import receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.shell import Shell


@pytest.fixture
def elsewhere(shell: Shell) -> Iterator[Shell]:
    """The address lacks ``/api/v2``, or is that of another service: no path of Neon's API is there."""
    shell.tenant("acme")
    with receiving() as server:
        server.status = 404
        shell.environ |= {
            "NEON_FREE_ORG_ID": "org-free",
            "NEON_PAID_ORG_ID": "org-paid",
            "FREE_ORG_API_KEY": "marked-free-key",
            "PAID_ORG_API_KEY": "marked-paid-key",
            "PERSONAL_API_KEY": "marked-personal-key",
            "NEON_API_HOST": f"http://127.0.0.1:{server.port}",
            "NO_PROXY": "127.0.0.1",
        }
        yield shell


@pytest.mark.parametrize(
    "command", [["plan"], ["drift"], ["converge", "acme"], ["usage"], ["doctor"], ["plan", "--tenant", "acme"]]
)
def test_the_address_is_the_cause_and_not_the_key(elsewhere: Shell, command: list[str]) -> None:
    ended = elsewhere.run(*command)
    told = " ".join((ended.out + ended.err).split())
    assert ended.code == 1
    assert "what answers at this address is not Neon's API" in told
    assert "https://console.neon.tech/api/v2" in told
    assert "has no access" not in told
    assert "marked-" not in told
