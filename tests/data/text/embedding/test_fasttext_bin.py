from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from toolkit.data.text.embedding.fasttext_bin import MAGIC, read_fasttext_bin
from toolkit.data.text.subwords import NGramHashes

WORDS, BUCKETS, DIM = ["</s>", "where", "é"], 7, 2
MATRIX = np.arange((len(WORDS) + BUCKETS) * DIM, dtype="<f4").reshape(-1, DIM)
HASHES = NGramHashes(BUCKETS, (3, 4))


def model(
    *, new: bool = True, buckets: int = BUCKETS, pruned: dict | None = None, quantized: bool = False
) -> bytes:
    head = struct.pack("<2i", MAGIC, 12) if new else b""
    maxn = 4 if buckets else 0
    head += struct.pack("<12i", DIM, 5, 1, 1, 5, 1, 1, 2, buckets, 3 if maxn else 0, maxn, 100)
    head += struct.pack("<d", 1e-4) + struct.pack("<3iq", len(WORDS) + 1, len(WORDS), 1, 99)
    if new:
        head += struct.pack("<q", -1 if pruned is None else len(pruned))
    for kind, word in [*((0, w) for w in WORDS), (1, "__label__x")]:
        head += word.encode() + b"\0" + struct.pack("<qb", 3, kind)
    for pair in (pruned or {}).items():
        head += struct.pack("<2i", *pair)
    if new:
        head += struct.pack("<?", quantized)
    return head + packed(MATRIX) + (b"\0" if new else b"") + packed(MATRIX[:4])


def packed(matrix: np.ndarray) -> bytes:
    return struct.pack("<2q", *matrix.shape) + matrix.tobytes()


def mean(word: str, own: bool = True) -> list[float]:
    rows = [WORDS.index(word)] if own else []
    rows += [len(WORDS) + int(h) for h in HASHES([word])[0]]
    return MATRIX[rows].mean(0).tolist()


@pytest.mark.parametrize("new", [True, False])
def test_known_and_unknown_words(new: bool, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    path.write_bytes(model(new=new))
    vectors = read_fasttext_bin(path)
    assert list(vectors.words) == WORDS
    assert vectors("where").tolist() == pytest.approx(mean("where"))
    assert vectors("wherever").tolist() == pytest.approx(mean("wherever", own=False))
    assert vectors("</s>").tolist() == pytest.approx([0, 1] if new else mean("</s>"))
    assert vectors("").tolist() == [0, 0]
    table = vectors.vectors(progress=False)
    assert [row.tolist() for row in table] == [vectors(word).tolist() for word in WORDS]
    assert isinstance(vectors.matrix, np.memmap)


def test_models_without_ngrams_and_with_some_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    path.write_bytes(model(buckets=0))
    vectors = read_fasttext_bin(path)
    assert (vectors("where").tolist(), vectors("wher").tolist()) == ([2, 3], [0, 0])
    first = int(HASHES(["where"])[0][0])
    path.write_bytes(model(pruned={first: 0}))
    times = HASHES(["where"])[0].tolist().count(first)
    expected = (MATRIX[1] + times * MATRIX[3]) / (1 + times)
    assert read_fasttext_bin(path)("where").tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (struct.pack("<2i", MAGIC, 99), "format 99; 11 and 12 are read"),
        (struct.pack("<12i", *[-1] * 12) + bytes(40), "is no fastText model"),
        (model()[:40], "ends within a header"),
        (model()[:100], "cut off within word 0 of 4"),
        (model()[:115], "cut off within word 1 of 4"),
        (model()[: -5 - len(packed(MATRIX[:4]))], ": vector 9 of 10 is not whole"),
        (model()[:-5], "output vector 3 of 4 is not whole"),
        (model(new=False)[: -len(packed(MATRIX[:4]))], "ends within a header"),
        (model(quantized=True), "is quantized"),
    ],
)
def test_broken_files(raw: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "m.bin"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=rf"m\.bin.*{reason}"):
        read_fasttext_bin(path)
