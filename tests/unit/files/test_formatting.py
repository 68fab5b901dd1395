"""Which comments move with a key, and which are those of a document."""

from __future__ import annotations

import pytest

from reconciler.files.canonical import tenant_shape
from reconciler.files.formatting import formatted

NESTED = """\
tenant: acme
tier: pro
overrides:  # agreed
  # Contract 17 asks for it.

  # Until 2027.
  restore_window: 2d
  compute:
    # They import at night.
    max_cu: 4
    min_cu: 0.5
  quota: {data_transfer: 80GiB}
"""
NESTED_IN_ORDER = """\
tenant: acme
tier: pro
overrides:  # agreed
  quota: {data_transfer: 80GiB}
  compute:
    min_cu: 0.5
    # They import at night.
    max_cu: 4
  # Contract 17 asks for it.

  # Until 2027.
  restore_window: 2d
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_comment_above_the_first_key_of_a_mapping_moves_with_it(newline: str) -> None:
    text, expected = (one.replace("\n", newline) for one in (NESTED, NESTED_IN_ORDER))
    assert formatted(text, tenant_shape()) == expected
    assert formatted(expected, tenant_shape()) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# A customer.\ntier: pro\ntenant: acme\n", "# A customer.\ntenant: acme\ntier: pro\n"),
        (
            "# A customer.\n\n# They pay.\ntier: pro\ntenant: acme\n",
            "# A customer.\n\ntenant: acme\n\n# They pay.\ntier: pro\n",
        ),
        ("\n# A customer.\ntier: pro\ntenant: acme\n", "\n# A customer.\ntenant: acme\ntier: pro\n"),
        (
            "tenant: x\ntier: pro\n---\n\n# They pay.\ntier: pro\ntenant: acme\n",
            "tenant: x\ntier: pro\n---\n\ntenant: acme\n\n# They pay.\ntier: pro\n",
        ),
        (
            "# A customer.\n\n# They pay.\ntenant: acme\ntier: pro\n",
            "# A customer.\n\n# They pay.\ntenant: acme\ntier: pro\n",
        ),
    ],
)
def test_comments_at_the_top_are_the_documents_unless_an_empty_line_is_above_them(before: str, after: str) -> None:
    assert formatted(before, tenant_shape()) == after
    assert formatted(after, tenant_shape()) == after
