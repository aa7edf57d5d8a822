"""The contract of every time-series store; a backend's tests inherit it and give a ``store``.

Tests may share one store: each works on entities of its own.
"""

from uuid import UUID, uuid4

import pytest

from tests.conformance.timeseries.aggregation import AggregationContract
from tests.conformance.timeseries.attributes import AttributesContract
from tests.conformance.timeseries.deleting import DeletingContract
from tests.conformance.timeseries.points import PointsContract
from tests.conformance.timeseries.values import all_points, put

__all__ = ["StoreContract", "all_points", "put"]


class StoreContract(PointsContract, AggregationContract, DeletingContract, AttributesContract):
    """What every backend does."""

    @pytest.fixture
    def entity(self) -> UUID:
        return uuid4()
