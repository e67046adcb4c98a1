"""The errors that a user can put right, and how they are said."""

from __future__ import annotations

from typing import IO, Any

import click

from toolkit.utils.install import SetupError

USER_ERRORS = (ValueError, OSError, ImportError, SetupError)


class UserError(click.ClickException):
    """Something that the user can put right: one line on stderr, exit status 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Prints the message in the style of compilers."""
        click.echo(f"error: {self.format_message()}", file=file, err=True)


def message(error: BaseException) -> str:
    """What an error says, without error numbers."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    return str(error) or type(error).__name__
