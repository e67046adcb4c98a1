"""Options and argument types that several commands share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import click

DEBUG = "toolkit.debug"
Command = TypeVar("Command", bound=Callable[..., Any])


def _be_verbose(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
        logging.getLogger("toolkit").setLevel(logging.DEBUG)


def _let_errors_through(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        context.meta[DEBUG] = True


def common(command: Command) -> Command:
    """Adds the options that every command has."""
    for name, callback, text in (
        ("--debug", _let_errors_through, "Show tracebacks of errors."),
        ("--verbose", _be_verbose, "Log what is done, on stderr."),
    ):
        add = click.option(name, is_flag=True, expose_value=False, callback=callback, help=text)
        command = add(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
weights_option = click.option(
    "--weights",
    metavar="FILE",
    help="A file of weights, or the tag of published ones. Default: the published ones.",
)


class Size(click.ParamType):
    """A picture's height and width, as in ``224x224``."""

    name = "HxW"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Reads the two numbers."""
        if isinstance(value, tuple):
            return value
        parts = str(value).lower().split("x")
        if len(parts) != 2 or not all(p.isdecimal() and int(p) for p in parts):
            self.fail(
                f"{value!r} is not a height and a width in pixels, such as 224x224", param, ctx
            )
        return int(parts[0]), int(parts[1])
