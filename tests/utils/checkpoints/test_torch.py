from __future__ import annotations

import argparse
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
WEIGHT = np.arange(12, dtype="<f4")


@pytest.fixture(params=["torch_zip", "torch_stream"])
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
@pytest.mark.parametrize("order", ["little", "big", None])
def test_byte_orders_of_zip_files(
    order: str | None, compression: int, files: SimpleNamespace, read: Read
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


def test_a_wrapper_of_settings_alone_is_no_wrapper(
    save: Callable[..., bytes], files: SimpleNamespace, read: Read
) -> None:
    block = files.Block(WEIGHT, "0")
    data = save(lambda: {"model": {"name": "x"}, "ema": {"w": files.view(block, (12,))}}, [block])
    assert list(read(data)) == ["ema.w"]


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
    survives(data, header=len(data))
