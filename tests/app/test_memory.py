from fieldline.app.memory import CROWD, Trimmer, trim_heap


async def test_the_heap_is_trimmed_each_time_that_many_have_ended() -> None:
    ended = iter((CROWD - 1, CROWD, CROWD + 1, 2 * CROWD - 1, 5 * CROWD, 5 * CROWD))
    trims: list[str] = []
    trimmer = Trimmer(lambda: next(ended), lambda: trims.append("trimmed"))

    counts = []
    for _ in range(6):
        await trimmer.look()
        counts.append(len(trims))

    assert counts == [0, 1, 1, 1, 2, 2]


def test_trimming_harms_nothing() -> None:
    trim_heap()
