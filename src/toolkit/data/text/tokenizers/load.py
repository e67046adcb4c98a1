"""One door to tokenizers in files, whoever laid them out."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.data.text.tokenizers.byte_bpe import ByteBPETokenizer
from toolkit.data.text.tokenizers.marian import FILES, MarianTokenizer
from toolkit.data.text.tokenizers.sentencepiece_tokenizer import SentencePieceTokenizer
from toolkit.data.text.tokenizers.template import TEMPLATES
from toolkit.data.text.tokenizers.tokenizer import Tokenizer
from toolkit.data.text.tokenizers.tokenizer_json import load_json
from toolkit.data.text.tokenizers.wordpiece import WordPieceOptions, WordPieceTokenizer

# T5's hundred tokens for gaps stand in the vocabulary from the last to the first.
GAPS = tuple(f"<extra_id_{i}>" for i in reversed(range(100)))


@dataclass(frozen=True)
class Layout:
    """Files that lie together, and what reads them."""

    files: tuple[str, ...]
    read: Callable[..., Tokenizer]  # the paths, the configuration, the engine


def _json(path: Path, config: dict[str, Any], engine: str) -> Tokenizer:
    return load_json(path, engine=engine)


def _wordpiece(path: Path, config: dict[str, Any], engine: str) -> Tokenizer:
    options = WordPieceOptions(
        lower=config.get("do_lower_case", True),
        strip_accents=config.get("strip_accents"),
        cjk=config.get("tokenize_chinese_chars", True),
    )
    return WordPieceTokenizer.load(path, options, engine=engine)


def _byte_bpe(vocab: Path, merges: Path, config: dict[str, Any], engine: str) -> Tokenizer:
    template = "roberta" if "roberta" in _class(config) else "plain"
    return ByteBPETokenizer.load(vocab, merges, template=TEMPLATES[template], engine=engine)


def _sentencepiece(path: Path, config: dict[str, Any], engine: str) -> Tokenizer:
    kind = next((name for name in ("t5", "xlnet") if name in _class(config)), "plain")
    if "albert" in _class(config):
        kind = "bert"
    extra = GAPS if kind == "t5" else ()
    return SentencePieceTokenizer(path, template=TEMPLATES[kind], extra_tokens=extra)


def _marian(
    source: Path, target: Path, vocab: Path, config: dict[str, Any], engine: str
) -> Tokenizer:
    return MarianTokenizer(source, target, vocab)


def _class(config: dict[str, Any]) -> str:
    return str(config.get("tokenizer_class") or config.get("model_type") or "").lower()


LAYOUTS = (
    Layout(("tokenizer.json",), _json),
    Layout(FILES, _marian),
    Layout(("vocab.json", "merges.txt"), _byte_bpe),
    Layout(("encoder.json", "vocab.bpe"), _byte_bpe),
    Layout(("spiece.model",), _sentencepiece),
    Layout(("vocab.txt",), _wordpiece),
)
SUFFIXES = {".json": _json, ".txt": _wordpiece, ".vocab": _wordpiece}
SUFFIXES |= {".model": _sentencepiece, ".spiece": _sentencepiece}


def load_tokenizer(
    path: str | os.PathLike[str], *, kind: str = "", engine: str = "auto"
) -> Tokenizer:
    """The tokenizer of a folder or a file.

    Args:
        path: a folder that holds ``tokenizer.json``; ``vocab.json`` and ``merges.txt``;
            ``encoder.json`` and ``vocab.bpe``; ``spiece.model``; ``source.spm``, ``target.spm`` and
            ``vocab.json``; or ``vocab.txt``. Or a file: ``.json``, ``.txt`` and ``.vocab``
            (WordPiece), ``.model`` and ``.spiece``.
        kind: "t5", "albert", "xlnet" or "roberta" decide the special tokens where the folder's
            ``tokenizer_config.json`` does not; default what its ``config.json`` says of the model.
        engine: "tokenizers", "python", or "auto": the library where it is installed.

    Raises:
        FileNotFoundError: the path, or a known file in the folder, is not there.
        ValueError: a file is broken.
    """
    path = Path(path)
    if path.is_dir():
        model = _config(path / "config.json").get("model_type")
        config = {"tokenizer_class": kind or model, **_config(path / "tokenizer_config.json")}
        for layout in LAYOUTS:
            files = [path / name for name in layout.files]
            if all(file.is_file() for file in files):
                return layout.read(*files, config, engine)
        known = ", ".join(" with ".join(layout.files) for layout in LAYOUTS)
        raise FileNotFoundError(f"{path} holds no tokenizer; looked for {known}")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there")
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: expected a folder or one of {', '.join(SUFFIXES)}")
    return SUFFIXES[path.suffix](path, {"tokenizer_class": kind}, engine)


def copy_tokenizer(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> None:
    """Copies the files of a tokenizer, those of a folder or one file, into a folder.

    Raises:
        FileNotFoundError: there are none.
    """
    path, folder = Path(path), Path(folder)
    known = {name for layout in LAYOUTS for name in layout.files} | {"tokenizer_config.json"}
    files = [path] if path.is_file() else [p for p in sorted(path.glob("*")) if p.name in known]
    if not files:
        raise FileNotFoundError(f"{path} holds no tokenizer; looked for {', '.join(sorted(known))}")
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder)


def _config(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_bytes()))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is no JSON object: {error}") from error
