"""The hook around ``import mxnet``, in child processes with a stand-in package of that name."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from toolkit.utils import mxnet_import

SOURCE = Path(mxnet_import.__file__).parents[2]
STAND_IN = """
import os, warnings
from mxnet import inner
ISA = os.environ.get("SECRET")
if os.environ.get("BREAK"):
    raise RuntimeError("broken")
warnings.warn("old ways", DeprecationWarning)
warnings.warn("a real problem", UserWarning)
"""
HOOK = """
import json, os, sys, warnings
os.environ["TOOLKIT_RUNTIME"] = "0"
from toolkit.utils.mxnet_import import LoadHook
calls = []
hook = LoadHook({"SECRET": "value", "HOME": "changed"}, lambda m: calls.append(m.__name__))
hook.install()
home = os.environ["HOME"]
"""
ABSENT = """
import importlib.util, json, sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == "mxnet" else find(name, *rest)
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder to import a small ``mxnet`` from."""
    package = tmp_path / "with_mxnet" / "mxnet"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(STAND_IN)
    (package / "inner.py").write_text("import os\nSEEN = os.environ.get('SECRET')\n")
    (package / "libinfo.py").write_text('"""Info."""\n__version__ = "1.9.1"\n')
    return package.parent


def child(code: str, *paths: Path, **variables: str) -> Any:
    """What the code prints last, as JSON; warnings are errors in it."""
    path = os.pathsep.join(map(str, (*paths, SOURCE)))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "error", **variables}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_variables_are_there_while_mxnet_loads_and_only_then(stand_in: Path) -> None:
    code = f"""{HOOK}
before = os.environ.get("SECRET")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import mxnet
print(json.dumps([before, mxnet.ISA, mxnet.inner.SEEN, os.environ.get("SECRET"),
    os.environ["HOME"] == home, calls, hook in sys.meta_path, [str(w.message) for w in caught]]))
"""
    before, seen, inner, after, home, calls, stays, caught = child(code, stand_in)
    assert (before, seen, inner, after) == (None, "value", "value", None)
    assert home
    assert calls == ["mxnet"]
    assert not stays
    assert caught == ["a real problem"]  # MXNet's deprecations are hushed, the rest is not


def test_a_load_that_breaks_leaves_nothing_behind_and_can_be_tried_again(stand_in: Path) -> None:
    code = f"""{HOOK}
warnings.simplefilter("ignore")
try:
    import mxnet
except RuntimeError as error:
    text = str(error)
kept = hook in sys.meta_path, os.environ.get("SECRET"), os.environ["HOME"] == home
del os.environ["BREAK"]
import mxnet
print(json.dumps([text, kept, calls, mxnet.ISA]))
"""
    assert child(code, stand_in, BREAK="1") == ["broken", [True, None, True], ["mxnet"], "value"]


def test_looking_mxnet_up_does_not_load_it(stand_in: Path) -> None:
    code = f"""{HOOK}
import importlib.util
from toolkit.utils.mxnet_import import mxnet_folder, mxnet_missing, mxnet_version
spec = importlib.util.find_spec("mxnet")
print(json.dumps([spec.origin, str(mxnet_folder()), mxnet_version(), mxnet_missing(),
    "mxnet" in sys.modules]))
"""
    package = stand_in / "mxnet"
    expected = [str(package / "__init__.py"), str(package), "1.9.1", None, False]
    assert child(code, stand_in) == expected


def test_the_package_without_mxnet_imports_and_advises(tmp_path: Path) -> None:
    (tmp_path / "toolkit_user.py").write_text("import mxnet\n")
    code = f"""{ABSENT}
import toolkit
from toolkit.utils import runtime
def error(action):
    try:
        action()
    except ModuleNotFoundError as problem:
        return [str(problem), problem.name]
ours = {{"__name__": "toolkit.model_zoo.some_model"}}
print(json.dumps([
    runtime.mxnet_missing(), error(runtime.require_mxnet),
    error(lambda: exec("import mxnet.gluon", ours)),
    error(lambda: exec("from mxnet import nd", ours)),
    error(lambda: exec("import toolkit_user", {{}})), importlib.util.find_spec("mxnet"),
    [row.state for row in runtime.report()]]))
"""
    message, required, imported, from_import, others, spec, states = child(code, tmp_path)
    assert "toolkit.deploy.load" in message
    assert required == imported == from_import == [message, "mxnet"]
    assert others == ["No module named 'mxnet'", "mxnet"]  # everybody else's import is as it was
    assert spec is None
    assert set(states) == {"skipped"}


@pytest.mark.parametrize(
    ("system", "machine", "said"),
    [
        ("Linux", "x86_64", "toolkit setup"),
        ("Linux", "aarch64", "toolkit setup"),
        ("Darwin", "x86_64", "toolkit setup"),
        ("Darwin", "arm64", "no wheel for Darwin aarch64"),
        ("Windows", "AMD64", "no wheel for Windows x86_64"),
        ("Linux", "riscv64", "no wheel for Linux riscv64"),
    ],
)
def test_the_advice_fits_the_platform(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, said: str
) -> None:
    monkeypatch.setattr(mxnet_import, "mxnet_folder", lambda: None)
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    message = mxnet_import.mxnet_missing()
    assert message
    assert said in message
    with pytest.raises(ModuleNotFoundError, match="ONNX") as caught:
        mxnet_import.require_mxnet()
    assert caught.value.name == "mxnet"
