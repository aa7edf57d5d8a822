"""Recordings from any folder: read, or refused with file and line."""

import gzip
import json
from pathlib import Path

import pytest

from fieldline.demo.dataset import load_recordings
from fieldline.kit.errors import Invalid


def write(folder: Path, text: str, name: str = "room.txt") -> Path:
    (folder / name).write_text(text)
    return folder


def test_reads_text_and_gzip_in_the_order_of_their_names(tmp_path: Path) -> None:
    text = '"date","CO2"\n"1","2015-02-04 17:51:00",721.25\n'
    write(tmp_path, text, "b.csv")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(text.encode()))

    recordings = load_recordings(tmp_path)

    assert [each.name for each in recordings] == ["a", "b"]
    assert [each.rows[0].payload() for each in recordings] == [
        b'{"ts":1423068660000,"values":{"CO2":721.25}}'
    ] * 2


def test_a_key_may_hold_any_character(tmp_path: Path) -> None:
    text = 'date,"CO2 ""raw"""\n1,2015-02-04 17:51:00,7\n'

    (recording,) = load_recordings(write(tmp_path, text))

    assert json.loads(recording.rows[0].payload())["values"] == {'CO2 "raw"': 7}


def test_a_time_that_comes_twice_is_stored_once(tmp_path: Path) -> None:
    lines = ["date,CO2", *["1,2015-01-01 00:01:00,1", "2,2015-01-01 00:00:00,2"] * 2]

    (recording,) = load_recordings(write(tmp_path, "\n".join(lines)))

    assert len(recording.rows) == 4
    assert recording.points == 2
    assert recording.end_ms - recording.start_ms == 60_001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "first line must be a header"),
        ("time,CO2\n", "first line must be a header"),
        ("date,CO2\n", "holds no readings"),
        ("date,CO2\n1,2015-01-01 00:00:00,high\n", "line 2"),
        ("date,CO2\n1,2015-01-01 00:00:00,nan\n", "line 2: 'nan' is not a number"),
        ("date,CO2\n1,2015-01-01 00:00:00,inf\n", "line 2: 'inf' is not a number"),
        ("date,CO2\n1,2015-01-01 00:00:00,1_0\n", "line 2: '1_0' is not a number"),
        ("date,CO2\n1,yesterday,3\n", "line 2"),
        ("date,CO2\n1,2015-01-01 00:00:00,3,4\n", "line 2"),
        ("date,CO2\n1\n", "line 2"),
    ],
)
def test_a_file_of_another_form_is_refused_with_its_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    with pytest.raises(Invalid, match=r"room\.txt") as caught:
        load_recordings(write(tmp_path, text))

    assert expected in caught.value.message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("room.txt", b"\xff\xfe"),
        ("room.txt.gz", b"not gzip"),
        ("room.txt.gz", gzip.compress(b"date,CO2\n" * 100)[:-12]),
        ("room.csv.gz", gzip.compress(b"date,CO2\n")[:10] + b"\x07\x07\x07"),
    ],
    ids=["not UTF-8", "not gzip", "cut off", "damaged"],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(Invalid, match="cannot be read"):
        load_recordings(tmp_path)


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="holds no file"):
        load_recordings(tmp_path)
    with pytest.raises(Invalid, match="is not a folder"):
        load_recordings(tmp_path / "nowhere")
