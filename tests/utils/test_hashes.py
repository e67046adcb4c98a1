from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from toolkit.utils.hashes import Digest, HashedWriter, HashMismatchError, check_digest

CONTENT = b"content" * 300_000  # more than one block
SHA1 = hashlib.sha1(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize(
    "digest",
    [
        f"sha1:{SHA1}",
        f"sha256:{SHA256}",
        f"sha1:{SHA1[:8]}",
        f"SHA1:{SHA1.upper()}",
        f"sha1:{SHA1} ",
    ],
)
def test_right_digests(path: Path, digest: str) -> None:
    assert check_digest(path, digest)


@pytest.mark.parametrize(
    "digest", [f"sha1:{SHA256[:40]}", f"sha256:{SHA1[:8]}", f"sha1:{SHA1[1:9]}"]
)
def test_wrong_digests(path: Path, digest: str) -> None:
    assert not check_digest(path, digest)


def test_missing_file_and_folder_have_no_digest(tmp_path: Path) -> None:
    assert not check_digest(tmp_path / "missing", f"sha1:{SHA1}")
    assert not check_digest(tmp_path, f"sha1:{SHA1}")


@pytest.mark.parametrize(
    ("digest", "words"),
    [
        (SHA1, "is not <hash>:<hex>.*known: sha1, sha256"),
        ("sha2:" + SHA1, "unknown hash 'sha2'; did you mean .*sha256"),
        ("sha1:", "has 0 hex digits; sha1 takes 8 to 40"),
        ("sha1:1234567", "7 hex digits"),
        ("sha1:" + SHA256, "64 hex digits"),
        ("sha1:1234567g", "no hex digits"),
    ],
)
def test_malformed_digests(path: Path, digest: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_digest(path, digest)


def test_mismatch_names_both() -> None:
    expected, got = Digest.parse("sha1:00000000"), Digest.parse(f"sha1:{SHA1}")
    with pytest.raises(HashMismatchError, match=f"model.*sha1:00000000.*{SHA1}"):
        expected.demand(got, "model")
    Digest.parse(f"sha1:{SHA1[:8]}").demand(got, "model")


def test_writer_hashes_what_passes() -> None:
    sink = io.BytesIO()
    writer = HashedWriter(sink, Digest.parse("sha256:00000000"))
    for start in range(0, len(CONTENT), 999_999):
        writer.write(CONTENT[start : start + 999_999])
    assert sink.getvalue() == CONTENT
    assert str(writer.digest) == f"sha256:{SHA256}"
