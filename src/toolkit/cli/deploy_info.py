"""``toolkit deploy-info``: what programs in other languages need of this installation."""

from __future__ import annotations

import click

from toolkit.cli.options import common, json_option
from toolkit.cli.output import cell, print_json
from toolkit.deploy.consumers import deploy_info as find
from toolkit.utils import tables


@click.command("deploy-info")
@click.option("--cmake", "form", flag_value="cmake", help="Print options of cmake.")
@click.option("--env", "form", flag_value="env", help="Print lines for a shell, to be eval'ed.")
@json_option
@common
def deploy_info(form: str | None, as_json: bool) -> None:
    """Say where MXNet's library is, for programs in C++, Java and Scala."""
    if form and as_json:
        raise click.UsageError(f"give one of --{form} and --json")
    info = find()
    if as_json:
        print_json(info.to_dict())
    elif form == "cmake":
        click.echo(info.cmake())
    elif form == "env":
        click.echo(info.exports())
    else:
        rows = [(name, cell(value)) for name, value in info.to_dict().items()]
        click.echo(tables.render((), rows))
