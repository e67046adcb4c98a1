"""``toolkit setup``: MXNet where pip alone does not install it."""

from __future__ import annotations

import click

from toolkit.cli.options import common
from toolkit.utils import install


@click.command()
@click.option("--numpy2", is_flag=True, help="Install NumPy 2 where NumPy 1 would do as well.")
@click.option("--dry-run", is_flag=True, help="Only print the command.")
@common
def setup(numpy2: bool, dry_run: bool) -> None:
    """Install MXNet where pip alone does not: on Python 3.13, or beside NumPy 2."""
    install.setup(click.echo, numpy2=numpy2, dry_run=dry_run)
