from pathlib import Path

import pytest

from fieldline.app.last_run import MARK, noted

CUT_OFF = "was not stopped in good order"


def run(folder: Path, *, is_cut_off: bool = False) -> None:
    with noted(folder):
        assert (folder / MARK).exists()
        if is_cut_off:
            mark = (folder / MARK).rename(folder / "kept")
    if is_cut_off:
        mark.rename(folder / MARK)  # a killed process takes nothing away


def test_only_a_run_that_was_cut_off_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = []
    for is_cut_off in (False, False, True, False, False):
        caplog.clear()
        run(tmp_path, is_cut_off=is_cut_off)
        told.append(CUT_OFF in caplog.text)

    assert told == [False, False, False, True, False]
    assert not (tmp_path / MARK).exists()


def test_a_run_that_fails_has_ended_too(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="a port is taken"), noted(tmp_path):
        raise OSError("a port is taken")

    assert not (tmp_path / MARK).exists()


def test_a_second_process_on_the_folder_notes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with noted(tmp_path):
        with noted(tmp_path):
            pass
        is_there = (tmp_path / MARK).exists()

    assert is_there
    assert CUT_OFF not in caplog.text
    assert not (tmp_path / MARK).exists()
