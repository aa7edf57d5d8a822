"""``fieldline openapi``: the document of the REST API, or the page of the v1 dialect."""

import json
from typing import Any

import typer

MODEL = "#/components/schemas/"


def openapi(
    *,
    markdown: bool = typer.Option(
        False, "--markdown", help="As the page docs/reference/api-v1.md."
    ),
) -> None:
    """Print the OpenAPI document of both dialects of REST."""
    from fieldline.api.openapi import document_of  # noqa: PLC0415 - only for this command
    from fieldline.api.routers import THINGSBOARD, V1  # noqa: PLC0415

    if markdown:
        typer.echo("\n".join(_page(document_of(V1))), nl=False)
        return
    typer.echo(json.dumps(document_of([*THINGSBOARD, *V1]), indent=2))


def _page(document: dict[str, Any]) -> list[str]:
    models = document["components"]["schemas"]
    lines = [
        "# REST, the v1 dialect",
        "",
        "Every route of `/api/v1`; each answers at `/api` too. This page is made by",
        "`fieldline openapi --markdown` from the document that a server has at `/openapi.json`.",
        "Errors are a [V1Error](#v1error). The token of a log-in goes into the header",
        "`X-Authorization: Bearer <token>` or `Authorization`.",
        "",
    ]
    resources: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            resources.setdefault(operation["tags"][0], []).append((method, path, operation))
    for resource, found in resources.items():
        lines += [f"## {resource}", ""]
        for method, path, operation in found:
            lines += _operation(method.upper(), path, operation)
    lines += ["## Bodies and answers", ""]
    for name, model in models.items():
        lines += _model(name, model)
    return lines


def _operation(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    lines = [f"### {method} `{path}`", "", operation.get("description", ""), ""]
    lines += [f"- Who: {', '.join(operation['x-roles']) or 'anybody, without a token'}"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        lines += [f"- Body: {_type(body['schema'])}"]
    errors = []
    for status, answer in operation["responses"].items():
        if int(status) >= 400:
            errors.append(status)
            continue
        content = next(iter(answer.get("content", {}).values()), None)
        lines += [f"- {status}: {_type(content['schema']) if content else 'nothing'}"]
    lines += [f"- Errors: {', '.join(sorted(errors))}", ""]
    if operation.get("parameters"):
        lines += ["| parameter | in | type | default | |", "|---|---|---|---|---|"]
        lines += [_parameter(parameter) for parameter in operation["parameters"]] + [""]
    return lines


def _parameter(given: dict[str, Any]) -> str:
    schema = given["schema"]
    default = "required" if given.get("required") else _default(schema)
    text = given.get("description", schema.get("description", ""))
    return f"| `{given['name']}` | {given['in']} | {_type(schema)} | {default} | {text} |"


def _model(name: str, model: dict[str, Any]) -> list[str]:
    lines = [f"### {name}", ""]
    if model.get("description"):
        lines += [model["description"].replace("\n", " "), ""]
    if "properties" not in model:
        return [*lines, f"{_type(model)}", ""]
    required = model.get("required", ())
    lines += ["| field | type | default | |", "|---|---|---|---|"]
    for field, schema in model["properties"].items():
        default = "required" if field in required else _default(schema)
        text = schema.get("description", "").replace("\n", " ")
        lines.append(f"| `{field}` | {_type(schema)} | {default} | {text} |")
    return [*lines, ""]


def _default(schema: dict[str, Any]) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else "-"


def _type(schema: dict[str, Any]) -> str:
    """Say a JSON schema in words."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(MODEL)
        return f"[{name}](#{name.lower()})"
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(_type(each) for each in schema[union]))
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values:
        return ", ".join(f"`{value}`" for value in values)
    kind = schema.get("type", "any JSON")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return f"{schema.get('format', kind)}{_bounds(schema)}"


def _bounds(schema: dict[str, Any]) -> str:
    words = {
        "minimum": "from", "maximum": "to", "exclusiveMinimum": "over", "exclusiveMaximum": "under",
        "minLength": "from", "maxLength": "to",
    }  # fmt: skip
    said = [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    unit = " characters" if said and schema.get("type") == "string" else ""
    return f", {' '.join(said)}{unit}" if said else ""
