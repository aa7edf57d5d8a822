from fieldline.app.memory import CROWD, ROWS, Past, Trimmer, trim_heap


async def trims(*pasts: Past) -> list[bool | None]:
    """Return for each look whether dead cycles were collected; None without a trim."""
    past, done = iter(pasts), list[bool]()
    trimmer = Trimmer(lambda: next(past), done.append)
    looks: list[bool | None] = []
    for _ in pasts:
        before = len(done)
        await trimmer.look()
        looks.append(done[-1] if len(done) > before else None)
    return looks


async def test_the_heap_is_trimmed_each_time_that_many_have_ended() -> None:
    counts = (CROWD - 1, CROWD, CROWD + 1, 2 * CROWD - 1, 5 * CROWD, 5 * CROWD)

    looks = await trims(*(Past(ended=count) for count in counts))

    assert looks == [None, True, None, None, True, None]


async def test_the_heap_is_trimmed_each_time_that_much_was_written() -> None:
    counts = (ROWS - 1, ROWS, ROWS + 1, 2 * ROWS - 1, 2 * ROWS)

    looks = await trims(*(Past(rows=count) for count in counts))

    assert looks == [None, False, None, None, False]


async def test_both_are_counted_by_themselves() -> None:
    looks = await trims(Past(CROWD - 1, ROWS), Past(CROWD, ROWS), Past(CROWD, 2 * ROWS))

    assert looks == [False, True, False]


def test_trimming_harms_nothing() -> None:
    trim_heap(collect=True)
    trim_heap(collect=False)
