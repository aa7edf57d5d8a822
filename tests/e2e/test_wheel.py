"""The built wheel runs on its own: everything that it needs is inside."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.e2e.server import Server

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)],
        cwd=source, check=True, capture_output=True,
    )  # fmt: skip
    return next(folder.glob("*.whl"))


def test_the_wheel_starts_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    """Installs the wheel alone; its dependencies are lent by this environment, Fieldline is not."""
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    site = next(environment.glob("lib/python*/site-packages"))
    subprocess.run(
        [
            str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--no-deps",
            "--offline", "--python", str(environment / "bin" / "python"), str(wheel),
        ],
        check=True,
    )  # fmt: skip
    # A path file lends a folder, but path files in that folder are not read: no editable install.
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    python = str(environment / "bin" / "python")

    assert _file_of_package(python, tmp_path).startswith(str(site))
    server = Server(tmp_path / "data", python=python)
    server.start()

    assert server.login().get("/api/auth/user")["authority"] == "TENANT_ADMIN"
    assert server.stop() == 0


@pytest.mark.long
def test_the_wheel_installs_with_its_own_dependencies(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    python = str(environment / "bin" / "python")
    subprocess.run(
        [
            str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet",
            "--python", python, "-c", str(ROOT / "requirements.lock"), str(wheel),
        ],
        check=True,
    )  # fmt: skip

    server = Server(tmp_path / "data", python=python)
    server.start()

    assert server.login().get("/api/auth/user")["authority"] == "TENANT_ADMIN"
    assert server.stop() == 0


def _file_of_package(python: str, folder: Path) -> str:
    result = subprocess.run(
        [python, "-c", "import fieldline; print(fieldline.__file__)"],
        cwd=folder, env={**os.environ, "PYTHONPATH": ""}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    return result.stdout.strip()
