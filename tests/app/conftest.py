from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.app.plant import Plant, opened, settings_of


@pytest.fixture
async def plant(database_url: str, tmp_path: Path) -> AsyncIterator[Plant]:
    """The whole platform, once per database."""
    async with opened(settings_of(database_url, tmp_path)) as plant:
        yield plant
