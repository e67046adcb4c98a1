from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.data.text.embedding.npz_vectors import read_npz_vectors

VECTORS = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["O", "U"])
@pytest.mark.parametrize("unknown", ["<unk>", None, b"<unk>"])
def test_files_of_gluonnlp(save: Any, dtype: str, unknown: Any, tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    tokens = np.array(["<unk>", "é"], dtype)
    save(path, unknown_token=np.array(unknown), idx_to_token=tokens, idx_to_vec=VECTORS)
    got, vectors, found = read_npz_vectors(path)
    assert (got, vectors.tolist()) == (["<unk>", "é"], VECTORS.tolist())
    assert found == (None if unknown is None else "<unk>")
    assert isinstance(vectors, np.memmap) == (save is np.savez)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("its code was run",))


def test_no_code_is_run(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    np.savez(path, idx_to_token=np.array([Evil(), Evil()], "O"), idx_to_vec=VECTORS)
    with pytest.raises(ValueError, match="refused and was not run"):
        read_npz_vectors(path)


def write(path: Path, **arrays: np.ndarray) -> None:
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"a": VECTORS}, "holds no idx_to_token; it has a.npy"),
        ({"idx_to_token": np.array(["a"]), "idx_to_vec": VECTORS}, "1 tokens and 2 vectors"),
        ({"idx_to_token": np.array(["a"]), "idx_to_vec": VECTORS[0]}, "of type float32 and shape"),
    ],
)
def test_what_does_not_fit(arrays: dict[str, np.ndarray], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    write(path, **arrays)
    with pytest.raises(ValueError, match=reason):
        read_npz_vectors(path)


def test_broken_archives(tmp_path: Path) -> None:
    path = tmp_path / "v.npz"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match=r"v\.npz is no sound npz file"):
        read_npz_vectors(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("idx_to_token.npy", pickle.dumps(["a"]))
        archive.writestr("idx_to_vec.npy", b"")
    with pytest.raises(ValueError, match="magic"):
        read_npz_vectors(path)
