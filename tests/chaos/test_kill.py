"""An acknowledgement means that the reading survives kill -9."""

import time

from tests.chaos import form
from tests.chaos.fleet import Fleet
from tests.e2e.server import Server

CUT_OFF = "Fieldline was not stopped in good order the last time"


def test_every_acknowledged_reading_survives_kill_9(on_each: Server) -> None:
    fleet = Fleet(on_each, on_each.login(), rate=100_000)
    for number in range(int(form(3, 100))):
        fleet.await_more()
        time.sleep(0.13 * (number % 5))  # different moments of a batch's life
        on_each.kill()
        on_each.start()
    fleet.finish()

    fleet.check(on_each.login(), is_equal=True)
    assert CUT_OFF in on_each.log.read_text()


def test_a_graceful_stop_stores_what_it_acknowledges_and_nothing_else(on_each: Server) -> None:
    fleet = Fleet(on_each, on_each.login(), rate=100_000)
    fleet.await_more(500)

    assert on_each.stop() == 0
    fleet.give_up()

    on_each.start()
    fleet.check(on_each.login(), is_equal=True)
    log = on_each.log.read_text()
    assert "Fieldline is stopping" in log
    assert CUT_OFF not in log
