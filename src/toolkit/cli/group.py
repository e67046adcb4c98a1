"""The ``toolkit`` command itself: finds its subcommands, and turns users' errors into one line."""

from __future__ import annotations

import errno
import importlib
import platform
from typing import Any

import click

from toolkit import __version__
from toolkit.cli.errors import USER_ERRORS, UserError, message
from toolkit.cli.options import DEBUG, common
from toolkit.cli.versions import version

# Each is the click command of that name in the module of that name: `deploy-info` in deploy_info.
COMMANDS = (
    *("models", "info", "predict", "export", "quantize", "benchmark", "deploy-info"),
    *("launch", "plot", "pack", "demo", "setup"),
)


class Commands(click.Group):
    """Loads a command when it is asked for; users' errors become messages without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"toolkit.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; ``--debug`` lets errors through as they are."""
        try:
            return super().invoke(ctx)
        except USER_ERRORS as error:
            if ctx.meta.get(DEBUG) or getattr(error, "errno", None) == errno.EPIPE:
                raise
            raise UserError(message(error)) from error


def _versions() -> str:
    found = [f"toolkit {__version__}", f"Python {platform.python_version()}"]
    found += [f"{name} {version(name)}" for name in ("mxnet", "numpy")]
    return ", ".join(found)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message=_versions())
@common
def main() -> None:
    """Computer vision and natural language processing on MXNet's Gluon."""
