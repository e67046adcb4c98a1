from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.deploy.manifest import Manifest, ManifestError, TensorSpec
from toolkit.utils.files import HashMismatchError

MANIFEST = Manifest(
    name="net",
    inputs=(TensorSpec("data", (None, 3, 8, 8)),),
    outputs=(TensorSpec("scores", (None, 2)), TensorSpec("ids", None, "int32")),
    task="image_classifier",
    preprocess={"name": "p", "size": [8, 8]},
    labels=("cat", "Bärenhund"),
    versions={"toolkit": "1"},
)


def test_round_trip() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


def test_a_person_can_read_it() -> None:
    text = MANIFEST.to_json()
    assert "Bärenhund" in text
    values = json.loads(text)
    assert list(values) == sorted(values)
    assert values["inputs"] == [{"dtype": "float32", "name": "data", "shape": [None, 3, 8, 8]}]


def test_a_later_field_is_ignored() -> None:
    values = {**json.loads(MANIFEST.to_json()), "colour": "red"}
    assert Manifest.from_json(json.dumps(values)) == MANIFEST


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format 99, this version reads up to 1"),
        ({"format": None}, "not a manifest"),
        ({"inputs": 3}, "'inputs' must be a list, found int"),
        ({"inputs": ["data"]}, "must be an object, found 'data'"),
        ({"inputs": [{"name": "x", "shape": ["N"], "dtype": "float32"}]}, "whole numbers and null"),
        ({"inputs": [{"name": "x", "shape": [1]}]}, "'dtype' must be a str, found nothing"),
        ({"labels": "cat"}, "'labels' must be a list or null, found str"),
        ({"files": {"../x": {"sha256": "0", "size": 1}}}, "leads out of the export's folder"),
        ({"files": {".onnx": 3}}, "must be an object, found 3"),
    ],
)
def test_a_wrong_field_is_named(change: dict, message: str, tmp_path: Path) -> None:
    path = tmp_path / "net-manifest.json"
    path.write_text(json.dumps({**json.loads(MANIFEST.to_json()), **change}))
    with pytest.raises(ManifestError, match=message) as caught:
        Manifest.read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff\xfe\x00", b"{"])
def test_what_is_no_manifest_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net-manifest.json"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=r"net-manifest\.json"):
        Manifest.read(path)


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    (tmp_path / "net.bin").write_bytes(b"12345")
    return tmp_path / "net"


def test_files_as_written_pass(prefix: Path) -> None:
    manifest = MANIFEST.with_files({".bin": prefix.with_suffix(".bin")})
    assert manifest.files[".bin"]["size"] == 5
    manifest.check_files(prefix, [".bin"])


@pytest.mark.parametrize("content", [b"12346", b"1234", b""])
def test_a_changed_file_is_refused(prefix: Path, content: bytes) -> None:
    manifest = MANIFEST.with_files({".bin": prefix.with_suffix(".bin")})
    prefix.with_suffix(".bin").write_bytes(content)
    with pytest.raises(HashMismatchError, match=r"net\.bin is not the file .* found"):
        manifest.check_files(prefix, [".bin"])


def test_a_missing_file_is_named(prefix: Path) -> None:
    manifest = replace(MANIFEST, files={".gone": {"sha256": "0" * 64, "size": 1}})
    with pytest.raises(FileNotFoundError, match=r"net\.gone is missing"):
        manifest.check_files(prefix, [".gone"])


def test_a_spec_reads_well() -> None:
    assert str(MANIFEST.inputs[0]) == "data (any, 3, 8, 8) float32"
    assert str(MANIFEST.outputs[1]) == "ids (int32)"
