"""Hugging Face ``tokenizer.json`` files.

Those of BERT's and of GPT-2's kind, which are most, are read without the ``tokenizers`` library.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data.text.tokenizers.byte_bpe import ByteBPETokenizer
from toolkit.data.text.tokenizers.encoding import Pieces
from toolkit.data.text.tokenizers.engines import RustEngine, chosen
from toolkit.data.text.tokenizers.template import Template
from toolkit.data.text.tokenizers.tokenizer import Tokenizer
from toolkit.data.text.tokenizers.wordpiece import WordPieceOptions, WordPieceTokenizer
from toolkit.data.text.vocab import Vocab

# The purpose of special tokens, by how they are usually spelled; the file does not say.
PURPOSES = {
    "padding_token": ("[PAD]", "<pad>"),
    "cls_token": ("[CLS]", "<s>", "<cls>"),
    "sep_token": ("[SEP]", "</s>", "<sep>"),
    "mask_token": ("[MASK]", "<mask>"),
}
PLAIN_BPE = {
    "dropout": (None,),
    "continuing_subword_prefix": (None, ""),
    "end_of_word_suffix": (None, ""),
    "fuse_unk": (None, False),
    "byte_fallback": (None, False),
    "ignore_merges": (None, False),
}


class JsonTokenizer(Tokenizer):
    """Whatever a ``tokenizer.json`` describes, by the ``tokenizers`` library.

    Args:
        document: the file's content.

    Raises:
        ImportError: the library is not installed.
        ValueError: the library cannot read it.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        chosen("tokenizers")
        from tokenizers import Tokenizer as Library

        try:
            library = Library.from_str(json.dumps(document))
        except Exception as error:  # the library raises nothing more special
            raise ValueError(f"the tokenizers library cannot read it: {error}") from error
        library.no_truncation()
        library.no_padding()
        self.library, self._cut = library, RustEngine(library)
        super().__init__(_vocab(library.get_vocab(), document), read_template(document))

    def cut(self, texts: Sequence[str]) -> Sequence[Pieces]:
        """The pieces of each text."""
        return self._cut(texts)

    def cut_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The indices of each text's pieces."""
        return self._cut.ids(texts)

    def join(self, tokens: Sequence[str]) -> str:
        """The text, as the file's decoder puts it together."""
        return self.library.decode(self.vocab[list(tokens)], skip_special_tokens=False)


