"""Reads recorded readings: CSV with a header, a row number before each row, a local ``date``.

The shipped files are the occupancy data set (``data/SOURCE.md``); any folder of files of the same
form can be replayed. Numbers keep the text of the file, so that what is stored is what was written.
"""

import csv
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from zoneinfo import ZoneInfo

from fieldline.kit.errors import Invalid

TIME_ZONE = ZoneInfo("Europe/Brussels")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
SUFFIXES = (".txt", ".csv", ".txt.gz", ".csv.gz")


@dataclass(frozen=True, slots=True)
class Row:
    """The readings of one moment: key -> the number's text as in the file."""

    ts_ms: int
    values: dict[str, str]

    def payload(self) -> bytes:
        """The telemetry message of ThingsBoard's device API for this row."""
        values = ",".join(f"{json.dumps(key)}:{text}" for key, text in self.values.items())
        return f'{{"ts":{self.ts_ms},"values":{{{values}}}}}'.encode()


@dataclass(frozen=True, slots=True)
class Recording:
    """One file: what one device measured, in the order of the file."""

    name: str
    rows: list[Row]

    @property
    def start_ms(self) -> int:
        """The earliest time."""
        return min(row.ts_ms for row in self.rows)

    @property
    def end_ms(self) -> int:
        """One ms after the latest time."""
        return max(row.ts_ms for row in self.rows) + 1

    @property
    def points(self) -> int:
        """How many points are stored of it: a key has one value at a time."""
        return len({(row.ts_ms, key) for row in self.rows for key in row.values})


def load_recordings(folder: Path | None = None) -> list[Recording]:
    """Read every file of ``folder``, or the shipped ones.

    Raises:
        Invalid: the folder cannot be read or holds no such file, or a file is not of the form; the
            text names file and line.
    """
    source: Traversable = folder if folder is not None else files("fieldline.demo") / "data"
    if not source.is_dir():
        msg = f"{source} is not a folder; give one that holds files like datatraining.txt"
        raise Invalid(msg)
    found = [
        Recording(_stem(item.name), _rows(item))
        for item in sorted(source.iterdir(), key=lambda item: item.name)
        if item.name.endswith(SUFFIXES)
    ]
    if not found:
        msg = f"{source} holds no file ending in {', '.join(SUFFIXES)}"
        raise Invalid(msg)
    return found


def _stem(file_name: str) -> str:
    return file_name.split(".", 1)[0]


def _rows(item: Traversable) -> list[Row]:
    try:
        raw = item.read_bytes()
        text = (gzip.decompress(raw) if item.name.endswith(".gz") else raw).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        msg = f"{item.name} cannot be read: {error}; expected text in UTF-8, or that by gzip"
        raise Invalid(msg) from error
    rows = list(_parsed(item.name, text.splitlines()))
    if not rows:
        msg = f"{item.name} holds no readings, only a header"
        raise Invalid(msg)
    return rows


def _parsed(name: str, lines: Iterable[str]) -> Iterator[Row]:
    reader = csv.reader(lines)
    header = next(reader, [])
    if not header or header[0] != "date":
        msg = f'{name}: the first line must be a header that begins with "date"'
        raise Invalid(msg)
    try:
        for row in reader:
            # The header does not name the row number that each row begins with.
            _number, date, *texts = row
            yield Row(_time_ms(date), dict(zip(header[1:], map(_number_text, texts), strict=True)))
    except (ValueError, csv.Error) as error:
        msg = f"{name}, line {reader.line_num}: {error}; expected number, date, values"
        raise Invalid(msg) from error


def _time_ms(date: str) -> int:
    return int(datetime.fromisoformat(date).replace(tzinfo=TIME_ZONE).timestamp() * 1000)


def _number_text(text: str) -> str:
    """Return the text as it is, which goes into a message.

    Raises:
        ValueError: it is no number of JSON.
    """
    if _NUMBER.fullmatch(text) is None:
        msg = f"'{text}' is not a number of JSON"
        raise ValueError(msg)
    return text
