"""Sentences with their dependency trees, in the ten columns of CoNLL-X and CoNLL-U.

Buchholz and Marsi, 2006, W06-2920; https://universaldependencies.org/format.html.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from toolkit.data.text.datasets.source import Source
from toolkit.utils.disk import atomic_write
from toolkit.utils.trees import find_loop

NOTHING = "_"  # what stands in a column that says nothing


@dataclass(frozen=True)
class Token:
    """A word of a dependency tree: the columns of CoNLL-U."""

    id: str  # a number; "3-4" of words written as one, "3.1" of one that is not written
    form: str
    lemma: str
    upos: str
    xpos: str
    feats: str
    head: int | None  # number of the word that it depends on, 0 the root; None: not in the tree
    deprel: str
    deps: str
    misc: str

    @property
    def in_tree(self) -> bool:
        """Whether it is a word of the tree: no range and no empty node."""
        return self.id.isdecimal()

    def line(self) -> str:
        """The columns as a file has them."""
        head = NOTHING if self.head is None else str(self.head)
        before = (self.id, self.form, self.lemma, self.upos, self.xpos, self.feats)
        return "\t".join((*before, head, self.deprel, self.deps, self.misc))


@dataclass(frozen=True)
class Sentence(Sequence[Token]):
    """The tokens of a sentence, ranges and empty nodes among them, and the lines before them."""

    tokens: tuple[Token, ...]
    comments: tuple[str, ...] = ()  # each with its "#"

    def __len__(self) -> int:
        return len(self.tokens)

    @overload
    def __getitem__(self, index: int) -> Token: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Token, ...]: ...
    def __getitem__(self, index: int | slice) -> Token | tuple[Token, ...]:
        return self.tokens[index]

    @property
    def words(self) -> tuple[Token, ...]:
        """The words of the tree, in their order."""
        return tuple(token for token in self.tokens if token.in_tree)

    @property
    def heads(self) -> list[int]:
        """The number of each word's head, 0 the root.

        Raises:
            ValueError: a word has none.
        """
        heads = []
        for word in self.words:
            if word.head is None:
                raise ValueError(f"word {word.id}, {word.form!r}, has no head")
            heads.append(word.head)
        return heads

    @property
    def relations(self) -> list[str]:
        """What each word is to its head."""
        return [word.deprel for word in self.words]

    def with_tree(self, heads: Sequence[int], relations: Sequence[str]) -> Sentence:
        """The same words in another tree; empty nodes and the columns of other trees are dropped.

        Args:
            heads: The number of each word's head, 0 the root.
            relations: One a word.

        Raises:
            ValueError: heads or relations for another number of words.
        """
        count = len(self.words)
        if len(heads) != count or len(relations) != count:
            raise ValueError(f"{len(heads)} heads and {len(relations)} relations for {count} words")
        tree = iter(zip(heads, relations, strict=True))
        tokens = []
        for token in self.tokens:
            if token.in_tree:
                head, relation = next(tree)
                token = replace(token, head=int(head), deprel=relation, deps=NOTHING)
            if "." not in token.id:
                tokens.append(token)
        return Sentence(tuple(tokens), self.comments)

    def lines(self) -> list[str]:
        """The lines of a file, without the empty one behind them."""
        return [*self.comments, *(token.line() for token in self.tokens)]


def sentence_of(words: Sequence[str]) -> Sentence:
    """A sentence of words of which nothing else is known.

    Raises:
        ValueError: there are no words, or one cannot stand in a column.
    """
    if not words:
        raise ValueError("a sentence has at least one word, got none")
    for word in words:
        if not word or any(end in word for end in "\t\n\r"):
            raise ValueError(f"a word has no tabs and no ends of lines, got {word!r}")
    blank = (NOTHING,) * 4
    return Sentence(
        tuple(
            Token(str(number), word, *blank, None, NOTHING, NOTHING, NOTHING)
            for number, word in enumerate(words, 1)
        )
    )


def read_treebank(path: str | os.PathLike[str]) -> list[Sentence]:
    """The sentences of a CoNLL-U or CoNLL-X file, in gzip or not.

    Raises:
        DatasetError: a line is not what it should be, see `parse_treebank`.
    """
    path = Path(path)
    return parse_treebank(Source(path.parent, path.name))


def parse_treebank(source: Source) -> list[Sentence]:
    """The sentences of a file.

    Words may lack heads, as those do that are to be parsed, and several may depend on the root, as
    CoNLL-X has them.

    Raises:
        DatasetError: not ten columns, a number out of its order, a head that there is not, or one
            that is reached from itself; the message has the line.
    """
    sentences: list[Sentence] = []
    comments: list[str] = []
    tokens: list[Token] = []
    last = 0
    for line, row in enumerate([*source.lines(), ""], 1):
        last = line
        if not row.strip():
            if tokens:
                _check(tokens, line - len(tokens), source)
                sentences.append(Sentence(tuple(tokens), tuple(comments)))
                tokens, comments = [], []
        elif row.startswith("#"):
            if tokens:
                raise source.error(line, "a comment within a sentence")
            comments.append(row)
        else:
            tokens.append(_token(row, line, source))
    if comments:
        raise source.error(last - 1, "comments of no sentence")
    return sentences


def write_treebank(path: str | os.PathLike[str], sentences: Iterable[Sentence]) -> None:
    """Writes sentences as `read_treebank` reads them; the file appears when it is whole."""
    with atomic_write(Path(path), "w") as file:
        for sentence in sentences:
            file.write("\n".join(sentence.lines()) + "\n\n")


def _token(row: str, line: int, source: Source) -> Token:
    cells = row.split("\t")
    if len(cells) != 10:
        raise source.error(line, f"{len(cells)} columns, expected 10")
    if not all(cells):
        raise source.error(line, f"column {cells.index('') + 1} is empty; {NOTHING!r} says nothing")
    number, form, lemma, upos, xpos, feats, head, deprel, deps, misc = cells
    if not (_is_number(head) or head == NOTHING):
        raise source.error(line, f"the head {head!r} is no number")
    place = None if head == NOTHING else int(head)
    return Token(number, form, lemma, upos, xpos, feats, place, deprel, deps, misc)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and str(int(text)) == text


def _check(tokens: Sequence[Token], first: int, source: Source) -> None:
    """Raises where numbers or heads of a sentence whose first line this is cannot be."""
    count = sum(token.in_tree for token in tokens)
    for line, (token, expected) in enumerate(zip(tokens, _numbers(tokens), strict=True), first):
        begin, dash, end = token.id.partition("-")
        if dash and begin == expected and _is_number(end) and int(begin) < int(end) <= count:
            pass  # words written as one
        elif token.id != expected:
            raise source.error(line, f"the number {token.id!r} where {expected} was to come")
        if token.head is None:
            continue
        if not token.in_tree:
            raise source.error(line, f"{token.id} is not in the tree and has the head {token.head}")
        if token.head > count or token.head == int(token.id):
            raise source.error(line, f"the head {token.head} of word {token.id} of {count}")
    loop = find_loop([word.head or 0 for word in tokens if word.in_tree])
    if loop:
        line = next(i for i, token in enumerate(tokens, first) if token.id == str(loop[0]))
        raise source.error(line, f"words {', '.join(map(str, loop))} depend on one another")


def _numbers(tokens: Sequence[Token]) -> Iterator[str]:
    """What each token's number has to be; of a range its beginning."""
    word, empty = 0, 0
    for token in tokens:
        if "." in token.id:
            empty += 1
            yield f"{word}.{empty}"
        else:
            yield str(word + 1)
            if "-" not in token.id:
                word, empty = word + 1, 0
