"""Packages that load their names at first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

import toolkit
import toolkit.model_zoo


def test_importing_the_package_does_not_import_mxnet():
    code = "import sys, toolkit, toolkit.deploy, toolkit.data; sys.exit('mxnet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_name_that_a_package_hands_on_is_there():
    packages = [getattr(toolkit, name) for name in toolkit.__all__]
    assert len(packages) >= 6
    for package in packages:
        for name in getattr(package, "__all__", []):
            assert getattr(package, name) is not None
            assert name in dir(package)


def test_names_are_functions_even_when_their_module_was_imported_first():
    code = (
        "import toolkit.model_zoo.builder, toolkit.model_zoo as z;"
        "assert callable(z.get_model) and callable(z.read_labels)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"toolkit\.model_zoo.*no attribute 'get_modle'"):
        _ = toolkit.model_zoo.get_modle
