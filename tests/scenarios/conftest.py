"""What fails in the parts that all scenarios share is shown as in a test."""

import pytest

pytest.register_assert_rewrite("tests.scenarios.scenario")
