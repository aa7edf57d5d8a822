"""What the container files promise, read from themselves."""

import re
from pathlib import Path
from typing import Any

import yaml

from fieldline.settings import Settings, load_settings, variable_of

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
DATA = "/var/lib/fieldline"


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def last(name: str) -> str:
    return [value for key, value in instructions() if key == name][-1]


def compose() -> Any:
    return yaml.safe_load((ROOT / "deploy" / "compose" / "minimal.yml").read_text())


def ports() -> set[str]:
    """Return the ports of the settings' defaults, as text."""
    defaults = Settings.model_construct()
    return {str(defaults.http_bind_port), str(defaults.mqtt_bind_port)}


def test_the_process_is_not_root_and_owns_its_volume() -> None:
    assert last("USER") == "fieldline"
    assert last("VOLUME") == DATA
    assert f"FIELDLINE_DATA_DIR={DATA}" in last("ENV")
    assert f"install -d -o fieldline -g fieldline -m 0700 {DATA}" in last("RUN")


def test_the_bases_are_pinned_and_the_requirements_locked() -> None:
    bases = [value.split(" ")[0] for key, value in instructions() if key == "FROM"]

    assert bases
    assert all(re.fullmatch(r"python:3\.1\d-slim-\w+", base) for base in bases)
    installs = [value for key, value in instructions() if key == "RUN" and "pip install" in value]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)


def test_the_image_shows_the_default_ports_and_checks_its_health() -> None:
    exposed = set(last("EXPOSE").split())

    assert ports() <= exposed
    assert "/opt/fieldline/health.py" in last("HEALTHCHECK")


def test_what_is_copied_is_there_and_not_ignored() -> None:
    kept = (ROOT / ".dockerignore").read_text().splitlines()

    for key, value in instructions():
        if key == "COPY" and not value.startswith("--from"):
            for source in value.split(" ")[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in kept, source


def test_compose_publishes_the_default_ports_and_keeps_the_data() -> None:
    (service,) = compose()["services"].values()

    assert {port.split(":")[1] for port in service["ports"]} == ports()
    assert service["volumes"] == [f"data:{DATA}"]
    assert "data" in compose()["volumes"]
    build = service["build"]
    context = (ROOT / "deploy" / "compose" / build["context"]).resolve()
    assert (context / build["dockerfile"]) == DOCKERFILE


def test_composes_environment_is_accepted() -> None:
    (service,) = compose()["services"].values()
    # What is not given outside is empty, or the default behind ":-".
    given = {
        name: re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
        for name, value in service["environment"].items()
    }
    known = {variable_of(field): field for field in Settings.model_fields}

    settings = load_settings(**{known[name]: text for name, text in given.items() if text})

    assert settings.environment == "production"


def test_the_example_names_only_settings_that_there_are() -> None:
    known = {variable_of(field) for field in Settings.model_fields}
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = {match[1] for line in lines if (match := re.match(r"# ([A-Z_]+)=", line))}

    assert named
    assert named <= known
