"""``toolkit launch``: one training script as several processes, here or on several machines."""

from __future__ import annotations

from pathlib import Path

import click

from toolkit.cli.options import common
from toolkit.utils.launch import hosts, job, supervisor


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="COMMAND...")
@click.option(
    "--workers", "-n", type=click.IntRange(1), required=True, help="Processes that train."
)
@click.option("--servers", "-s", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--hostfile",
    type=click.Path(path_type=Path),
    help="Machines: a line each, name[:port] [slots=N].",
)
@click.option("--root", help="This machine's address for the others. Default: found by the route.")
@click.option("--port", type=int, default=0, help="The scheduler's port. Default: a free one.")
@click.option(
    "--grace", type=float, default=60.0, show_default=True, help="Seconds to save and end."
)
@click.option("--connect", type=float, default=10.0, show_default=True, help="Seconds to connect.")
@common
def launch(
    command: tuple[str, ...],
    workers: int,
    servers: int,
    hostfile: Path | None,
    root: str | None,
    port: int,
    grace: float,
    connect: float,
) -> None:
    """Run COMMAND as WORKERS processes that train together, with parameter servers beside them."""
    machines = tuple(hosts.read_hosts(hostfile)) if hostfile else (hosts.Host(),)
    patience = supervisor.Patience(grace, connect)
    ordered = job.Job(
        command,
        workers,
        servers,
        hosts=machines,
        root=root or hosts.own_address(machines),
        port=port,
    )
    try:
        supervisor.run(ordered, patience)
    except job.JobError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(error.status) from error
