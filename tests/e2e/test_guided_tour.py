"""The guided tour, a page for each resource: its commands work and answer what the page shows."""

from collections.abc import Iterator

import pytest

from tests.e2e import tour
from tests.e2e.server import Server
from tests.programs import require


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("tour") / "data")
    server.start()
    yield server
    server.stop()


@pytest.mark.e2e
@pytest.mark.long
def test_every_page_works_as_written(shared_server: Server) -> None:
    require("curl", "mosquitto_pub")

    for page in (tour.FIRST, *tour.pages()):
        printed = tour.run(page, shared_server)
        for block, text in zip(tour.blocks(page), printed, strict=True):
            assert tour.normal(text) == tour.normal(block.answer or ""), (page.name, block.commands)


def test_every_page_is_linked_and_shows_answers() -> None:
    linked = {page.name for page in tour.pages()}

    assert linked == {page.name for page in tour.PAGES.glob("*.md")} - {"README.md"}
    for page in tour.pages():
        assert any(block.answer for block in tour.blocks(page)), page.name
