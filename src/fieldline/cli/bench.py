"""``fieldline bench``: measures a platform on this machine."""

from pathlib import Path

import typer


def bench(
    *,
    scenario: list[str] = typer.Option(
        [], "--scenario", help="Run only this one; may be repeated. All but soak without it."
    ),
    database: str = typer.Option(
        "sqlite",
        "--database",
        help="sqlite, or postgresql: one that is started for it, or POSTGRES_SERVER's.",
    ),
    runs: int = typer.Option(5, "--runs", min=1, help="Runs of each scenario."),
    seconds: float = typer.Option(10.0, "--seconds", min=0.1, help="Measured time of a run."),
    warm_up: float = typer.Option(3.0, "--warm-up", min=0.0, help="Seconds before that."),
    devices: int = typer.Option(1_000, "--devices", min=1, help="Devices, a connection each."),
    window: int = typer.Option(
        1, "--window", min=1, help="Messages that a device has unacknowledged at full speed."
    ),
    rate: float = typer.Option(
        0.0, "--rate", min=0.0, help="Messages a second of half-load and soak, instead of theirs."
    ),
    connections: int = typer.Option(
        15_000, "--connections", min=1, help="Connections of idle-connections."
    ),
    gateways: int = typer.Option(100, "--gateways", min=1, help="Gateways of gateways."),
    gateway_devices: int = typer.Option(
        100, "--gateway-devices", min=1, help="Devices behind each of them."
    ),
    commands: int = typer.Option(5_000, "--commands", min=1, help="Commands of rpc."),
    points: int = typer.Option(1_000_000, "--points", min=500, help="Points of history."),
    soak: float = typer.Option(3_600.0, "--soak", min=1.0, help="Seconds of soak."),
    results: Path = typer.Option(
        Path("benchmarks/results"), "--results", help="Folder of the files to compare and keep."
    ),
    strict: bool = typer.Option(
        False, "--strict", help="Fail when a figure that must be reached is not."
    ),
    markdown: Path | None = typer.Option(
        None, "--markdown", help="Only print this result file as a table in Markdown."
    ),
) -> None:
    """Measure a platform on this machine: rates, latencies, memory, starts, queries.

    Each scenario starts a server of its own on an empty store, and checks that all that was
    acknowledged is stored.
    """
    from fieldline.bench import command  # noqa: PLC0415 - only this command needs it
    from fieldline.bench.results import markdown as as_markdown  # noqa: PLC0415
    from fieldline.bench.stage import Bench  # noqa: PLC0415
    from fieldline.kit.errors import Invalid  # noqa: PLC0415

    if markdown is not None:
        typer.echo(as_markdown(markdown), nl=False)
        return
    if database not in {"sqlite", "postgresql"}:
        msg = f"--database {database} is not known; it may be sqlite or postgresql"
        raise Invalid(msg)
    command.run(
        scenario,
        Bench(
            database=database,
            runs=runs,
            seconds=seconds,
            warm_up_s=warm_up,
            devices=devices,
            window=window,
            rate=rate,
            idle_connections=connections,
            gateways=gateways,
            gateway_devices=gateway_devices,
            commands=commands,
            history_points=points,
            soak_s=soak,
            say=typer.echo,
        ),
        results,
        strict=strict,
    )
