"""``fieldline migrate``: brings the schema up to date."""

import asyncio

import typer

from fieldline.app import migrate_database
from fieldline.settings import load_settings


def migrate() -> None:
    """Create the schema or bring it up to date."""
    settings = load_settings()
    changed = asyncio.run(migrate_database(settings))
    where = settings.database_url.render_as_string(hide_password=True)
    typer.echo(f"{'Migrated' if changed else 'Already up to date'}: {where}")
