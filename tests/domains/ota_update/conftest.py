import pytest

from tests.api.support import Platform
from tests.domains.ota_update.fleet import Fleet, make_fleet


@pytest.fixture
async def fleet(platform: Platform) -> Fleet:
    """A fleet without devices, once per database."""
    return await make_fleet(platform)
