"""The ``fieldline`` command and what all sub-commands share: errors become one line.

A command imports what only it needs when it runs, so that ``serve`` starts without the rest.
"""

import os
import sys

import typer

from fieldline import __version__
from fieldline.cli import bench, create_admin, demo, migrate, nodes, openapi, serve, settings, watch
from fieldline.kit.errors import FieldlineError

app = typer.Typer(
    name="fieldline",
    help="An IoT platform in one small process.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("migrate")(migrate.migrate)
app.command("create-admin")(create_admin.create_admin)
app.command("settings")(settings.settings)
app.command("nodes")(nodes.nodes)
app.command("openapi")(openapi.openapi)
app.command("demo")(demo.demo)
app.command("watch")(watch.watch)
app.command("bench")(bench.bench)


def _print_version(*, value: bool) -> None:
    if value:
        typer.echo(f"fieldline {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Take the options of every sub-command."""


def run() -> None:
    """Run the command line; an expected failure is one line on standard error and exit code 1."""
    try:
        app()
    except FieldlineError as error:
        sys.stderr.write(f"fieldline: {error.message}\n")
        # Nothing is left to flush, and threads of a half-started platform must not keep it alive.
        sys.stderr.flush()
        os._exit(1)
