from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import zipfile
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from toolkit.utils.checkpoints import CheckpointError, read_arrays

Read = Callable[..., dict[str, np.ndarray]]
LAYOUTS = ["torch_zip", "torch_stream"]
WEIGHT = np.arange(12, dtype="<f4")


@pytest.fixture(params=LAYOUTS)
def save(request: pytest.FixtureRequest, files: SimpleNamespace) -> Callable[..., bytes]:
    """Writes in one of the two layouts."""
    return getattr(files, request.param)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_state_dict(
    protocol: int, save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    block, bias = files.Block(WEIGHT, "0"), files.Block(np.ones(3, "<f4"), "1", location="cuda:1")
    data = save(
        lambda: OrderedDict(
            [("module.w", files.view(block, (3, 4))), ("module.b", files.view(bias, (3,)))]
        ),
        [block, bias],
        protocol=protocol,
    )
    arrays = read(data)
    assert list(arrays) == ["module.w", "module.b"]
    np.testing.assert_array_equal(arrays["module.w"], WEIGHT.reshape(3, 4))
    np.testing.assert_array_equal(arrays["module.b"], [1, 1, 1])


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("DoubleStorage", "<f8"),
        ("HalfStorage", "<f2"),
        ("LongStorage", "<i8"),
        ("IntStorage", "<i4"),
        ("ShortStorage", "<i2"),
        ("CharStorage", "|i1"),
        ("ByteStorage", "|u1"),
        ("BoolStorage", "|b1"),
        ("ComplexFloatStorage", "<c8"),
        ("ComplexDoubleStorage", "<c16"),
    ],
)
def test_every_type(
    kind: str, dtype: str, save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    odd = files.Block(np.ones(1, "|u1"), "odd", "ByteStorage")
    block = files.Block(np.array([1, 0, 3], dtype), "1", kind)
    data = save(lambda: {"o": files.view(odd, (1,)), "w": files.view(block, (3,))}, [odd, block])
    array = read(data)["w"]
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, block.array)


