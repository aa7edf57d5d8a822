"""A time that no database can hold is the caller's mistake, not a failure."""

import pytest

from tests.api.support import Platform

BEYOND = 2**63
DEVICE = "00000000-0000-4000-8000-000000000001"
ORIGINATOR = {"entityType": "DEVICE", "id": DEVICE}
PAGE = "pageSize=10&page=0"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/api/audit/logs?{PAGE}&startTime=%d", 400),
        (f"/api/audit/logs/user/{DEVICE}?{PAGE}&endTime=-%d9", 400),
        ("/api/v1/auditLogs?start_ts=%d", 422),
        ("/api/v1/auditLogs?end_ts=-%d9", 422),
        (f"/api/alarms?{PAGE}&startTime=%d", 400),
        (f"/api/alarms?{PAGE}&endTime=-%d9", 400),
    ],
)
async def test_a_time_beyond_64_bits_is_refused(platform: Platform, path: str, status: int) -> None:
    tenant = await platform.tenant()

    answer = await tenant.admin.get(path % BEYOND)

    assert answer.status_code == status, answer.text
    assert "9223372036854775807" in answer.text or "-9223372036854775808" in answer.text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (
            "/api/alarm",
            {"originator": {"entityType": "DEVICE", "id": DEVICE}, "startTs": BEYOND},
            400,
        ),
        ("/api/v1/alarms", {"originator_id": DEVICE, "end_ts": -BEYOND - 1}, 422),
    ],
)
async def test_an_alarm_of_such_a_time_is_refused(
    platform: Platform, path: str, body: dict[str, object], status: int
) -> None:
    tenant = await platform.tenant()

    answer = await tenant.admin.post(path, json={"type": "Hot", "severity": "MAJOR", **body})

    assert answer.status_code == status, answer.text
    assert list(body)[-1] in answer.text
