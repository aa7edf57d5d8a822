from fieldline.kit.unique_name import RANDOM_CHARS, Strategy, unique_name


def test_a_free_name_stays() -> None:
    assert unique_name("a", {"b"}, separator="_", strategy=Strategy.RANDOM) == "a"


def test_counts_up_to_the_first_free_number() -> None:
    taken = {"a", "a_1", "a_2", "a_4"}

    assert unique_name("a", taken, separator="_", strategy=Strategy.INCREMENTAL) == "a_3"


def test_random_names_differ() -> None:
    names = {unique_name("a", {"a"}, separator="-", strategy=Strategy.RANDOM) for _ in range(50)}

    assert len(names) == 50
    assert all(name.startswith("a-") and len(name) == 2 + RANDOM_CHARS for name in names)
