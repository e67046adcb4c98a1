"""The command line as a whole: its commands, its version, its start."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Callable

import click
from click.testing import Result

import toolkit
from toolkit import cli
from toolkit.cli import main
from toolkit.cli.group import COMMANDS

Run = Callable[..., Result]


def test_every_command_has_help(run: Run) -> None:
    assert len(COMMANDS) >= 6
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        result = run(name, "--help")
        assert result.exit_code == 0
        assert command.get_short_help_str(), name
        assert isinstance(command, click.Command)


def test_every_command_of_a_module_is_listed() -> None:
    for module in pkgutil.iter_modules(cli.__path__):
        command = getattr(importlib.import_module(f"toolkit.cli.{module.name}"), module.name, None)
        assert not isinstance(command, click.Command) or command.name in COMMANDS, module.name


def test_version_names_what_matters(run: Run) -> None:
    result = run("--version")
    assert result.stdout.startswith(f"toolkit {toolkit.__version__}, Python 3.")
    assert "mxnet" in result.stdout
    assert "numpy" in result.stdout


def test_the_command_line_starts_without_mxnet(run: Run) -> None:
    code = "import sys, toolkit.cli; sys.exit('mxnet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
