"""What a system administrator asks of the installation, through the real application."""

import os
import shutil
from pathlib import Path

import pytest

import fieldline
from fieldline.domains.system import machine
from fieldline.kit.service_id import SERVICE_ID
from tests.api.support import Platform
from tests.domains.support import expect_error, on_sqlite

PATHS = ("/api/admin/featuresInfo", "/api/admin/updates", "/api/admin/systemInfo")


@on_sqlite
async def test_no_other_way_to_reach_people_is_set_up(platform: Platform) -> None:
    found = (await (await platform.sysadmin()).get(PATHS[0])).json()

    assert found == {
        "emailEnabled": False,
        "smsEnabled": False,
        "notificationEnabled": False,
        "oauthEnabled": False,
        "twoFaEnabled": False,
    }


@on_sqlite
async def test_the_version_is_told_and_no_update(platform: Platform) -> None:
    found = (await (await platform.sysadmin()).get(PATHS[1])).json()

    assert found == {
        "updateAvailable": False,
        "currentVersion": fieldline.__version__,
        "latestVersion": None,
        "upgradeInstructionsUrl": None,
        "currentVersionReleaseNotesUrl": None,
        "latestVersionReleaseNotesUrl": None,
    }


async def test_the_machine_is_measured(platform: Platform) -> None:
    found = (await (await platform.sysadmin()).get(PATHS[2])).json()

    assert found["monolith"] is True
    (data,) = found["systemData"]
    assert data["serviceId"] == SERVICE_ID
    assert data["serviceType"] == "MONOLITH"
    assert data["cpuCount"] == os.cpu_count()
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert data["totalMemory"] == pages
    for use in ("cpuUsage", "memoryUsage", "discUsage"):
        assert 0 <= data[use] <= 100
    assert data["memoryUsage"] > 0
    folder = platform.services.database.path or Path.cwd()
    assert data["totalDiscSpace"] == shutil.disk_usage(folder).total


def test_use_is_counted_between_two_readings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of 100 ticks 60 are idle and 10 wait for a disk: 30 per cent are work."""
    stat = tmp_path / "stat"
    stat.write_text("cpu 10 0 10 100 5 0 0 0 0 0\ncpu0 1\n")
    monkeypatch.setattr(machine, "STAT", stat)
    later = "cpu 30 0 20 160 15 0 0 0 0 0\ncpu0 1\n"
    monkeypatch.setattr("time.sleep", lambda _s: stat.write_text(later))

    assert machine.measure(tmp_path).cpu_usage == 30


def test_what_a_system_does_not_tell_is_not_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "STAT", tmp_path / "none")
    monkeypatch.setattr(machine, "MEMINFO", tmp_path / "none")

    found = machine.measure(tmp_path)

    assert (found.cpu_usage, found.memory_usage, found.total_memory) == (None, None, None)
    assert found.total_disc_space > 0


@on_sqlite
async def test_only_a_system_administrator_may_ask(platform: Platform) -> None:
    tenant = await platform.tenant()

    for client in (tenant.admin, tenant.customer_user):
        for path in PATHS:
            expect_error(await client.get(path), 403, 20)
