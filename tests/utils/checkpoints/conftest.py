"""Writers of files that the readers must read or refuse, and what every result must be."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import tracemalloc
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError, read_arrays
from toolkit.utils.checkpoints.source import Source


@pytest.fixture(scope="session")
def mx() -> ModuleType:
    """MXNet, to write files with and to compare with; it warns while it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("mxnet")


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Callable[[bytes], Source]]:
    """A source of the given bytes."""
    with ExitStack() as opened:

        def make(data: bytes) -> Source:
            path = tmp_path / "source"
            path.write_bytes(data)
            return Source(path, opened.enter_context(path.open("rb")))

        yield make


@contextmanager
def taking_at_most(limit: int) -> Iterator[None]:
    """Fails where more than ``limit`` bytes are allocated at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.fixture
def frugal() -> Callable[[], AbstractContextManager[None]]:
    """A context in which hardly any memory may be taken."""
    return lambda: taking_at_most(1 << 20)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., dict[str, np.ndarray]]:
    """Reads bytes as a file, and checks what holds for the arrays of every format."""

    def run(data: bytes, **options: Any) -> dict[str, np.ndarray]:
        path = tmp_path / "checkpoint"
        path.write_bytes(data)
        arrays = read_arrays(path, **options)
        for name, array in arrays.items():
            assert isinstance(name, str)
            assert array.flags.c_contiguous
            assert array.flags.aligned
            assert array.flags.writeable
            assert array.dtype.isnative
        return arrays

    return run


@pytest.fixture
def survives(read: Callable[..., dict[str, np.ndarray]]) -> Callable[..., None]:
    """Checks that no damage to a file does worse than a CheckpointError that names the file."""

    def attempt(data: bytes) -> bool:
        problem = ""
        try:
            read(data)
        except CheckpointError as error:
            problem = str(error)
        assert "checkpoint: " in problem or not problem
        return not problem

    def run(data: bytes, *, header: int, tail: int = 0, seed: int = 0) -> None:
        assert attempt(data)
        rng = np.random.default_rng(seed)
        cuts = {*range(min(len(data), 120)), *rng.integers(0, len(data), 40).tolist()}
        accepted = [cut for cut in sorted(cuts) if attempt(data[:cut])]
        assert accepted == []
        places = [*range(header), *range(len(data) - tail, len(data))]
        for place in rng.choice(places, 200).tolist():
            damaged = bytearray(data)
            damaged[place] = rng.integers(256)
            attempt(bytes(damaged))

    return run


def params_record(
    shape: Sequence[int], flag: int, data: bytes, *, version: int = 0xF993FAC9, storage: int = 0
) -> bytes:
    """One dense array of MXNet's V1, V2 or V3, or of 2015 where ``version`` is 0."""
    if version == 0:
        head = struct.pack(f"<I{len(shape)}I", len(shape), *shape)
    else:
        head = struct.pack("<I", version)
        head += b"" if version == 0xF993FAC8 else struct.pack("<i", storage)
        head += struct.pack(f"<i{len(shape)}q", len(shape), *shape)
    return head + struct.pack("<iii", 1, 0, flag) + data


def params_list(records: Sequence[bytes], names: Sequence[str] = ()) -> bytes:
    """An MXNet list file."""
    texts = [struct.pack("<Q", len(name.encode())) + name.encode() for name in names]
    head = struct.pack("<QQQ", 0x112, 0, len(records))
    return head + b"".join(records) + struct.pack("<Q", len(names)) + b"".join(texts)


def safetensors_file(header: bytes, data: bytes = b"") -> bytes:
    """A safetensors file of a JSON text and the numbers."""
    return struct.pack("<Q", len(header)) + header + data


@dataclass(eq=False)
class Block:
    """A storage of torch."""

    array: np.ndarray
    key: str
    kind: str = "FloatStorage"
    location: str = "cpu"
    view: tuple[str, int, int] | None = None
    module: str = "torch"


