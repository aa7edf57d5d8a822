"""The container's health check: exit code 0 when the server on this machine takes work.

Only the standard library, so that it costs a container little every few seconds.
"""

import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

TIMEOUT_S = 4


def why_unready(environment: Mapping[str, str]) -> str | None:
    """Return why the server is not ready, or None when it is."""
    port = environment.get("HTTP_BIND_PORT") or "8080"
    is_https = environment.get("HTTP_SSL_ENABLED", "").lower() in {"1", "true", "yes", "on"}
    url = f"{'https' if is_https else 'http'}://127.0.0.1:{port}/readyz"
    # The certificate names the server as others know it, not 127.0.0.1.
    context = ssl._create_unverified_context() if is_https else None  # noqa: S323, SLF001
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S, context=context):  # noqa: S310
            return None
    except urllib.error.HTTPError as error:
        return f"{url}: {error.code} {error.read().decode(errors='replace')}"
    except OSError as error:
        return f"{url}: {error}"


if __name__ == "__main__":
    sys.exit(why_unready(os.environ))