def load_json(path: str | os.PathLike[str], *, engine: str = "auto") -> Tokenizer:
    """The tokenizer of a ``tokenizer.json`` file; its truncation and padding are left out.

    Args:
        path: the file.
        engine: "tokenizers", "python", or "auto": the library where it is installed.

    Raises:
        ValueError: the file is broken, or of a kind that needs the library and it is not wanted.
        ImportError: the library is needed and not installed.
    """
    try:
        document = json.loads(Path(path).read_bytes().decode("utf-8"))
        kind = document["model"]["type"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no tokenizer.json: {error!r}") from error
    try:
        if _is_bert(document):
            return _bert(document, engine)
        if _is_byte_bpe(document):
            return _byte_bpe(document, engine)
        if engine == "python":
            raise ValueError(f"a {kind} tokenizer of this kind needs engine='tokenizers'")
        return JsonTokenizer(document)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_template(document: dict[str, Any]) -> Template:
    """The special tokens around texts that a file's post-processor adds.

    Raises:
        ValueError: a post-processor of another kind.
    """
    return _template(document.get("post_processor") or {"type": "ByteLevel"})


def _template(post: dict[str, Any]) -> Template:
    kind = post["type"]
    if kind == "Sequence":
        found = [_template(part) for part in post["processors"]]
        return next((t for t in found if t != Template()), Template())
    if kind == "ByteLevel":
        return Template()
    if kind == "TemplateProcessing":
        return Template(*(" ".join(map(_slot, post[key])) for key in ("single", "pair")))
    if kind in ("BertProcessing", "RobertaProcessing"):
        cls, sep = post["cls"][0], post["sep"][0]
        if kind == "BertProcessing":
            return Template(f"{cls} $A {sep}", f"{cls} $A {sep} $B:1 {sep}:1")
        return Template(f"{cls} $A {sep}", f"{cls} $A {sep} {sep} $B {sep}")
    raise ValueError(f"unknown post-processor {kind!r}")


def _slot(part: dict[str, Any]) -> str:
    if "Sequence" in part:
        return f"${part['Sequence']['id']}:{part['Sequence']['type_id']}"
    return f"{part['SpecialToken']['id']}:{part['SpecialToken']['type_id']}"


def _has(document: dict[str, Any], part: str, kind: str | None) -> bool:
    return (document.get(part) or {}).get("type") == kind


def _plain_added(document: dict[str, Any]) -> bool:
    """Whether the tokens to be found in texts are special, in the vocabulary, and taken as such."""
    flags = ("single_word", "lstrip", "rstrip", "normalized")
    vocab = document["model"].get("vocab", {})
    return all(
        token["special"] and token["content"] in vocab and not any(token[f] for f in flags)
        for token in document.get("added_tokens") or []
    )


def _is_bert(document: dict[str, Any]) -> bool:
    return (
        _has(document, "model", "WordPiece")
        and _has(document, "normalizer", "BertNormalizer")
        and document["normalizer"]["clean_text"]
        and _has(document, "pre_tokenizer", "BertPreTokenizer")
        and _plain_added(document)
    )


def _is_byte_bpe(document: dict[str, Any]) -> bool:
    model = document["model"]
    return (
        model["type"] == "BPE"
        and _has(document, "normalizer", None)
        and _has(document, "pre_tokenizer", "ByteLevel")
        and document["pre_tokenizer"].get("use_regex", True)
        and all(model.get(key) in plain for key, plain in PLAIN_BPE.items())
        and _plain_added(document)
    )


def _bert(document: dict[str, Any], engine: str) -> Tokenizer:
    model, normalizer = document["model"], document["normalizer"]
    options = WordPieceOptions(
        lower=normalizer["lowercase"],
        strip_accents=normalizer["strip_accents"],
        cjk=normalizer["handle_chinese_chars"],
        longest_word=model["max_input_chars_per_word"],
        prefix=model["continuing_subword_prefix"],
        special_in_text=True,
    )
    vocab = _vocab(model["vocab"], document)
    return WordPieceTokenizer(vocab, options, template=read_template(document), engine=engine)


def _byte_bpe(document: dict[str, Any], engine: str) -> Tokenizer:
    merges = [m.split(" ") if isinstance(m, str) else m for m in document["model"]["merges"]]
    return ByteBPETokenizer(
        _vocab(document["model"]["vocab"], document),
        [(left, right) for left, right in merges],
        template=read_template(document),
        special_in_text=True,
        add_blank=document["pre_tokenizer"]["add_prefix_space"],
        engine=engine,
    )


def _vocab(index: dict[str, int], document: dict[str, Any]) -> Vocab:
    """The vocabulary; an index without a token gets a name that no text can ask for."""
    by_index = {i: token for token, i in index.items()}
    if len(by_index) < len(index):
        raise ValueError("two tokens have the same index")
    tokens = [by_index.get(i, f"(no token {i})") for i in range(max(by_index, default=-1) + 1)]
    model = document["model"]
    unknown_token = model.get("unk_token")
    if unknown_token is None and model.get("unk_id") is not None:
        unknown_token = tokens[model["unk_id"]]
    special = {
        purpose: next((name for name in names if name in index), None)
        for purpose, names in PURPOSES.items()
    }
    added = [t["content"] for t in document.get("added_tokens") or [] if t["special"]]
    rest = [t for t in added if t in index and t not in (*special.values(), unknown_token)]
    return Vocab.from_tokens(tokens, unknown_token=unknown_token, reserved_tokens=rest, **special)