def test_bfloat16_becomes_float32(
    save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    block = files.Block(np.array([0x3F80, 0xC049], "<u2"), "0", "BFloat16Storage")
    array = read(save(lambda: {"w": files.view(block, (2,))}, [block]))["w"]
    assert array.dtype == np.float32
    assert array.tolist() == [1, -3.140625]


def test_types_without_a_storage_class(
    save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    block = files.Block(np.frombuffer(b"\x7e\x38\x00\x80", "|u1"), "0", "UntypedStorage")
    block.module = "torch.storage"
    rebuild = "torch._utils._rebuild_tensor_v3"

    def tensor(dtype: str, count: int) -> Any:
        kind = files.named(f"torch.{dtype}")
        return files.Call(rebuild, block, 0, (count,), (1,), False, OrderedDict(), kind)

    data = save(lambda: {"e": tensor("float8_e4m3fn", 4), "u": tensor("uint16", 2)}, [block])
    arrays = read(data)
    assert arrays["e"].tolist() == [448, 1, 0, 0]
    assert arrays["u"].tolist() == [0x387E, 0x8000]


def test_views_of_one_storage(
    save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    block = files.Block(WEIGHT, "0")
    data = save(
        lambda: {
            "turned": files.view(block, (4, 3), (1, 4)),
            "part": files.view(block, (2, 2), (4, 1), offset=5),
            "tied": files.view(block, (12,)),
            "spread": files.view(block, (3, 4), (0, 1)),
            "scalar": files.view(block, (), offset=7),
            "empty": files.view(block, (0, 3)),
        },
        [block],
    )
    arrays = read(data)
    matrix = WEIGHT.reshape(3, 4)
    np.testing.assert_array_equal(arrays["turned"], matrix.T)
    np.testing.assert_array_equal(arrays["part"], matrix[1:, 1:3])
    np.testing.assert_array_equal(arrays["tied"], WEIGHT)
    np.testing.assert_array_equal(arrays["spread"], matrix[[0, 0, 0]])
    assert arrays["scalar"] == 7
    assert arrays["empty"].shape == (0, 3)


def test_views_of_storages_in_old_files(files: SimpleNamespace, read: Read) -> None:
    part = files.Block(WEIGHT, "0", view=("9", 4, 4))
    data = files.torch_stream(lambda: {"w": files.view(part, (4,))}, [part])
    assert read(data)["w"].tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("order", ["little", "big"])
def test_byte_orders_of_zip_files(
    order: str, compression: int, files: SimpleNamespace, read: Read
) -> None:
    block = files.Block(WEIGHT, "0")
    data = files.torch_zip(
        lambda: {"w": files.view(block, (12,))}, [block], order=order, compression=compression
    )
    np.testing.assert_array_equal(read(data)["w"], WEIGHT)


def test_an_unknown_byte_order_is_refused(files: SimpleNamespace, read: Read) -> None:
    with pytest.raises(CheckpointError, match="neither little nor big"):
        read(files.torch_zip(dict, order="<middle"))


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model", "net"])
def test_a_wrapped_state_dict_stands_for_itself(
    wrapper: str, save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    block = files.Block(WEIGHT, "0")

    def tree() -> dict[str, Any]:
        return {
            "epoch": 7,
            "args": argparse.Namespace(lr=0.1),
            "optimizer": {"state": {0: {"exp_avg": files.view(block, (12,))}}},
            wrapper: {"w": files.view(block, (12,)), "version": "1"},
            "schedule": Counter({30: 1}),
            "history": defaultdict(list, {"loss": [1.0]}),
            "seen": {1, 2},
        }

    assert list(read(save(tree, [block]))) == ["w"]


def test_nested_values_get_dotted_names(
    save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    block = files.Block(WEIGHT, "0")

    def tree() -> dict[str, Any]:
        tensor = files.view(block, (12,))
        parameter = files.Call("torch._utils._rebuild_parameter", tensor, True, OrderedDict())
        return {"a": {"b.c": tensor, 3: [tensor, 5, (parameter,)]}, "epoch": 1, "note": None}

    assert list(read(save(tree, [block]))) == ["a.b.c", "a.3.0", "a.3.2.0"]


def test_a_single_tensor_is_called_0(
    save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    block = files.Block(WEIGHT, "0")
    assert list(read(save(lambda: files.view(block, (12,)), [block]))) == ["0"]


def test_two_tensors_of_one_name_are_refused(
    save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    block = files.Block(WEIGHT, "0")

    def tree() -> dict[str, Any]:
        return {"a.b": files.view(block, (12,)), "a": {"b": files.view(block, (12,))}}

    with pytest.raises(CheckpointError, match=r"two tensors are named 'a\.b'"):
        read(save(tree, [block]))


def test_a_file_without_tensors_is_refused(save: Callable[..., bytes], read: Read) -> None:
    with pytest.raises(CheckpointError, match=r"no tensors in it, only a mapping of \['epoch'\]"):
        read(save(lambda: {"epoch": 3}))
    assert read(save(dict)) == {}


@pytest.mark.realdata
def test_a_real_file(data_root: Path) -> None:
    folder = data_root / "weights_other" / "resnet_cifar_pth" / "pretrained_models"
    arrays = read_arrays(folder / "resnet20-12fca82f.th")
    assert len(arrays) == 97
    shapes = {name: array.shape for name, array in arrays.items()}
    assert next(iter(shapes)) == "module.conv1.weight"
    assert shapes["module.conv1.weight"] == (16, 3, 3, 3)
    assert shapes["module.layer3.2.conv2.weight"] == (64, 64, 3, 3)
    assert shapes["module.linear.weight"] == (10, 64)
    assert sum(array.size for array in arrays.values()) == 271_098
    variances = [array for name, array in arrays.items() if name.endswith("running_var")]
    assert len(variances) == 19
    assert all((array > 0).all() for array in variances)
    raw = (folder / "resnet20-12fca82f.th").read_bytes()
    for name, array in arrays.items():
        assert raw.count(array.tobytes()) == 1, name


def test_files_of_torch_itself(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    state = {
        **module.state_dict(),
        "t": torch.arange(6).reshape(2, 3).T,
        "b": torch.ones(2).bfloat16(),
    }
    for zipped in (True, False):
        path = tmp_path / f"{zipped}.pth"
        checkpoint = {"epoch": 3, "state_dict": state}
        torch.save(checkpoint, path, _use_new_zipfile_serialization=zipped)
        arrays = read_arrays(path)
        assert list(arrays) == list(state)
        for name, tensor in state.items():
            expected = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
            assert arrays[name].dtype == expected.dtype
            np.testing.assert_array_equal(arrays[name], expected)


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


def test_programs_are_told_from_checkpoints(
    files: SimpleNamespace, read: Read, tmp_path: Path
) -> None:
    data = files.torch_zip(dict)
    path = tmp_path / "x.pt"
    path.write_bytes(data)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/constants.pkl", b"")
    with pytest.raises(CheckpointError, match="TorchScript program"):
        read_arrays(path)


def test_damage_is_noticed_or_harmless(
    save: Callable[..., bytes], files: SimpleNamespace, survives: Callable[..., None]
) -> None:
    block = files.Block(WEIGHT, "0")
    data = save(
        lambda: {"state_dict": OrderedDict(w=files.view(block, (3, 4)), n=np.ones(2))}, [block]
    )
    survives(data, header=len(data), seed=1)
    survives(data, header=len(data), seed=2)
