import logging

import pytest

from fieldline.kit.clock import ManualClock
from fieldline.kit.complaints import EVERY_MS, Complaints


def test_a_kind_has_a_line_now_and_then(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    complaints = Complaints(logging.getLogger("clients"), clock.now_ms)

    for number in range(3):
        complaints.say("time", f"slow {number}")
        complaints.say("reading", f"deaf {number}")
    clock.advance(EVERY_MS - 1)
    complaints.say("time", "slow 3")
    clock.advance(1)
    complaints.say("time", "slow 4")
    clock.advance(EVERY_MS)
    complaints.say("time", "slow 5")

    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["slow 0", "deaf 0", "slow 4 (and 3 more of such)", "slow 5"]
