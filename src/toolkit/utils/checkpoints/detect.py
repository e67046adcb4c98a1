"""Tells what a file is from its content; its name says nothing."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from toolkit.utils.checkpoints.archive import BEGINNINGS, Archive
from toolkit.utils.checkpoints.npz import NPY_MAGIC
from toolkit.utils.checkpoints.params import LIST_MAGIC
from toolkit.utils.checkpoints.safetensors import MAX_HEADER
from toolkit.utils.checkpoints.source import CheckpointError, Source, brief

FORMATS = {
    "params": "MXNet .params",
    "safetensors": "safetensors",
    "torch": "PyTorch",
    "npz": "NumPy .npz or .npy",
}
TORCH_STREAM = re.compile(rb"\x80[\x02-\x05](\x95.{8})?\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20", re.DOTALL)
PICKLE = re.compile(rb"\x80[\x01-\x05][\x28\x4d\x58\x5d\x63\x7d\x8a-\x8e\x94\x95]")
ONNX = re.compile(rb"\x08[\x01-\x20][\x12\x1a\x22\x28\x32\x3a\x42]", re.DOTALL)
# What is saved in place of a checkpoint: by where it begins, what stands there, and what it is.
STRANGERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"version https://git-lfs", "a Git LFS pointer, not the file itself (run `git lfs pull`)"),
    (0, b"/annex/objects/", "a git-annex pointer, not the file itself"),
    (0, b"\x1f\x8b", "a gzip archive; unpack it"),
    (0, b"BZh", "a bzip2 archive; unpack it"),
    (0, b"\xfd7zXZ\x00", "an xz archive; unpack it"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive; unpack it"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (0, b"Rar!", "a RAR archive; unpack it"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras?)"),
    (0, b"GGUF", "a GGUF file"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (0, b"\x0a\x23\xd7\xce", "an MXNet RecordIO file, which holds data, not weights"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x7fELF", "a program or library"),
)


@dataclass(frozen=True)
class Found:
    """What a file is: a key of ``FORMATS`` or None, words for it, and whether they are sure."""

    format: str | None
    text: str
    sure: bool = True


def detect(source: Source) -> Found:
    """What the file is."""
    head = source.data[:1024].tobytes()
    if head.startswith(BEGINNINGS):
        return _zip(source, head)
    for match in (_checkpoint, _stranger, _text):
        if found := match(source, head):
            return found
    if not source.data.any():
        return Found(None, f"{source.size} bytes that are all zero (an unfinished download?)")
    return Found(None, f"an unknown format that begins with {head[:8].hex(' ')}", sure=False)


def _checkpoint(source: Source, head: bytes) -> Found | None:
    if head.startswith(struct.pack("<Q", LIST_MAGIC)):
        return _known("params")
    if head.startswith(NPY_MAGIC):
        return _known("npz")
    if TORCH_STREAM.match(head):
        return _known("torch")
    if len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] <= MAX_HEADER:
        return _known("safetensors")
    return None


def _known(name: str) -> Found:
    return Found(name, f"a {FORMATS[name]} file")


def _stranger(source: Source, head: bytes) -> Found | None:
    for offset, mark, text in STRANGERS:
        if head.startswith(mark, offset):
            return Found(None, text)
    if head[257:262] == b"ustar":
        if all(name in source.data[: 1 << 20].tobytes() for name in (b"sys_info", b"storages")):
            return Found(None, "a PyTorch checkpoint of before 0.2 (tar); save it with a later one")
        return Found(None, "a tar archive; unpack it")
    if PICKLE.match(head):
        return Found(None, "a Python pickle that is no PyTorch checkpoint, which is not read")
    if ONNX.match(head):
        return Found(None, "an ONNX model, which holds a graph too (deploy.load runs it)")
    return None


def _text(source: Source, head: bytes) -> Found | None:
    try:
        words = head.decode("utf-8-sig", "strict" if source.size < 1024 else "ignore").strip()
    except UnicodeDecodeError:
        return None
    if re.search(r"[\x00-\x08\x0e-\x1f\ufffd]", words) or not words:
        return None
    start = words[:64].lower()
    if "<html" in words.lower() or start.startswith("<!doctype html"):
        return Found(None, "an HTML page (a login or error page in place of the file?)")
    if start.startswith("<"):
        return Found(None, f"an XML document (a server's error message?): {brief(words)}")
    if start.startswith(("{", "[")):
        if '"nodes"' in words:
            return Found(None, "an MXNet symbol (JSON), the graph without its weights")
        return Found(None, f"JSON text: {brief(words)}")
    return Found(None, f"text: {brief(words)}")


def _zip(source: Source, head: bytes) -> Found:
    try:
        names = Archive(source).names
    except CheckpointError:
        (length,) = struct.unpack_from("<H", head.ljust(30, b"\0"), 26)
        names = [head[30 : 30 + length].decode("utf-8", "replace")]
    if any(name.endswith("/data.pkl") for name in names):
        return _known("torch")
    if all(name.endswith(".npy") for name in names):
        return _known("npz")
    return Found(None, f"a zip archive of {brief(names)}; unpack it")
