"""What programs in C++, Java and Scala need of this installation to run exported networks.

Free of MXNet: its files are looked at, not loaded.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.utils import runtime
from toolkit.utils.cpu import usable_cores
from toolkit.utils.mxnet_import import mxnet_folder, mxnet_version, require_mxnet

LIBRARIES = ("libmxnet.so", "libmxnet.dylib")
HEADER = "mxnet/c_predict_api.h"
DJL = "ai.djl.mxnet:mxnet-engine:0.33.0"  # what brings MXNet to Java, as Maven names it
# Steps of the runtime preparation that are variables for the time that MXNet loads.
AT_LOAD = {"tuning": "MXNET_USE_OPERATOR_TUNING", "blas": "OPENBLAS_CORETYPE"}


@dataclass(frozen=True)
class DeployInfo:
    """Where MXNet's library is, and how programs find it and run it well."""

    version: str  # of MXNet
    library: Path  # the file that is linked or loaded
    include: Path  # the folder that holds mxnet/c_predict_api.h
    rpath: Path  # where the loader finds the library and those that it needs
    maven: str  # the dependency of Java programs, group:artifact:version
    environment: dict[str, str]  # what the preparation of the runtime sets in Python

    def cmake(self) -> str:
        """Options of ``cmake``, quoted for a shell."""
        return shlex.join(
            [f"-DMXNET_INCLUDE_DIR={self.include}", f"-DMXNET_LIBRARY={self.library}"]
        )

    def exports(self) -> str:
        """The environment as lines for a shell."""
        rows = self.environment.items()
        return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in rows)

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, paths as text."""
        return {k: str(v) if isinstance(v, Path) else v for k, v in vars(self).items()}


def deploy_info() -> DeployInfo:
    """Describes the installed MXNet.

    The environment holds what must be set before MXNet's library is loaded; what a program can do
    by itself later (memory, AMX) the examples' ``prepare()`` does.

    Raises:
        ModuleNotFoundError: MXNet is not installed.
        FileNotFoundError: the installed MXNet has no library or no headers.
    """
    require_mxnet()
    folder = mxnet_folder()
    assert folder is not None
    library = _first(folder, LIBRARIES)
    include = _first(folder / "include", [HEADER]).parents[1]
    return DeployInfo(
        version=mxnet_version() or "unknown",
        library=library,
        include=include,
        rpath=folder,
        maven=DJL,
        environment=_environment(library),
    )


def _first(folder: Path, names: Any) -> Path:
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise FileNotFoundError(
            f"no {' or '.join(names)} in {folder}: this MXNet was installed without what programs "
            "in other languages need; the wheels of mxnet 1.9.1 have it (`toolkit setup`)"
        )
    return found


def _environment(library: Path) -> dict[str, str]:
    variables = {
        "MXNET_LIBRARY_PATH": str(library),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(usable_cores()[0])),
    }
    for row in runtime.report():
        name = AT_LOAD.get(row.step)
        if name and row.value:  # "NAME=value"; of a library that is loaded, "kernels for value"
            variables[name] = row.value.replace("=", " ").rsplit(maxsplit=1)[-1]
    return variables
