"""Pages of ``docs/tour``: blocks of commands, and after each the answer that it gave.

A block is fenced as ``bash tour``; the fence ``json answer`` right after it holds what it printed.
``python -m tests.e2e.tour --write`` runs them on a fresh server and writes the answers into the
pages; the test compares them with those of another one, ids, times and tokens aside.
"""

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.server import Server

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "tour"
FIRST = PAGES / "README.md"
TIMEOUT_S = 120
WIDTH = 100
"""Of an answer's lines, where it can be."""
_BLOCK = re.compile(
    r"```bash tour\n(?P<commands>.*?)```\n(?:\n```json answer\n(?P<answer>.*?)```\n)?", re.DOTALL
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\b1[6-9]\d{11}\b")
_TOKEN = re.compile(r"eyJ[\w.-]+")
_SECRET = re.compile(r"(?:eyJ[\w.-]+|(?<=[Tt]oken=)[\w-]{20,}|\b(?=\w*\d)(?=\w*[a-zA-Z])\w{20}\b)")


@dataclass(frozen=True)
class Block:
    """Commands, and what they printed; None when nothing is shown."""

    commands: str
    answer: str | None


def pages() -> list[Path]:
    """Return the pages in their order of reading; the first one logs in and is run before each."""
    names = re.findall(r"\]\(([\w-]+\.md)\)", FIRST.read_text())
    return [PAGES / name for name in names]


def blocks(page: Path) -> list[Block]:
    found = _BLOCK.finditer(page.read_text())
    return [Block(block["commands"], block["answer"]) for block in found]


def run(page: Path, server: Server, replaced: Mapping[str, str] | None = None) -> list[str]:
    """Run the page as a reader would, after the first one; returns what each block printed.

    ``replaced``: texts of the page that stand for what differs here, as ports.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = [
            "set -euo pipefail",
            "trap 'kill $(jobs -p) 2> /dev/null || true' EXIT",
            *(block.commands for block in blocks(FIRST)),
        ]
        if page == FIRST:
            script.pop()
        for number, block in enumerate(blocks(page)):
            script.append(f"{{\n{block.commands}\n}} > {folder}/{number}")
        text = (
            "\n".join(script)
            .replace("localhost:8080", f"127.0.0.1:{server.http_port}")
            .replace("-h localhost -p 1883", f"-h 127.0.0.1 -p {server.mqtt_port}")
            .replace("fieldline watch", f"fieldline watch --url ws://127.0.0.1:{server.http_port}")
        )
        for old, new in (replaced or {}).items():
            text = text.replace(old, new)
        result = subprocess.run(
            ["bash", "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S,
            check=False,
        )  # fmt: skip
        printed = [
            path.read_text().replace(f":{server.http_port}/", ":8080/")
            for number in range(len(blocks(page)))
            if (path := Path(folder, str(number))).exists()
        ]
    assert result.returncode == 0, f"after {len(printed)} blocks: {result.stderr}{printed[-1:]}"
    return printed


def normal(text: str) -> list[Any]:
    """Return the JSON values of an answer with ids, times and secrets made alike."""
    text = _SECRET.sub("<secret>", _TIME.sub("1700000000000", _UUID.sub("<id>", text)))
    decoder, values, position = json.JSONDecoder(), [], 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        values.append(value)
        while position < len(text) and text[position].isspace():
            position += 1
    return values


def pretty(text: str) -> str:
    """Write an answer as the pages show it: wide values on lines of their own."""
    decoder, parts, position = json.JSONDecoder(), [], 0
    text = text.strip()
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        parts.append(laid_out(value))
        while position < len(text) and text[position].isspace():
            position += 1
    return "\n".join(parts)


def laid_out(value: Any, indent: str = "") -> str:
    """Write JSON on one line where it fits, else one line for each part of it."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {laid_out(part, inner)}" for key, part in value.items()]
    else:
        parts = [laid_out(part, inner) for part in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{closing}"


def write(page: Path, printed: list[str]) -> None:
    """Put the answers of a run into the page."""
    answers = iter(printed)

    def replaced(found: re.Match[str]) -> str:
        answer = _TOKEN.sub("eyJhbGciOiJIUzI1NiJ9...", next(answers).strip())
        shown = f"\n```json answer\n{pretty(answer)}\n```\n" if answer else ""
        return f"```bash tour\n{found['commands']}```\n{shown}"

    page.write_text(_BLOCK.sub(replaced, page.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.tour", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the answers into the pages")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        server.start()
        try:
            for page in (FIRST, *pages()):
                printed = run(page, server)
                print(f"{page.name}: {len(printed)} blocks")  # noqa: T201
                if arguments.write:
                    write(page, printed)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
