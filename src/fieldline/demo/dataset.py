"""Reads recorded readings: CSV with a header, a row number before each row, a local ``date``.

The shipped files are the occupancy data set (``data/SOURCE.md``); any folder of files of the same
form can be replayed. Numbers keep the text of the file, so that what is stored is what was written.
"""

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from zoneinfo import ZoneInfo

from fieldline.kit.errors import Invalid

TIME_ZONE = ZoneInfo("Europe/Brussels")
SUFFIXES = (".txt", ".csv", ".txt.gz", ".csv.gz")


@dataclass(frozen=True, slots=True)
class Row:
    """The readings of one moment: key -> the number's text as in the file."""

    ts_ms: int
    values: dict[str, str]

    def payload(self) -> bytes:
        """The telemetry message of ThingsBoard's device API for this row."""
        values = ",".join(f'"{key}":{text}' for key, text in self.values.items())
        return f'{{"ts":{self.ts_ms},"values":{{{values}}}}}'.encode()


@dataclass(frozen=True, slots=True)
class Recording:
    """One file: what one device measured, in the order of the file."""

    name: str
    rows: list[Row]


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
        Recording(_stem(item.name), list(_rows(item)))
        for item in sorted(source.iterdir(), key=lambda item: item.name)
        if item.name.endswith(SUFFIXES)
    ]
    if not found:
        msg = f"{source} holds no file ending in {', '.join(SUFFIXES)}"
        raise Invalid(msg)
    return found


def _stem(file_name: str) -> str:
    return file_name.split(".", 1)[0]


def _rows(item: Traversable) -> Iterator[Row]:
    raw = item.read_bytes()
    text = (gzip.decompress(raw) if item.name.endswith(".gz") else raw).decode()
    reader = csv.reader(io.StringIO(text))
    header = next(reader, [])
    if not header or header[0] != "date":
        msg = f'{item.name}: the first line must be a header that begins with "date"'
        raise Invalid(msg)
    for row in reader:
        try:
            # The header does not name the row number that each row begins with.
            _number, date, *texts = row
            ts_ms = int(datetime.fromisoformat(date).replace(tzinfo=TIME_ZONE).timestamp() * 1000)
            for number in texts:
                float(number)
            yield Row(ts_ms, dict(zip(header[1:], texts, strict=True)))
        except ValueError as error:
            msg = f"{item.name}, line {reader.line_num}: {error}; expected number, date, values"
            raise Invalid(msg) from error
