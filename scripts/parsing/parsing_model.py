"""What the parsing scripts share: networks on words or on an encoder, made and opened again."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.data.text import NGramHashes, Sentence, SubwordRows, Vocab, count_tokens
from toolkit.data.text.embedding import load_embedding
from toolkit.data.text.tokenizers import copy_tokenizer, load_tokenizer
from toolkit.model_zoo import get_model, load_weights
from toolkit.model_zoo.text.biaffine_parser import BiaffineParser, BiaffineParserConfig
from toolkit.utils.disk import atomic_write

import mxnet as mx
from parsing_data import PieceReader, Reader, WordReader

NOTE, WEIGHTS, RELATIONS = "model.json", "final.params", "relations.txt"
WORDS, TAGS, TOKENIZER = "words.vocab", "tags.vocab", "tokenizer"
HEAD = ("arc_units", "relation_units", "dropout")
SIZES = (*HEAD, "mode", "units", "tag_units", "hidden", "layers", "state_dropout", "word_dropout")


@dataclass(frozen=True)
class Made:
    """A network, what it reads, and what it tells apart."""

    net: Any
    reader: Reader
    relations: list[str]


def make_words(args: argparse.Namespace, sentences: Sequence[Sentence]) -> Made:
    """The paper's network, for the words, the tags and the relations of sentences."""
    words = [word for sentence in sentences for word in sentence.words]
    vocab = Vocab(count_tokens(word.form.lower() for word in words), min_freq=args.min_freq)
    tags = None
    if args.tags != "none":
        tags = Vocab(count_tokens(getattr(word, args.tags) for word in words))
    relations = sorted({word.deprel for word in words})
    config = BiaffineParserConfig(
        vocab_size=len(vocab),
        relations=len(relations),
        tags=len(tags) if tags else 0,
        subwords=args.subwords,
        **{name: getattr(args, name) for name in SIZES},
    )
    if (args.mode == "rand") != (args.vectors is None):
        raise SystemExit(f"error: --mode {args.mode} and --vectors {args.vectors}")
    table = load_embedding(args.vectors) if args.vectors else None
    if table is not None:
        units = table[vocab.unknown_token].shape[-1]
        config = dataclasses.replace(config, units=units)
    net = BiaffineParser(config)
    net.initialize(mx.init.Xavier())
    net.words.initialize(mx.init.Uniform(args.scale), force_reinit=True)
    if table is not None:
        net.words.set_known_vectors(vocab.idx_to_token, table)
    args.out.mkdir(parents=True, exist_ok=True)
    vocab.save(args.out / WORDS)
    if tags:
        tags.save(args.out / TAGS)
    note = {"kind": "words", "column": args.tags, "lengths": args.subword_lengths}
    save_note(args.out, {**note, "config": dataclasses.asdict(config)}, relations)
    return Made(net, word_reader(args.out, note, config), relations)


def word_reader(folder: Path, note: Mapping[str, Any], config: Any) -> WordReader:
    hashes = NGramHashes(config.subwords, tuple(note["lengths"])) if config.subwords else None
    return WordReader(
        Vocab.load(folder / WORDS),
        Vocab.load(folder / TAGS) if config.tags else None,
        note["column"],
        SubwordRows(hashes) if hashes else None,
    )


def make_encoder(args: argparse.Namespace, sentences: Sequence[Sentence]) -> Made:
    """The task ``parser`` on an encoder with its weights."""
    relations = sorted({name for sentence in sentences for name in sentence.relations})
    options = {name: getattr(args, name) for name in HEAD}
    net = get_model(args.encoder, args.weights, task="parser", classes=len(relations), **options)
    copy_tokenizer(args.tokenizer or args.weights, args.out / TOKENIZER)
    sizes = dataclasses.asdict(net.encoder.config)
    note = {"kind": "encoder", "encoder": args.encoder, "max_length": args.max_length}
    save_note(args.out, {**note, "options": {**sizes, **options}}, relations)
    reader = PieceReader(load_tokenizer(args.out / TOKENIZER), args.max_length)
    return Made(net, reader, relations)


def save_note(folder: Path, note: Mapping[str, Any], relations: Sequence[str]) -> None:
    """Writes down how the network of a run is built."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / NOTE, "w") as file:
        json.dump(note, file, indent=1)
    with atomic_write(folder / RELATIONS, "w") as file:
        file.write("".join(f"{name}\n" for name in relations))


def open_run(folder: Path) -> Made:
    """The network of a run's folder, for use."""
    note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    relations = (folder / RELATIONS).read_text(encoding="utf-8").splitlines()
    reader: Reader
    if note["kind"] == "words":
        config = BiaffineParserConfig(**note["config"])
        net, reader = BiaffineParser(config), word_reader(folder, note, config)
    else:
        kind = {"task": "parser", "classes": len(relations)}
        net = get_model(note["encoder"], **kind, **note["options"])
        reader = PieceReader(load_tokenizer(folder / TOKENIZER), note["max_length"])
    load_weights(net, folder / WEIGHTS)
    return Made(net, reader, relations)
