"""``toolkit demo``: the first thing to run."""

from __future__ import annotations

import importlib

import click

from toolkit.cli.options import common


@click.command()
@common
def demo() -> None:
    """Name what is in a picture with bundled weights, export the network, load it, compare."""
    # Not at the top: it imports MXNet, and the list of commands has to do without.
    importlib.import_module("toolkit.demo").run(click.echo)
