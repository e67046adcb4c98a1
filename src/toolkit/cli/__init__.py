"""The ``toolkit`` command: one module a command, each a thin layer over the packages below."""

from toolkit.cli.group import main

__all__ = ["main"]
