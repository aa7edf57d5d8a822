"""What benchmarks measured: kept with the machine that it was measured on, and compared."""

import json
import os
import platform
import resource
import sqlite3
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

WORSE_PERCENT = 5.0
"""A change for the worse beyond this is marked."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that a scenario measures, and what it must and should reach."""

    name: str
    unit: str
    must: float | None = None
    aim: float | None = None
    is_more_better: bool = False

    def reaches(self, value: float, target: float | None) -> bool:
        """Whether a value is as good as a target; no target is always reached."""
        if target is None:
            return True
        return value >= target if self.is_more_better else value <= target


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure's values, one for each run."""

    figure: Figure
    values: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Say what is reached: ``aim``, ``must``, ``MISSED``, or nothing without a target."""
        figure = self.figure
        if figure.must is None:
            return ""
        if not figure.reaches(self.median, figure.must):
            return "MISSED"
        return "aim" if figure.reaches(self.median, figure.aim) else "must"

    def change(self, before: float | None) -> str:
        """Say how the median changed, and mark what became worse."""
        if not before:
            return ""
        percent = 100 * (self.median - before) / before
        is_worse = (
            percent < -WORSE_PERCENT if self.figure.is_more_better else percent > WORSE_PERCENT
        )
        return f"{percent:+.1f} %{' WORSE' if is_worse else ''}"


def results_of(name: str, results: Sequence[dict[str, Any]]) -> list[float]:
    """Return one figure of each run."""
    return [result[name] for result in results]


def table(scenario: str, measured: Sequence[Measured], before: Mapping[str, float]) -> str:
    """Return a scenario's figures as text, one a line."""
    head = f"{scenario:34}{'median':>12}{'least':>12}{'most':>12}"
    lines = [f"{head}  {'must':>9}{'aim':>9}  reached  change"]
    for item in measured:
        figure = item.figure
        values = "".join(
            f"{value:>12,.1f}" for value in (item.median, min(item.values), max(item.values))
        )
        targets = f"{_target(figure.must):>9}{_target(figure.aim):>9}"
        change = item.change(before.get(figure.name))
        title = f"{figure.name}, {figure.unit}" if figure.unit else figure.name
        lines.append(f"  {title:32}{values}  {targets}  {item.verdict:8} {change}".rstrip())
    return "\n".join(lines)


def _target(value: float | None) -> str:
    return "" if value is None else f"{value:,g}"


def save(path: Path, database: str, settings: Mapping[str, Any], runs: Mapping[str, Any]) -> None:
    """Write a JSON file: when, where, with what, and every figure of every run.

    Scenarios that the file has and that were not run stay, each with when it was, and of what
    commit (``measured``).
    """
    before = json.loads(path.read_text()) if path.exists() else {}
    at, of = datetime.now(UTC).isoformat(timespec="seconds"), versions()
    now = {name: {"at": at, "commit": of["commit"]} for name in runs}
    body = {
        "at": at,
        "machine": machine(),
        "versions": of,
        "database": database,
        "settings": dict(settings),
        "scenarios": {**before.get("scenarios", {}), **runs},
        "measured": {**_measured(before), **now},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=2) + "\n")


def as_json(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return figures as plain values."""
    return [
        {
            "name": item.figure.name,
            "unit": item.figure.unit,
            "must": item.figure.must,
            "aim": item.figure.aim,
            "is_more_better": item.figure.is_more_better,
            "median": item.median,
            "values": list(item.values),
        }
        for item in measured
    ]


def medians(path: Path) -> dict[str, dict[str, float]]:
    """Return the medians that a file holds: scenario -> figure -> value; none without the file."""
    if not path.exists():
        return {}
    scenarios = json.loads(path.read_text())["scenarios"]
    return {
        name: {figure["name"]: figure["median"] for figure in figures}
        for name, figures in scenarios.items()
    }


def _measured(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return when and of what commit each scenario of a file is; an older file has one for all."""
    if "scenarios" not in body:
        return {}
    one = {"at": body["at"], "commit": body["versions"]["commit"]}
    return {name: body.get("measured", {}).get(name, one) for name in body["scenarios"]}


def markdown(path: Path) -> str:
    """Return a result file as a table in Markdown."""
    body = json.loads(path.read_text())
    host = body["machine"]
    lines = [
        f"{body['database']}, {body['at'][:10]}: {host['processor']}, {host['cores']} cores, "
        f"{host['memory_gb']} GB; "
        + ", ".join(f"{name} {text}" for name, text in body["versions"].items() if text),
        "",
        "| scenario | figure | median | least - most | must | aim |",
        "|---|---|---|---|---|---|",
    ]
    for name, figures in body["scenarios"].items():
        for figure in figures:
            least, most = min(figure["values"]), max(figure["values"])
            lines.append(
                f"| {name} | {figure['name']}, {figure['unit']} | {figure['median']:,.1f} | "
                f"{least:,.1f} - {most:,.1f} | {_target(figure['must'])} | "
                f"{_target(figure['aim'])} |"
            )
    measured = _measured(body)
    if len({of["commit"] for of in measured.values()}) > 1:
        told = (f"{name} {of['commit']} ({of['at'][:10]})" for name, of in measured.items())
        lines += ["", f"By commit: {', '.join(told)}."]
    return "\n".join(lines) + "\n"


def machine() -> dict[str, Any]:
    """Describe this machine."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "kernel": platform.release(),
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
    }


def versions() -> dict[str, str]:
    """Name the versions of what is measured."""
    return {
        "fieldline": version("fieldline"),
        "commit": _output(["git", "rev-parse", "--short", "HEAD"]),
        "python": platform.python_version(),
        "uvloop": version("uvloop"),
        "sqlite": sqlite3.sqlite_version,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
