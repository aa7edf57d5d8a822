"""``fieldline nodes``: the rule nodes of this installation."""

import inspect
import json as json_module
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from fieldline.rules.registry import NodeType

SHOWN_RELATIONS = 6


def nodes(
    *,
    json: bool = typer.Option(False, "--json", help="As JSON, with the schema of each form."),
    markdown: bool = typer.Option(False, "--markdown", help="As the page docs/reference/nodes.md."),
) -> None:
    """List the rule nodes: kind, name, wire type, relations and what each does."""
    from rich.console import Console  # noqa: PLC0415 - only for this list
    from rich.table import Table  # noqa: PLC0415

    from fieldline.rules.registry import discover  # noqa: PLC0415

    found = sorted(discover(), key=lambda node: (node.kind, node.node.name))
    if json:
        typer.echo(json_module.dumps([_as_json(node) for node in found], indent=2))
        return
    if markdown:
        typer.echo(_as_markdown(found), nl=False)
        return
    table = Table(box=None, pad_edge=False)
    for title in ("kind", "name", "relations", "what it does"):
        table.add_column(title, overflow="fold")
    for node in found:
        relations = ", ".join(node.node.relations[:SHOWN_RELATIONS])
        more = ", ..." if len(node.node.relations) > SHOWN_RELATIONS else ""
        table.add_row(node.kind, node.node.name, relations + more, node.description)
    Console().print(table)


def _as_json(node: "NodeType") -> dict[str, object]:
    return {
        "kind": node.kind,
        "name": node.node.name,
        "type": node.type,
        "relations": [*node.node.relations, "Failure"],
        "description": node.description,
        "defaults": node.defaults(),
        "configuration": node.config.model_json_schema(by_alias=True),
    }


def _as_markdown(found: list["NodeType"]) -> str:
    lines = ["# Rule nodes", "", "This page is made by `fieldline nodes --markdown`."]
    for node in found:
        lines += ["", f"## {node.node.name} ({node.kind})", "", f"Type: `{node.type}`", ""]
        lines += [
            inspect.getdoc(node.node) or "",
            "",
            "| setting | default | meaning |",
            "|---|---|---|",
        ]
        properties = node.config.model_json_schema(by_alias=True)["properties"]
        defaults = node.defaults()
        for name, schema in properties.items():
            shown = json_module.dumps(defaults.get(name)).replace("|", "\\|")
            shown = shown if len(shown) <= 60 else "(a script)"
            lines.append(f"| `{name}` | `{shown}` | {schema.get('description', '')} |")
    return "\n".join(lines) + "\n"
