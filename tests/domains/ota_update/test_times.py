"""The states of a device come one after the other, whatever the clock says."""

from tests.domains.ota_update.fleet import Fleet

YEARS_MS = 10**12


async def test_states_of_one_moment_have_rising_times(fleet: Fleet) -> None:
    meter = await fleet.device("meter")
    packages = [await fleet.package(version) for version in ("1", "2", "3")]

    for package in packages:
        await fleet.assign(meter, package)
        await fleet.updater.work()

    states = await fleet.states(meter)
    assert [state for _, state in states] == ["QUEUED", "INITIATED"] * 3
    assert [version for _, version in fleet.told] == ["1", "2", "3"]


async def test_a_clock_that_goes_back_takes_no_state_back(fleet: Fleet) -> None:
    meter = await fleet.device("meter")
    first, second = await fleet.package("1"), await fleet.package("2")
    await fleet.assign(meter, first)
    fleet.platform.clock.advance(YEARS_MS)
    await fleet.updater.work()

    fleet.platform.clock.advance(-YEARS_MS)
    await fleet.assign(meter, second)
    await fleet.updater.work()

    assert [state for _, state in await fleet.states(meter)] == ["QUEUED", "INITIATED"] * 2
