from __future__ import annotations

import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError

Read = Callable[..., dict[str, np.ndarray]]
WEIGHT = np.arange(12, dtype="<f4")


@pytest.fixture(params=["torch_zip", "torch_stream"])
def save(request: pytest.FixtureRequest, files: SimpleNamespace) -> Callable[..., bytes]:
    """Writes in one of the two layouts."""
    return getattr(files, request.param)


class Payload:
    """Calls a function when a pickle of it is loaded."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def attacks(canary: Path) -> dict[str, bytes]:
    """Programs that make the file ``canary`` when Python's own unpickler runs them."""
    touch = f"touch {canary}"
    call = text(touch) + b"\x85R"
    code = f"open({str(canary)!r}, 'w').close()"
    return {
        "os.system": pickle.dumps(Payload(os.system, touch), 2),
        "protocol 4": pickle.dumps({"w": [Payload(os.system, touch)]}, 4),
        "eval": pickle.dumps(Payload(eval, code), 2),
        "exec": pickle.dumps(Payload(exec, code), 2),
        "Popen": pickle.dumps(Payload(subprocess.call, ["touch", str(canary)]), 2),
        "open": pickle.dumps(Payload(open, str(canary), "w"), 2),
        "mkdir": pickle.dumps(Payload(os.mkdir, str(canary)), 2),
        "as a key": b"\x80\x02}cos\nsystem\n" + call + b"K\x01s.",
        "in a tensor": b"\x80\x02cos\nsystem\n" + call + b"0ctorch._utils\n_rebuild_tensor\n.",
        "in a persistent id": b"\x80\x02(X\x07\x00\x00\x00storagecos\nsystem\n" + call + b"tQ.",
        "as a persistent id": b"\x80\x02cos\nsystem\n" + call + b"Q.",
        "new object": b"\x80\x02csubprocess\nPopen\n(" + text(touch) + b"K\x00NNNNN\x88\x88t\x81.",
        "instance": b"\x80\x02(" + text(touch) + b"ios\nsystem\n.",
        "object": b"\x80\x02(cos\nsystem\n" + text(touch) + b"o.",
        "dotted": b"\x80\x04\x8c\x08builtins\x8c\x12exec.__self__.exec\x93"
        + text(code)
        + b"\x85R.",
        "attribute": b"\x80\x02cbuiltins\ngetattr\ncos\npath\n" + text("os") + b"\x86R.",
        "by way of a type": b"\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nN"
        + text(touch)
        + b"\x85}tR.",
    }


NAMES = sorted(attacks(Path("canary")))
DORMANT = {"in a tensor", "by way of a type", "attribute", "new object"}  # no harm done by Python


@pytest.mark.parametrize("name", sorted(set(NAMES) - DORMANT))
def test_the_attacks_are_real(name: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    program = attacks(canary)[name]

    class Unpickler(pickle._Unpickler):  # type: ignore[name-defined]
        def persistent_load(self, identity: Any) -> Any:
            return identity

    path = tmp_path / "x"
    path.write_bytes(program)
    with path.open("rb") as file:
        found = Unpickler(file).load()
    if hasattr(found, "wait"):
        found.wait()
    if hasattr(found, "close"):
        found.close()
    assert canary.exists()


@pytest.mark.parametrize("name", NAMES)
def test_attacks_do_not_run(
    name: str, save: Callable[..., bytes], read: Read, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    with pytest.raises(CheckpointError, match=r"refused|not run") as caught:
        read(save(dict, program=attacks(canary)[name]))
    assert "checkpoint: unreadable PyTorch file" in str(caught.value)
    assert not canary.exists()


@pytest.mark.parametrize("place", range(5))
def test_attacks_in_any_pickle_of_an_old_file_do_not_run(
    place: int, read: Read, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    parts = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {}, []]
    pickles = [pickle.dumps(part, 2) for part in parts]
    pickles[place] = attacks(canary)["os.system"]
    with pytest.raises(CheckpointError, match=r"refused and was not run|no PyTorch checkpoint"):
        read(b"".join(pickles), format=None)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("evil.load", r"refers to 'evil\.load', which is refused and was not run"),
        ("torch.storage._load_from_bytes", "_load_from_bytes"),
        ("torch.nn.modules.linear.Linear", r"a whole module: save its state_dict\(\) instead"),
        ("torch._utils._rebuild_qtensor", "_rebuild_qtensor"),
    ],
)
def test_other_names_are_refused_by_name(
    path: str, message: str, save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    with pytest.raises(CheckpointError, match=message):
        read(save(lambda: {"w": files.Call(path, b"")}))


def hostile(name: str, files: SimpleNamespace, save: Callable[..., bytes]) -> bytes:
    block = files.Block(WEIGHT, "0")
    other = files.Block(np.ones(2), "1")
    if name == "beyond":
        return save(lambda: {"w": files.view(block, (13,))}, [block])
    if name == "huge":
        return save(lambda: {"w": files.view(block, (1 << 40,), (0,))}, [block])
    if name == "missing":
        return save(lambda: {"w": files.view(block, (12,))}, [other])
    if name == "cycle":
        return save(dict, program=b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.")
    wide = b"\x80\x02]q\x00(" + b"h\x00" * 5000 + b"e."
    return save(dict, program=wide)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("beyond", "tensor 'w' of shape .13,. ends at number 12 of 12"),
        ("huge", "tensor 'w' would take 4398046511104 bytes"),
        ("missing", "'archive/data/0' of the zip archive is missing|belongs to no tensor"),
        ("cycle", "nest without end, at 'a.a.a"),
        ("wide", "nest without end"),
    ],
)
def test_hostile_trees_are_refused(
    name: str, message: str, save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    with pytest.raises(CheckpointError, match=message):
        read(hostile(name, files, save))
