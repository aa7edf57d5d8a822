"""The composition root: builds every part, wires them together, and runs them.

The only place that knows all parts and names the backends.
"""

from fieldline.app.commands import create_administrator, migrate_database
from fieldline.app.server import run_server, serving

__all__ = ["create_administrator", "migrate_database", "run_server", "serving"]
