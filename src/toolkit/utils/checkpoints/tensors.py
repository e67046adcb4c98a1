"""What a PyTorch pickle may refer to, and how its tensors become arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from toolkit.utils.checkpoints.elements import ELEMENTS
from toolkit.utils.checkpoints.pickled_numpy import NumpyArray, NumpyType, array_of_buffer
from toolkit.utils.checkpoints.source import Source, brief
from toolkit.utils.checkpoints.unpickler import Builder, Inert, Name, mapping

STORAGES = {
    **{"DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16"},
    **{"LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16"},
    **{"CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool"},
    **{"ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128"},
    **{"BFloat16Storage": "bfloat16", "UntypedStorage": "uint8"},
}


@dataclass(frozen=True)
class StorageType:
    """A storage class of torch: the number type of its elements, a key of ``ELEMENTS``."""

    element: str


@dataclass(frozen=True)
class NumberType:
    """A dtype of torch, a key of ``ELEMENTS``."""

    element: str


@dataclass(frozen=True)
class Storage:
    """A block of numbers in the file; ``offset`` and ``count`` are in elements of the block."""

    key: str
    element: str
    count: int
    offset: int = 0


@dataclass(frozen=True)
class Tensor:
    """A strided view of a storage; offsets and strides are in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Ignored(Inert):
    """Settings and other objects beside the tensors (``argparse.Namespace``, devices, ...)."""

    __slots__ = ()


def storage_of(identity: Any) -> Storage:
    """The storage that a persistent id of a torch pickle stands for.

    Raises:
        ValueError: the id is of another kind.
    """
    kind, *fields = identity if isinstance(identity, tuple) else (identity,)
    if kind == "module":
        raise ValueError("holds a whole module: save its state_dict() instead")
    if kind != "storage" or len(fields) not in (4, 5) or not isinstance(fields[0], StorageType):
        raise ValueError(f"has the unknown persistent id {brief(identity)}")
    block, key, _, count = fields[:4]
    view = fields[4] if len(fields) == 5 else None
    if not isinstance(key, str) or not _are_sizes((count,)):
        raise ValueError(f"has the unknown persistent id {brief(identity)}")
    if view is None:
        return Storage(key, block.element, count)
    if not isinstance(view, tuple) or len(view) != 3 or not _are_sizes(view[1:]):
        raise ValueError(f"has the unknown storage view {brief(view)}")
    return Storage(key, block.element, view[2], offset=view[1])


def to_array(source: Source, tensor: Tensor, what: str, block: np.ndarray) -> np.ndarray:
    """The tensor's numbers out of those of its whole storage, the one-dimensional ``block``."""
    storage, shape = tensor.storage, tensor.shape
    numbers = block[storage.offset :][: storage.count]
    if len(numbers) < storage.count:
        raise source.error(f"{what} needs {storage.count} numbers of storage {storage.key!r}")
    if source.count(shape, what) == 0:
        return source.finish(numbers[:0].reshape(shape), ELEMENTS[storage.element], what)
    last = tensor.offset + sum((n - 1) * s for n, s in zip(shape, tensor.strides, strict=True))
    if last >= storage.count:
        message = f"{what} of shape {shape} ends at number {last} of {storage.count}"
        raise source.error(f"{message} in storage {storage.key!r}")
    # a step that is never taken may be of any size
    steps = [s * block.itemsize if n > 1 else 0 for n, s in zip(shape, tensor.strides, strict=True)]
    view = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], shape, steps)
    return source.finish(view, ELEMENTS[storage.element], what)


def _are_sizes(values: Any) -> bool:
    return isinstance(values, tuple | list) and all(
        type(value) is int and 0 <= value < 1 << 62 for value in values
    )


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> Tensor:
    sizes = ((offset,), shape, strides)
    if not isinstance(storage, Storage) or not all(map(_are_sizes, sizes)):
        raise ValueError("a storage, an offset, sizes and strides are needed")
    if len(shape) != len(strides):
        raise ValueError(f"{len(shape)} sizes but {len(strides)} strides")
    return Tensor(storage, offset, tuple(shape), tuple(strides))


def _tensor_v2(
    storage: Any, offset: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any, marks: Any = None
) -> Tensor:
    if marks:  # bits that say "read this conjugated" or "negated"
        raise ValueError(f"a tensor marked {brief(marks)} is not read; save it resolved")
    return _tensor(storage, offset, shape, strides)


def _tensor_v3(
    storage: Any,
    offset: Any,
    shape: Any,
    strides: Any,
    grad: Any,
    hooks: Any,
    kind: Any,
    *more: Any,
) -> Tensor:
    tensor = _tensor_v2(storage, offset, shape, strides, grad, hooks, *more)
    if not isinstance(kind, NumberType):
        raise ValueError(f"the dtype is {brief(kind)}")
    size = ELEMENTS[kind.element].size
    whole = storage.count * ELEMENTS[storage.element].size // size
    return replace(tensor, storage=Storage(storage.key, kind.element, whole, storage.offset))


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


def _typed(rebuild: Any, _kind: Any, arguments: Any, _state: Any) -> Any:
    known = isinstance(rebuild, Builder) and rebuild.name.startswith("torch._utils._rebuild_")
    if not known or not isinstance(arguments, tuple):
        raise ValueError(f"it is rebuilt by {brief(rebuild)}")
    return rebuild.build(*arguments)


def _ignored(*_: Any) -> Ignored:
    return Ignored()


def _encoded(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError(f"the encoding is {brief(encoding)}")
    return text.encode("latin-1")


def _raw(data: Any = b"", encoding: Any = "latin-1") -> bytes:
    return data if isinstance(data, bytes) else _encoded(data, encoding)


# Everything that a pickle may call; nothing here is the thing of that name itself.
BUILDERS: dict[str, Callable[..., Any]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _typed,
    "torch.Size": lambda sizes=(): tuple(sizes),
    "torch.device": _ignored,
    "torch.Tensor": _ignored,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.nn.parameter.Buffer": _parameter,
    "collections.OrderedDict": lambda pairs=(): mapping(pairs),
    "collections.defaultdict": lambda _=None: {},
    "collections.Counter": _ignored,
    "argparse.Namespace": _ignored,
    "_codecs.encode": _encoded,
    **{
        f"{module}.{name}": _ignored
        for module in ("builtins", "__builtin__")
        for name in ("set", "frozenset", "list", "dict", "int", "float")  # also: default factories
    },
    **{f"{m}.{n}": _raw for m in ("builtins", "__builtin__") for n in ("bytes", "bytearray")},
    "numpy.dtype": NumpyType,
    "numpy.ndarray": _ignored,
    **{
        f"numpy.{core}.{name}": build
        for core in ("core", "_core")
        for name, build in (
            ("multiarray.scalar", _ignored),
            ("multiarray._reconstruct", NumpyArray),
            ("numeric._frombuffer", array_of_buffer),
        )
    },
}


def _names() -> dict[Name, Any]:
    names: dict[Name, Any] = {}
    for path, build in BUILDERS.items():
        module, _, name = path.rpartition(".")
        names[module, name] = Builder(path, build)
    for module in ("torch", "torch.cuda", "torch.storage"):
        names |= {(module, name): StorageType(kind) for name, kind in STORAGES.items()}
    return names | {("torch", name): NumberType(name) for name in ELEMENTS}


NAMES = _names()
