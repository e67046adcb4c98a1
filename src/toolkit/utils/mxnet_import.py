"""What happens around the first ``import mxnet``, and what is said where there is no MXNet."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import platform
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType

WHEELS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64")}
# What MXNet's own sources raise while they are compiled and run on newer Pythons and NumPys.
HUSHED = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, SyntaxWarning)


def mxnet_folder() -> Path | None:
    """The folder MXNet is, or would be, imported from; None where it is not installed."""
    loaded = sys.modules.get("mxnet")
    spec = getattr(loaded, "__spec__", None) if loaded else importlib.util.find_spec("mxnet")
    return Path(spec.origin).parent if spec and spec.origin else None


def mxnet_version() -> str | None:
    """MXNet's version, read from its files without importing it."""
    folder = mxnet_folder()
    if folder is None or not (folder / "libinfo.py").is_file():
        return None
    text = (folder / "libinfo.py").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^__version__\s*=\s*['\"]([^'\"]+)", text, re.MULTILINE)
    return found[1] if found else None


def mxnet_missing() -> str | None:
    """What to do about an absent MXNet, as a message; None where it can be imported."""
    return None if mxnet_folder() else _advice()


def require_mxnet() -> None:
    """Raises ModuleNotFoundError with the advice of `mxnet_missing` where there is no MXNet."""
    message = mxnet_missing()
    if message:
        raise ModuleNotFoundError(message, name="mxnet")


def _advice() -> str:
    system, machine = platform.system(), platform.machine()
    machine = {"AMD64": "x86_64", "arm64": "aarch64"}.get(machine, machine)
    if (system, machine) in WHEELS:
        first = "MXNet is not installed; the command `toolkit setup` installs it."
    else:
        first = (
            f"MXNet 1.9.1 has no wheel for {system} {machine}"
            " (it has for Linux x86_64 and aarch64, and macOS x86_64)."
        )
    return (
        f"{first} Without it, toolkit.deploy.load and toolkit.deploy.Predictor run ONNX exports"
        " of models (pip install 'gluon-toolkit[onnx]')."
    )


class LoadHook(MetaPathFinder):
    """Finds ``mxnet`` as usual, with variables set for the time of its load and a call after it.

    Variables that must not reach child processes or other libraries belong here: they are in the
    environment only while MXNet and its shared libraries load. Where there is no MXNet, imports
    from within this package fail with advice; everybody else's fail as they always did.
    """

    def __init__(
        self, variables: Mapping[str, str], then: Callable[[ModuleType], None] = lambda module: None
    ) -> None:
        self.variables = variables
        self.then = then

    def install(self) -> None:
        """Puts the hook in front of the finders; it leaves by itself once MXNet is loaded."""
        sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec the other finders give, its loader wrapped; None for other modules."""
        if name != "mxnet":
            return None
        others = (f for f in list(sys.meta_path) if f is not self)
        found = (f.find_spec(name, path, target) for f in others)
        spec = next((s for s in found if s is not None), None)
        if spec is None and _asked_by_toolkit():
            raise ModuleNotFoundError(_advice(), name="mxnet")
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module
            run = functools.partial(self._load, execute)
            spec.loader.exec_module = run  # type: ignore[method-assign]
        return spec

    def _load(self, execute: Callable[[ModuleType], None], module: ModuleType) -> None:
        with environment(self.variables), warnings.catch_warnings():
            for category in HUSHED:
                warnings.simplefilter("ignore", category)
            execute(module)
            self.then(module)
        if self in sys.meta_path:
            sys.meta_path.remove(self)


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for the time of the block, then puts back what was."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _asked_by_toolkit() -> bool:
    """Whether the import statement at work stands in this package."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _name(frame).startswith(("importlib", "_frozen_importlib")):
        frame = frame.f_back
    return frame is not None and _name(frame).startswith("toolkit.") and _name(frame) != __name__


def _name(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
