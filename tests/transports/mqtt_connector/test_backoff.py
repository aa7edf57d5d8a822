from fieldline.transports.mqtt_connector.backoff import Backoff


def test_waits_double_up_to_the_limit_and_begin_anew() -> None:
    backoff = Backoff(1, 10, chance=lambda: 1.0)

    waits = [backoff.next_s() for _ in range(6)]
    backoff.reset()

    assert waits == [1, 2, 4, 8, 10, 10]
    assert backoff.next_s() == 1


def test_each_wait_is_between_its_half_and_its_whole() -> None:
    for chance in (0.0, 0.5, 1.0):
        backoff = Backoff(4, 100, chance=lambda chance=chance: chance)  # type: ignore[misc]

        assert backoff.next_s() == 4 * (0.5 + chance / 2)
