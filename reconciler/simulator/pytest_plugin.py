"""A simulated Neon for the tests of any project: pytest finds this plugin where the package is installed.

    def test_a_sign_up_gets_a_database(neon_simulator):
        sign_up("acme", api=neon_simulator.url, key=neon_simulator.api_key)

A project chooses organizations and behaviour by fixtures of its own that are called
``neon_organizations`` and ``neon_behaviour``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from reconciler.simulator.behaviour import Behaviour
    from reconciler.simulator.exchanges import Exchange
    from reconciler.simulator.faults import Faults
    from reconciler.simulator.simulator import Simulator
    from reconciler.simulator.types import Organization

ORGANIZATIONS: Final = ("free", "paid")


@dataclass(frozen=True, slots=True)
class ServedSimulator:
    """A simulated account on a port of this machine, for as long as a test runs."""

    simulator: Simulator
    """Everything else, such as ``simulator.add_project(...)``."""
    url: str
    """What stands for ``https://console.neon.tech/api/v2``."""

    @property
    def api_key(self) -> str:
        """The personal API key of a user who is a member of every organization. Not a secret."""
        return self.simulator.personal_key

    @property
    def organization_ids(self) -> Mapping[str, str]:
        """Neon's id of each organization, by its name."""
        return self.simulator.organization_ids

    @property
    def organization_keys(self) -> Mapping[str, str]:
        """The API key of each organization, by its name. Not secrets."""
        return self.simulator.organization_keys

    @property
    def environ(self) -> dict[str, str]:
        """The variables that Neon's own clients read."""
        return {"NEON_API_HOST": self.url, "NEON_API_KEY": self.api_key, "NO_PROXY": "127.0.0.1"}

    @property
    def requests(self) -> list[Exchange]:
        """What was asked so far, in the order of the answers."""
        return self.simulator.requests

    @property
    def faults(self) -> Faults:
        """What goes wrong, such as ``faults.add(AnswerWith(423), "PATCH", first=3)``."""
        return self.simulator.faults

    def advance(self, *, seconds: float = 0, hours: float = 0, days: float = 0) -> None:
        """Skip time."""
        self.simulator.clock.advance(seconds + 3600 * hours + 86_400 * days)


@pytest.fixture
def neon_organizations() -> Sequence[Organization]:
    """The organizations of the account; ``free`` and ``paid`` without limits, unless a project says otherwise."""
    from reconciler.simulator.types import Organization  # noqa: PLC0415 - see neon_simulator

    return [Organization(name) for name in ORGANIZATIONS]


@pytest.fixture
def neon_behaviour() -> Behaviour:
    """How this Neon behaves where the real one's behaviour is not documented."""
    from reconciler.simulator.behaviour import Behaviour  # noqa: PLC0415 - see neon_simulator

    return Behaviour()


@pytest.fixture
def neon_simulator(
    tmp_path: Path, neon_organizations: Sequence[Organization], neon_behaviour: Behaviour
) -> Iterator[ServedSimulator]:
    """A simulated account of its own for each test, on a free port of 127.0.0.1."""
    # Imported here, because pytest loads the plugin in every project of the environment.
    from reconciler.simulator.serve import serving  # noqa: PLC0415
    from reconciler.simulator.simulator import Simulator  # noqa: PLC0415

    file = tmp_path / "neon-simulator.db"
    opened = Simulator.open(file, neon_organizations, behaviour=neon_behaviour)
    with opened as simulator, serving(simulator) as url:
        yield ServedSimulator(simulator, url)
