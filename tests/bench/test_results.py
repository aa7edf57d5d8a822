"""What benchmarks keep, compare and print."""

import json
from pathlib import Path

import pytest

from fieldline.bench import results
from fieldline.bench.measuring import percentile_ms
from fieldline.bench.results import Figure, Measured
from fieldline.bench.scenarios import quarters, slope_per_hour

RATE = Figure("rate", "msg/s", must=100, aim=200, is_more_better=True)
DELAY = Figure("p99", "ms", must=100, aim=20)


@pytest.mark.parametrize(
    ("figure", "values", "verdict"),
    [
        (RATE, [99, 50, 300], "MISSED"),
        (RATE, [100, 100, 1], "must"),
        (RATE, [200, 200, 1], "aim"),
        (DELAY, [101], "MISSED"),
        (DELAY, [21, 100, 20.5], "must"),
        (DELAY, [20], "aim"),
        (Figure("generator", "%"), [1], ""),
    ],
)
def test_the_median_decides_what_is_reached(
    figure: Figure, values: list[float], verdict: str
) -> None:
    assert Measured(figure, values).verdict == verdict


@pytest.mark.parametrize(
    ("figure", "before", "now", "change"),
    [
        (RATE, 100, 94, "-6.0 % WORSE"),
        (RATE, 100, 96, "-4.0 %"),
        (RATE, 100, 200, "+100.0 %"),
        (DELAY, 100, 106, "+6.0 % WORSE"),
        (DELAY, 100, 50, "-50.0 %"),
        (DELAY, None, 50, ""),
    ],
)
def test_what_became_worse_is_marked(
    figure: Figure, before: float | None, now: float, change: str
) -> None:
    assert Measured(figure, [now]).change(before) == change


def test_a_file_keeps_every_run_and_what_other_scenarios_had(tmp_path: Path) -> None:
    path = tmp_path / "results" / "sqlite.json"
    measured = [Measured(RATE, [90, 110, 100])]
    results.save(path, "sqlite", {"runs": 3}, {"meters": results.as_json(measured)})

    again = {"starts": results.as_json([Measured(DELAY, [5])])}
    results.save(path, "sqlite", {"runs": 1}, again)

    body = json.loads(path.read_text())
    assert results.medians(path) == {"meters": {"rate": 100}, "starts": {"p99": 5}}
    assert body["scenarios"]["meters"][0]["values"] == [90, 110, 100]
    assert body["machine"]["cores"] >= 1
    assert body["versions"]["fieldline"]
    assert "| meters | rate, msg/s | 100.0 | 90.0 - 110.0 | 100 | 200 |" in results.markdown(path)
    assert results.medians(tmp_path / "none.json") == {}


def test_a_scenario_that_was_not_run_again_keeps_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sqlite.json"
    figures = results.as_json([Measured(RATE, [100])])
    monkeypatch.setattr(results, "versions", lambda: {"commit": "aaa"})
    results.save(path, "sqlite", {}, {"meters": figures, "starts": figures})
    old = json.loads(path.read_text())
    del old["measured"]  # as files were
    path.write_text(json.dumps(old))
    assert "By commit" not in results.markdown(path)

    monkeypatch.setattr(results, "versions", lambda: {"commit": "bbb"})
    results.save(path, "sqlite", {}, {"starts": figures})

    day = old["at"][:10]
    assert f"By commit: meters aaa ({day}), starts bbb ({day})." in results.markdown(path)


def test_the_table_shows_targets_and_change() -> None:
    text = results.table("meters", [Measured(RATE, [90, 110, 100])], {"rate": 125})

    assert "rate, msg/s" in text
    assert text.split("\n")[1].split()[2:] == [
        "100.0", "90.0", "110.0", "100", "200", "must", "-20.0", "%", "WORSE",
    ]  # fmt: skip


def test_percentiles_are_of_the_sorted_times() -> None:
    times = [number / 1_000 for number in range(1, 101)]

    assert percentile_ms(times, 0.5) == 51
    assert percentile_ms(times, 0.99) == 100
    assert percentile_ms(times, 1.0) == 100
    assert percentile_ms([], 0.99) == 0


def test_the_slope_leaves_the_warm_up_out() -> None:
    warm_up = [(0.0, 0.0), (100.0, 900.0)]
    settled = [(float(at_s), 1_000.0 + at_s) for at_s in range(200, 1_001, 100)]
    flat = [(float(at_s), min(at_s, 500.0)) for at_s in range(0, 1_001, 100)]

    assert slope_per_hour(warm_up + settled) == pytest.approx(3_600)
    assert slope_per_hour(flat) > 0
    assert slope_per_hour(flat, warm_up_share=0.5) == 0
    assert slope_per_hour([(0.0, 5.0)]) == 0


def test_each_quarter_of_a_soak_has_its_mean() -> None:
    memory = [(float(at_s), float(at_s)) for at_s in range(9)]

    assert quarters(memory) == [0.5, 2.5, 4.5, 7.0]
    assert quarters([(0.0, 5.0)]) == [0, 0, 0, 5]
