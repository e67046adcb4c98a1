"""What MXNet 1.9.1 expects of NumPy and the standard library, and newer ones no longer have.

MXNet was made for NumPy 1.17 to 1.23 and Python 3.6 to 3.10. Names that NumPy removed in 1.24 and
2.0 are given back, with what they meant; a few that MXNet only looks up need no more than exist.
"""

from __future__ import annotations

import functools
import importlib.util
import numbers
import re
import struct
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

FINANCIAL = ("mirr", "npv", "pmt", "ppmt", "pv", "rate")  # mxnet.numpy hands them on, unused
RECORD_HEADER = "IfQQ"  # flag, label, id, id2


def provide_numpy_names(numpy: ModuleType = np) -> tuple[str, ...]:
    """Sets what ``numpy`` lacks of the names MXNet uses; returns the names set."""
    # Through __dict__: for removed names NumPy's own __getattr__ warns or raises.
    missing = {k: v for k, v in _names(numpy).items() if k not in numpy.__dict__}
    for name, value in missing.items():
        setattr(numpy, name, value)
    return tuple(missing)


def provide_distutils() -> bool:
    """Stands in for ``distutils.version`` where neither Python nor setuptools has it (3.12 on).

    MXNet compares NumPy's version with it at import, and uses nothing else of distutils.
    """
    if "distutils" in sys.modules or importlib.util.find_spec("setuptools"):
        return False
    if importlib.util.find_spec("distutils"):
        return False
    package, version = ModuleType("distutils"), ModuleType("distutils.version")
    package.__path__ = []  # a package, so that other submodules fail as not found
    package.version = version  # type: ignore[attr-defined]
    version.LooseVersion = version.StrictVersion = Version  # type: ignore[attr-defined]
    sys.modules.update({"distutils": package, "distutils.version": version})
    return True


def repair(mxnet: ModuleType | Any) -> None:
    """Replaces, in a loaded MXNet, what fails on this NumPy or SciPy and no alias can help."""
    if _is_numpy_2(np):
        np.__dict__["core"] = np.__dict__["_core"]  # the public stub, imported meanwhile, warns
    if not hasattr(np.ndarray, "tostring"):  # gone with NumPy 2.3
        mxnet.recordio.pack = pack
        mxnet.recordio.pack_img = pack_img
    for module in (mxnet.ndarray.utils, mxnet.ndarray.sparse):
        # `array` asks for scipy.sparse.csr.csr_matrix each time: a namespace SciPy is giving up.
        if sparse := getattr(module, "spsp", None):
            kinds = {"csr_matrix": sparse.csr_matrix, "coo_matrix": sparse.coo_matrix}
            module.spsp = SimpleNamespace(**kinds, csr=SimpleNamespace(**kinds))


def pack(header: Any, s: bytes) -> bytes:
    """``mxnet.recordio.pack``: a record of the header (flag, label, id, id2) and the payload."""
    _, label, number, second = header
    if isinstance(label, numbers.Number):
        return struct.pack(RECORD_HEADER, 0, label, number, second) + s
    labels = np.asarray(label, dtype=np.float32)
    return struct.pack(RECORD_HEADER, labels.size, 0.0, number, second) + labels.tobytes() + s


def pack_img(header: Any, img: np.ndarray, quality: int = 95, img_fmt: str = ".jpg") -> bytes:
    """``mxnet.recordio.pack_img``: packs ``img`` (H, W, 3; BGR), encoded as JPEG or PNG.

    Raises:
        ValueError: where OpenCV cannot encode the image.
    """
    import cv2  # an optional package, here as in MXNet

    kinds = {".jpg": cv2.IMWRITE_JPEG_QUALITY, ".jpeg": cv2.IMWRITE_JPEG_QUALITY}
    kind = {**kinds, ".png": cv2.IMWRITE_PNG_COMPRESSION}.get(img_fmt.lower())
    done, encoded = cv2.imencode(img_fmt, img, [] if kind is None else [kind, quality])
    if not done:
        raise ValueError(f"OpenCV cannot encode an image of shape {img.shape} as {img_fmt}")
    return pack(header, encoded.tobytes())


@functools.total_ordering
class Version:
    """A version that compares by its numbers: ``Version("1.17") < Version("2.5.1")``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.numbers = tuple(int(n) for n in re.findall(r"\d+", text))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.numbers == other.numbers

    def __lt__(self, other: Version) -> bool:
        return self.numbers < other.numbers

    def __hash__(self) -> int:
        return hash(self.numbers)

    def __str__(self) -> str:
        return self.text


def _is_numpy_2(numpy: ModuleType) -> bool:
    return Version(numpy.__version__) >= Version("2")


def _names(numpy: ModuleType) -> dict[str, Any]:
    names: dict[str, Any] = {
        **{"bool": bool, "int": int, "float": float, "object": object},
        **dict.fromkeys(("Inf", "Infinity", "PINF", "infty"), numpy.inf),
        **{"NINF": -numpy.inf, "NAN": numpy.nan, "NaN": numpy.nan, "PZERO": 0.0, "NZERO": -0.0},
        **{"float_": numpy.float64, "complex_": numpy.complex128},
        **{"unicode_": numpy.str_, "string_": numpy.bytes_},
        "compat": SimpleNamespace(basestring=str),
    }
    if _is_numpy_2(numpy):
        names["core"] = numpy._core  # the public stub warns at each use
    # Each is a function of its own: MXNet keys its dispatch table by these, one entry a name.
    renamed: dict[str, Callable[..., Any]] = {
        "product": numpy.prod,
        "cumproduct": numpy.cumprod,
        "sometrue": numpy.any,
        "alltrue": numpy.all,
        "round_": numpy.round,
        "row_stack": numpy.vstack,
        "trapz": lambda *args, **options: numpy.trapezoid(*args, **options),
        "in1d": lambda a, b, **options: numpy.isin(a, b, **options).ravel(),
        "msort": lambda a: numpy.sort(a, axis=0),
        "asfarray": lambda a, dtype=numpy.float64: numpy.asarray(a, dtype=dtype),
    }
    names.update({k: _named(k, f) for k, f in renamed.items()})
    names.update({k: _named(k, _gone(k)) for k in FINANCIAL})
    return names


def _named(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        return function(*args, **options)

    call.__name__ = call.__qualname__ = name
    return call


def _gone(name: str) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(f"numpy.{name} left NumPy with 1.20: see numpy_financial.{name}")

    return fail
