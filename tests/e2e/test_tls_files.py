"""Certificates and keys that cannot be used are named in one line."""

from pathlib import Path

import pytest

from tests.e2e.test_startup import last_line, serve

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("prefix", ["HTTP_SSL", "MQTT_SSL"])
def test_a_file_that_holds_no_certificate_is_named(tmp_path: Path, prefix: str) -> None:
    file = tmp_path / "empty.pem"
    file.write_text("no certificate")
    settings = {
        f"{prefix}_ENABLED": "true",
        f"{prefix}_CERTIFICATE": str(file),
        f"{prefix}_KEY": str(file),
    }

    line = last_line(serve(tmp_path, **settings))

    assert f"{prefix}_CERTIFICATE" in line
    assert str(file) in line
