"""Contracts of the interfaces that have several implementations, as test classes."""

import pytest

pytest.register_assert_rewrite("tests.conformance.timeseries")
