from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from toolkit.utils.checkpoints.detect import detect
from toolkit.utils.checkpoints.source import Source

Make = Callable[[bytes], Source]


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return file.getvalue()


def tarred(*names: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return file.getvalue()


def npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, w=np.ones(3))
    return file.getvalue()


def test_each_format_is_known_by_its_content(source: Make, files: SimpleNamespace) -> None:
    npy = io.BytesIO()
    np.save(npy, np.ones(3))
    known = {
        "params": [files.params_list([]), files.params_list([])[:12]],
        "safetensors": [files.safetensors(b"{}"), files.safetensors(b'{"a":1}' + b" " * 9)],
        "torch": [
            *(files.torch_stream(dict, protocol=protocol) for protocol in range(2, 6)),
            *(files.torch_zip(dict), files.torch_zip(dict)[:50]),
        ],
        "npz": [npz(), npz()[:-9], npy.getvalue(), zipped()],
    }
    for name, contents in known.items():
        for content in contents:
            found = detect(source(content))
            assert (found.format, found.sure) == (name, True), content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html><body>404", "an HTML page"),
        (b"\xef\xbb\xbf\r\n  <HTML lang=en>", "an HTML page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>", "XML document .*AccessDenied"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"/annex/objects/MD5E-s1--0.params\n", "a git-annex pointer"),
        (b'{\n  "nodes": [\n {"op": "null"}]}', "an MXNet symbol"),
        (b'{"message": "not found"}', "JSON text: .*not found"),
        (b"Not Found\n", "text: 'Not Found'"),
        ("Größe\n".encode(), "text: 'Größe'"),
        (gzip.compress(b"x", mtime=0), "a gzip archive"),
        (bz2.compress(b"x"), "a bzip2 archive"),
        (lzma.compress(b"x"), "an xz archive"),
        (tarred("a.params"), "a tar archive"),
        (tarred("sys_info", "pickle", "storages"), "a PyTorch checkpoint of before 0.2"),
        (zipped("a.params", "b.json"), r"a zip archive of \['a.params', 'b.json'\]; unpack"),
        (zipped("a.params")[:-9], r"a zip archive of \['a.params'\]"),
        (pickle.dumps({"w": 1}), "a Python pickle"),
        (pickle.dumps({"w": 1}, 2), "a Python pickle"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "an HDF5 file"),
        (b"\x0a\x23\xd7\xce" + bytes(20), "an MXNet RecordIO file"),
        (b"\x08\x08\x12\x07pytorch", "an ONNX model"),
        (b"\x08\x03\x3a\xec\xe3", "an ONNX model"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (bytes(5000), "5000 bytes that are all zero"),
        (b"\x12\x01\x00", "begins with 12 01 00"),
        (b"\xff\xfe\xfd\xfc" * 500, "unknown format that begins with ff fe fd fc ff fe fd fc"),
    ],
)
def test_strangers_are_named(content: bytes, words: str, source: Make) -> None:
    found = detect(source(content))
    assert found.format is None
    assert re.search(words, found.text)


def test_long_text_is_cut_where_letters_are(source: Make) -> None:
    found = detect(source(("ü" * 3000).encode()))
    assert found.text.startswith("text: 'ü")
    assert len(found.text) < 150


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 29])
def test_short_files_are_no_trouble(length: int, source: Make) -> None:
    for start in (b"PK\x03\x04", b"\x80\x02\x8a", b"\x12\x01", b"\x93NUMPY", b"\x08\x03", b"{"):
        assert detect(source((start + bytes(length))[:length])).text


@pytest.mark.realdata
def test_real_files(source: Make, data_root: Path) -> None:
    expected = {
        "weights_other/onnx/mnist-8.onnx": "an ONNX model",
        "weights_mxnet/sagemaker_mnist/model.onnx": "an ONNX model",
        "weights_mxnet/djl_symbols/cv-image_classification-mlp-0.0.1-mlp-symbol.json": "a.* symbol",
        "weights_mxnet/sagemaker_mnist/model-symbol.json": "an MXNet symbol",
    }
    for name, words in expected.items():
        found = detect(source((data_root / name).read_bytes()))
        assert found.format is None
        assert re.search(words, found.text)
