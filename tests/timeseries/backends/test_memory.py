"""The in-memory store keeps the contract."""

import pytest

from fieldline.timeseries.backends.memory import MemoryStore
from tests.conformance.timeseries import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
