"""What cannot start says why in one line and exits with a code that is not 0."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import Server, free_port

pytestmark = pytest.mark.e2e


def serve(tmp_path: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "FIELDLINE_DATA_DIR": str(tmp_path / "data"),
        "HTTP_BIND_PORT": str(free_port()),
        "MQTT_BIND_PORT": str(free_port()),
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "fieldline", "serve", "--demo"],
        env=environment, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
    )  # fmt: skip


def last_line(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode != 0
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("fieldline: ")]
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize("variable", ["HTTP_BIND_PORT", "MQTT_BIND_PORT"])
def test_a_taken_port_is_named(tmp_path: Path, variable: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        line = last_line(serve(tmp_path, **{variable: str(port)}))

    assert str(port) in line
    assert variable in line


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    line = last_line(serve(tmp_path, FIELDLINE_DATA_DIR=str(tmp_path / "file" / "data")))

    assert "FIELDLINE_DATA_DIR" in line


def test_a_postgresql_that_is_away_is_named(tmp_path: Path) -> None:
    port = str(free_port())

    line = last_line(serve(tmp_path, POSTGRES_SERVER="127.0.0.1", POSTGRES_PORT=port))

    assert f"127.0.0.1:{port}" in line


def test_a_setting_that_does_not_parse_is_named_with_its_value(tmp_path: Path) -> None:
    line = last_line(serve(tmp_path, MQTT_BIND_PORT="many"))

    assert "MQTT_BIND_PORT" in line
    assert "'many'" in line


def test_a_part_that_is_not_built_yet_cannot_be_switched_on(tmp_path: Path) -> None:
    assert "KAFKA_ENABLED" in last_line(serve(tmp_path, KAFKA_ENABLED="true"))


def test_demo_logins_stay_off_the_network(tmp_path: Path) -> None:
    line = last_line(serve(tmp_path, HTTP_BIND_ADDRESS="0.0.0.0"))

    assert "FIELDLINE_DEMO_ON_NETWORK" in line


def test_starts_again_over_its_own_store_and_stops_when_asked(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start()
    assert server.stop() == 0

    server.start()

    assert server.login().get("/api/auth/user")["email"] == "tenant@thingsboard.org"
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o777 == 0o600
    assert server.stop() == 0


def test_without_demo_the_first_password_is_shown_once(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")

    password = _password_shown(server)

    assert password
    server.start("--demo")
    assert server.login("sysadmin@thingsboard.org", password).get("/api/auth/user")
    server.stop()
    assert _password_shown(server) is None


def _password_shown(server: Server) -> str | None:
    """Start without --demo, stop when ready, and return the password that was printed."""
    password = None
    with subprocess.Popen(
        [sys.executable, "-m", "fieldline", "serve"],
        env=server.environment, cwd=server.data_dir.parent, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if "Password" in line:
                password = line.rsplit(" ", 1)[1].strip()
            if "ready" in line:
                process.terminate()
    assert process.returncode == 0
    return password
