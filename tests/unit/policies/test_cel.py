"""CEL: what is refused before it runs, what has no value, and that nothing takes long."""

from __future__ import annotations

import sys

import pytest

from reconciler.errors import PolicyError
from reconciler.policies.cel import EvaluationError, InvalidExpressionError, compiled

TYPES = {"tenant.name": "string", "tenant.labels": "map<string, string>", "change.after": "dyn", "plan.n": "int"}
ONES = "[" + ",".join(["1"] * 300) + "]"
LOOPS = "[[1]]" + ".map(v, [v, v])" * 12 + " == []"
DEEP = "(" * 500 + "1" + ")" * 500 + " == 1"
LONG = "tenant.name == '" + "a" * 5000 + "'"
COSTLY = "tenant.name.matches('" + r"(\\pL{10}){90}" * 50 + "')"


def evaluated(text: str, **values: object) -> object:
    program = compiled(text, TYPES, boolean=True)
    return program.value({name.replace("_", "."): value for name, value in values.items()})


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("tenant.nane == 'a'", "undeclared reference to 'tenant.nane' at character 7", None),
        ("tenant.name ==", "Syntax error", None),
        ("tenant.name", "the value is of type string", "the value must be a bool"),
        ("plan.n > 2.0", "no matching overload", "an int and a double differ"),
        ("plan.n > 'a'", "no matching overload", None),
        ("open('/etc/passwd') == ''", "undeclared reference to 'open'", None),
        ("__import__('os').system('id') == 0", "undeclared reference", None),
        (LOOPS, "12 loops", "make it simpler"),
        ("'a'.matches('a') || 'a'.matches('b')", "has two regular expressions", "make it simpler"),
        (DEEP, "recursion", None),
        (LONG, "5,017 characters, and may have 2,000", "make it simpler"),
        (f"{ONES}.all(x, 'a'.matches('(a?)*'))", "or one and a loop", "make it simpler"),
        ("+".join(["1"] * 400) + " == 1", "recursion", None),
        ("tenant.name == '\ud800'", "half of a surrogate pair", None),
    ],
)
def test_an_expression_that_is_wrong_or_could_take_long_is_refused_before_it_runs(
    text: str, told: str, hint: str | None
) -> None:
    with pytest.raises(InvalidExpressionError) as raised:
        compiled(text, TYPES, boolean=True)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    if hint is not None:
        assert hint in str(raised.value.hint)


@pytest.mark.parametrize(
    "text",
    [
        "tenant.labels['team'] == 'eu'",
        "change.after > 2.0",
        "plan.n / 0 == 1",
        "plan.n + 9223372036854775807 > 0",
        f"{ONES}.all(a, {ONES}.all(b, a == b))",
        COSTLY,
        "tenant.name.matches(tenant.name + '(')",
    ],
)
def test_an_expression_without_a_value_says_so(text: str) -> None:
    """One takes 90,000 steps, of which 10,000 are allowed; one has a regular expression that is too large."""
    with pytest.raises(EvaluationError) as raised:
        evaluated(text, tenant_labels={}, change_after=None, plan_n=1, tenant_name="a")
    assert str(raised.value)


def test_a_value_of_another_type_than_declared_is_an_error_and_not_a_comparison() -> None:
    with pytest.raises(EvaluationError, match="Unexpected value type"):
        evaluated("plan.n > 1", plan_n="2")


def test_a_regular_expression_takes_linear_time() -> None:
    assert evaluated("!tenant.name.matches('^(a+)+$')", tenant_name="a" * 5000 + "b") is True


def test_a_program_knows_the_variables_that_it_needs_and_is_given_no_other() -> None:
    program = compiled("tenant.name == 'plan.n' || has(tenant.labels.name)", TYPES, boolean=True)
    assert program.uses == ("tenant.name", "tenant.labels")
    assert program.value({"tenant.name": "a", "tenant.labels": {"name": ""}, "plan.n": object()}) is True


def test_a_missing_library_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    with pytest.raises(PolicyError, match="cel_expr_python") as raised:
        compiled("plan.n == 77", {"plan.n": "int", "another": "int"}, boolean=True)
    assert raised.value.hint == "pip install 'neon-reconciler[policies]'"
