"""What a start over an embedded store does not load, because it costs time and memory."""

import subprocess
import sys

NOT_NEEDED = {"alembic", "asyncpg", "httpx", "rich", "sqlalchemy.dialects.postgresql"}


def test_what_only_other_commands_and_stores_need_is_not_loaded() -> None:
    script = "import sys, fieldline.cli.main, fieldline.app.server; print(*sys.modules)"

    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()

    assert "fieldline.app.server" in loaded
    assert NOT_NEEDED & set(loaded) == set()
