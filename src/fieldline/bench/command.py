"""Runs scenarios, prints their figures beside the last ones, and keeps them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fieldline.bench import results
from fieldline.bench.scenarios import SCENARIOS
from fieldline.bench.stage import Bench
from fieldline.kit.errors import FieldlineError, Invalid

LONG = frozenset({"soak"})
"""Scenarios that run only when they are named."""


class MissedError(FieldlineError):
    """A figure that must be reached was not."""


def run(names: Sequence[str], bench: Bench, folder: Path, *, strict: bool) -> None:
    """Run scenarios, all but the long ones when none is named; results go to ``folder``.

    Raises:
        Invalid: there is no such scenario.
        MissedError: ``strict``, and a figure that must be reached was not.
    """
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        msg = f"There is no scenario {unknown[0]}; there are {', '.join(SCENARIOS)}"
        raise Invalid(msg)
    path = folder / f"{bench.database}.json"
    before = results.medians(path)
    kept: dict[str, Any] = {}
    missed = []
    for name in names or [name for name in SCENARIOS if name not in LONG]:
        bench.say(f"{name}: {SCENARIOS[name].__doc__}")
        measured = SCENARIOS[name](bench)
        bench.say(results.table(name, measured, before.get(name, {})))
        kept[name] = results.as_json(measured)
        missed += [f"{name}: {m.figure.name}" for m in measured if m.verdict == "MISSED"]
        results.save(path, bench.database, _settings(bench), kept)
    bench.say(f"written to {path}")
    if strict and missed:
        msg = f"Not reached: {'; '.join(missed)}"
        raise MissedError(msg)


def _settings(bench: Bench) -> dict[str, Any]:
    return {name: value for name, value in asdict(bench).items() if name not in {"say", "database"}}
