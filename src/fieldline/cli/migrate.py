"""``fieldline migrate``: brings the schema up to date."""

import asyncio

import typer

from fieldline.settings import load_settings


def migrate() -> None:
    """Create the schema or bring it up to date."""
    from fieldline.app.commands import migrate_database  # noqa: PLC0415 - takes a second
    from fieldline.app.storage import database_url  # noqa: PLC0415

    settings = load_settings()
    changed = asyncio.run(migrate_database(settings))
    where = database_url(settings).render_as_string(hide_password=True)
    typer.echo(f"{'Migrated' if changed else 'Already up to date'}: {where}")
