"""The image's steps, without a container engine: what it installs runs and is found healthy."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.deploy.test_files import ROOT, instructions
from tests.e2e.server import Server

HEALTH = ROOT / "deploy" / "health.py"
pytestmark = pytest.mark.e2e


def health(server: Server) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, HEALTH],
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_health_check_sees_whether_the_server_takes_work(tmp_path: Path) -> None:
    server = Server(tmp_path / "data")
    server.start()

    ready = health(server)
    server.stop()
    gone = health(server)

    assert (ready.returncode, ready.stderr) == (0, "")
    assert gone.returncode == 1
    assert f":{server.http_port}/readyz" in gone.stderr


@pytest.mark.long
def test_what_the_dockerfile_installs_serves(tmp_path: Path) -> None:
    """Its first stage, step by step, in a folder that has only what is copied."""
    prefix, build = tmp_path / "opt", tmp_path / "build"
    build.mkdir()
    for key, value in instructions():
        if key == "COPY" and not value.startswith("--from") and not value.startswith("deploy/"):
            *sources, target = value.split(" ")
            for source in sources:
                _copy(ROOT / source, build / target / (source if target == "./" else ""))
        elif key == "RUN" and value.startswith("python -m venv"):
            venv.create(prefix, with_pip=True)
        elif key == "RUN" and "pip install" in value:
            command = value.replace("/opt/fieldline", str(prefix)).split()
            subprocess.run(command, cwd=build, check=True, capture_output=True)

    server = Server(tmp_path / "data", python=str(prefix / "bin" / "python"))
    server.start()

    assert health(server).returncode == 0
    assert server.stop() == 0
    assert os.access(prefix / "bin" / "fieldline", os.X_OK)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)
