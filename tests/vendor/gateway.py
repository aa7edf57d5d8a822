"""ThingsBoard's IoT Gateway from PyPI, unmodified, in a process of its own."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.vendor.test_sdks import python_of

TOKEN = "GATEWAY"
_LOGS = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
}


def configure(folder: Path, port: int, connectors: Mapping[str, tuple[str, Any]]) -> None:
    """Write the gateway's configuration: where the platform is, and what it reads.

    Args:
        folder: where to.
        port: of the platform's MQTT.
        connectors: name -> type and configuration.
    """
    folder.mkdir()
    (folder / "logs.json").write_text(json.dumps(_LOGS))
    service = {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": port,
            "remoteConfiguration": False,
            "remoteShell": False,
            "security": {"type": "accessToken", "accessToken": TOKEN},
            "qos": 1,
            "minPackSendDelayMS": 10,
            "statistics": {"enable": True, "statsSendPeriodInSeconds": 1},
            "checkConnectorsConfigurationInSeconds": 60,
        },
        "storage": {
            "type": "sqlite",
            "data_file_path": f"{folder}/",
            "read_records_count": 100,
            "max_records_count": 10000,
        },
        "connectors": [
            {"type": kind, "name": name, "configuration": f"{name}.json"}
            for name, (kind, _) in connectors.items()
        ],
    }
    (folder / "tb_gateway.json").write_text(json.dumps(service))
    for name, (_, configuration) in connectors.items():
        (folder / f"{name}.json").write_text(json.dumps(configuration))


@contextmanager
def gateway(folder: Path) -> Iterator[Path]:
    """Run the gateway; gives its log."""
    python = Path(python_of("thingsboard-gateway"))
    with (folder / "gateway.log").open("ab") as log:
        process = subprocess.Popen(
            [str(python.with_name("thingsboard-gateway"))],
            cwd=folder,
            # It asks its maker for updates when it starts, and waits for the answer.
            env={
                **os.environ,
                "TB_GW_CONFIG_DIR": str(folder),
                "HTTPS_PROXY": "http://127.0.0.1:1",
                "NO_PROXY": "",
            },
            stdout=log,
            stderr=log,
        )
        try:
            yield folder / "gateway.log"
        finally:
            process.kill()
            process.wait()
