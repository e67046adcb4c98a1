"""The command line as a whole: its commands, its version, its start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import click
from click.testing import Result

import toolkit
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


def test_version_names_what_matters(run: Run) -> None:
    result = run("--version")
    assert result.stdout.startswith(f"toolkit {toolkit.__version__}, Python 3.")
    assert "mxnet" in result.stdout
    assert "numpy" in result.stdout


def test_the_command_line_starts_without_mxnet(run: Run) -> None:
    code = "import sys, toolkit.cli; sys.exit('mxnet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
