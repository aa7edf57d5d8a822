"""``fieldline nodes``: the rule nodes of this installation."""

import json as json_module

import typer
from rich.console import Console
from rich.table import Table

from fieldline.rules.registry import describe


def nodes(
    *,
    json: bool = typer.Option(False, "--json", help="As JSON, with the schema of each form."),
    markdown: bool = typer.Option(False, "--markdown", help="As the page docs/reference/nodes.md."),
) -> None:
    """List the rule nodes: kind, name, wire type, relations and what each does."""
    described = describe()
    if json:
        typer.echo(json_module.dumps(described, indent=2))
        return
    if markdown:
        typer.echo(_as_markdown(described), nl=False)
        return
    table = Table(box=None, pad_edge=False)
    for title in ("kind", "name", "relations", "what it does"):
        table.add_column(title, overflow="fold")
    for node in described:
        relations = ", ".join(node["relations"][:6])
        more = ", ..." if len(node["relations"]) > 6 else ""
        table.add_row(node["kind"], node["name"], relations + more, node["summary"])
    Console().print(table)


def _as_markdown(described: list[dict[str, object]]) -> str:
    lines = ["# Rule nodes", "", "This page is made by `fieldline nodes --markdown`."]
    for node in described:
        lines += ["", f"## {node['name']} ({node['kind']})", "", f"Type `{node['type']}`", ""]
        lines += [str(node["description"])]
    return "\n".join(lines) + "\n"
