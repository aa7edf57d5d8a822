"""Programs of the machine that some tests need, and what becomes of a test without them."""

import os
import shutil

import pytest

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
"""Where they are looked for: servers are where only root's path leads."""
_PACKAGES = {"curl": "curl", "mosquitto": "mosquitto", "mosquitto_pub": "mosquitto-clients"}
"""Debian's package for each."""


def require(*programs: str) -> None:
    """Skip the test where one is missing; fail where services are required."""
    missing = [each for each in programs if shutil.which(each, path=PATH) is None]
    if missing:
        packages = ", ".join(_PACKAGES[each] for each in missing)
        reason = f"{' and '.join(missing)} missing: install Debian's {packages}"
        if any(os.environ.get(f"FIELDLINE_REQUIRE_{each}") for each in ("SERVICES", "VENDOR")):
            pytest.fail(reason)
        pytest.skip(reason)
