"""Open questions about Neon: the answer has to be one that the product expects; the summary lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.verified import facts
from tests.verified.conftest import simulated_account
from tests.verified.facts import FACTS, Fact

if TYPE_CHECKING:
    from pathlib import Path

    from tests.verified.account import Account

SETTINGS = [(fact, answer) for fact in FACTS for answer in fact.answers]


@pytest.mark.verified
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.switch)
def test_the_account_gives_one_of_the_answers_that_the_product_expects(account: Account, fact: Fact) -> None:
    answer = fact.find(account)
    assert answer in fact.answers, f"{fact.question} {answer}"
    facts.FOUND[fact.switch] = answer


@pytest.mark.drawn(15)
@pytest.mark.parametrize(("fact", "answer"), SETTINGS, ids=lambda value: getattr(value, "switch", value))
def test_a_switch_is_recognized_by_the_answer_that_it_gives(tmp_path: Path, fact: Fact, answer: str) -> None:
    with simulated_account(tmp_path / "neon.db") as (account, simulator):
        setting = fact.answers[answer]
        simulator.world.switches.change({fact.switch: getattr(setting, "value", setting)})
        assert fact.find(account) == answer
