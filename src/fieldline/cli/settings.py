"""``fieldline settings``: every setting, its default, its present value and its effect."""

import json as json_module
from typing import Any

import typer
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from fieldline.settings import Settings, load_settings, variable_of


def settings(
    *,
    json: bool = typer.Option(False, "--json", help="As JSON, for programs."),
    markdown: bool = typer.Option(
        False, "--markdown", help="As the page docs/reference/settings.md."
    ),
) -> None:
    """List every setting with its default, its present value and what it does."""
    from rich.console import Console  # noqa: PLC0415 - only for this list
    from rich.table import Table  # noqa: PLC0415

    if markdown:
        typer.echo(_as_markdown(), nl=False)
        return
    rows = _rows(load_settings())
    if json:
        typer.echo(json_module.dumps(rows, indent=2))
        return
    table = Table(show_lines=False, box=None, pad_edge=False)
    for title in ("variable", "default", "now", "effect"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(row["variable"], row["default"], row["value"], row["effect"])
    Console().print(table)


def _rows(loaded: Settings | None) -> list[dict[str, str]]:
    return [
        {
            "variable": variable_of(name),
            "default": _show(field.default),
            "value": _show(getattr(loaded, name)) if loaded is not None else "",
            "effect": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]


def _as_markdown() -> str:
    lines = [
        "# Settings",
        "",
        "Environment variables, also read from a file `.env` in the working folder. This page is",
        "made by `fieldline settings --markdown`.",
        "",
        "| variable | default | effect |",
        "|---|---|---|",
    ]
    lines += [f"| `{r['variable']}` | {r['default']} | {r['effect']} |" for r in _rows(None)]
    return "\n".join(lines) + "\n"


def _show(value: Any) -> str:  # noqa: ANN401 - a setting of any type
    if value is None or value is PydanticUndefined:
        return "-"
    if isinstance(value, SecretStr):
        return "(set)"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