class Call:
    """What is pickled as a call of the function of that name."""

    def __init__(self, path: str, *arguments: Any, state: Any = None) -> None:
        self.reduced = (named(path), arguments, state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced if self.reduced[2] is not None else self.reduced[:2]


def named(path: str) -> Any:
    """A function that is pickled as ``path``; inside ``torch_names`` alone."""
    module, _, name = path.rpartition(".")
    function = getattr(sys.modules[module], name, None)
    if function is None:
        function = lambda *_: None  # noqa: E731
        function.__module__, function.__name__, function.__qualname__ = module, name, name
        setattr(sys.modules[module], name, function)
    return function


def torch_names() -> Any:
    """Stands in for the modules of torch while a file is written."""
    names = ("torch", "torch._utils", "torch._tensor", "torch.storage", "torch.nn")
    names += ("torch.nn.parameter", "torch.nn.modules", "torch.nn.modules.linear", "evil")
    return mock.patch.dict(sys.modules, {name: ModuleType(name) for name in names})


def view(
    block: Block, shape: Sequence[int], strides: Sequence[int] | None = None, offset: int = 0
) -> Call:
    """A tensor on a storage, as torch pickles it."""
    if strides is None:
        strides = np.cumprod([1, *reversed(shape[1:])])[::-1].tolist() if shape else ()
    rebuild = "torch._utils._rebuild_tensor_v2"
    return Call(rebuild, block, offset, tuple(shape), tuple(strides), False, OrderedDict())


def torch_pickle(tree: Any, protocol: int = 2, *, storage_views: bool = False) -> bytes:
    """The pickle of a checkpoint, storages as persistent ids."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            if not isinstance(value, Block):
                return None
            kind = named(f"{value.module}.{value.kind}")
            identity = ("storage", kind, value.key, value.location, len(value.array))
            return (*identity, value.view) if storage_views else identity

    file = io.BytesIO()
    Pickler(file, protocol).dump(tree)
    return file.getvalue()


def torch_zip(
    build: Callable[[], Any],
    blocks: Sequence[Block] = (),
    *,
    protocol: int = 2,
    order: str | None = "little",
    compression: int = zipfile.ZIP_STORED,
    program: bytes | None = None,
) -> bytes:
    """A checkpoint as torch 1.6 and later write it; ``build`` makes the tree."""
    file = io.BytesIO()
    with torch_names(), zipfile.ZipFile(file, "w", compression) as archive:
        pickled = torch_pickle(build(), protocol) if program is None else program
        archive.writestr("archive/data.pkl", pickled)
        if order is not None:
            archive.writestr("archive/byteorder", order)
        for block in blocks:
            numbers = block.array.astype(block.array.dtype.newbyteorder((order or "little")[0]))
            archive.writestr(f"archive/data/{block.key}", numbers.tobytes())
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


def torch_stream(
    build: Callable[[], Any],
    blocks: Sequence[Block] = (),
    *,
    protocol: int = 2,
    program: bytes | None = None,
) -> bytes:
    """A checkpoint as torch before 1.6 writes it."""
    machine = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    parts = [pickle.dumps(value, protocol) for value in (0x1950A86A20F9469CFC6C, 1001, machine)]
    with torch_names():
        pickled = torch_pickle(build(), protocol, storage_views=True)
    parts.append(pickled if program is None else program)
    parts.append(pickle.dumps([block.key for block in blocks], protocol))
    parts += [struct.pack("<q", len(b.array)) + b.array.tobytes() for b in blocks]
    return b"".join(parts)


@pytest.fixture(scope="session")
def files() -> SimpleNamespace:
    """The writers of this module."""
    return SimpleNamespace(
        params_record=params_record,
        params_list=params_list,
        safetensors=safetensors_file,
        Block=Block,
        Call=Call,
        view=view,
        named=named,
        torch_names=torch_names,
        torch_pickle=torch_pickle,
        torch_zip=torch_zip,
        torch_stream=torch_stream,
    )
