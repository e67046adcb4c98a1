"""Versions of distributions."""

from __future__ import annotations

import click

from toolkit.cli.versions import version


def test_the_version_of_what_is_installed() -> None:
    assert version("click")[0].isdecimal()
    assert click.__name__ == "click"


def test_what_is_not_installed() -> None:
    assert version("no-such-distribution") == "not installed"
