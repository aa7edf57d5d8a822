import pytest

from fieldline.messaging.backends.memory import MemoryBus
from tests.conformance.bus import BusContract


class TestMemoryBus(BusContract):
    @pytest.fixture
    def make_bus(self) -> MemoryBus:
        return MemoryBus()
