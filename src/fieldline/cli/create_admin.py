"""``fieldline create-admin``: makes a system administrator, or gives one a new password."""

import asyncio

import typer

from fieldline.settings import load_settings


def create_admin(
    email: str = typer.Argument(help="E-mail that the administrator logs in with."),
    password: str | None = typer.Option(
        None,
        "--password",
        envvar="FIELDLINE_ADMIN_PASSWORD",
        help="Password; without it one is generated and shown.",
    ),
) -> None:
    """Create a system administrator, or set a new password for one that exists."""
    from fieldline.app.commands import create_administrator  # noqa: PLC0415 - takes a second

    shown, is_new = asyncio.run(create_administrator(load_settings(), email, password))
    typer.echo(f"{'Created' if is_new else 'New password set for'} system administrator {email}")
    if password is None:
        typer.echo(f"Password (shown only this once): {shown}")
