"""Dependency trees by deep biaffine attention: Dozat and Manning, 2017, 1611.01734.

No row of the published models: its vocabulary is that of the treebank that it is trained on. The
task ``parser`` puts the same scores on any text encoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mxnet.gluon import HybridBlock
from mxnet.gluon.nn import Dropout, Embedding

from toolkit.nn.biaffine import ArcScores
from toolkit.nn.containers import sequence
from toolkit.nn.lstm import SharedDropoutLSTM
from toolkit.nn.word_vectors import WordVectors


@dataclass(frozen=True)
class BiaffineParserConfig:
    """What tells one of these networks from another."""

    vocab_size: int
    relations: int
    tags: int = 0  # parts of speech; 0: it reads words alone
    mode: str = "rand"  # of word vectors: rand, static, non-static, multichannel
    units: int = 100  # of a word's vector
    tag_units: int = 100  # of a tag's
    hidden: int = 400  # of each direction
    layers: int = 3
    arc_units: int = 500  # of a word as a dependent or a head
    relation_units: int = 100  # the same where the relation is asked for
    dropout: float = 0.33  # of units, the same for all words of a sentence
    state_dropout: float = 0.33  # of the states between a word and the next
    word_dropout: float = 0.33  # share of words, and of tags, that are left out in training
    subwords: int = 0  # n-grams of characters that have vectors, which are added to words'


class BiaffineParser(HybridBlock):
    """Scores of heads and relations of the words of sentences, whose first token is the root.

    What stands beyond the valid length changes nothing. ``toolkit.utils.trees.decode_trees`` makes
    trees of the scores.

    Raises:
        ValueError: no such mode of word vectors.
    """

    def __init__(self, config: BiaffineParserConfig) -> None:
        super().__init__()
        self.config = config
        self.words = WordVectors(
            config.vocab_size,
            config.units,
            mode=config.mode,
            dropout=config.word_dropout,
            subwords=config.subwords,
        )
        self.tags = None
        if config.tags:
            embedding = Embedding(config.tags, config.tag_units)
            self.tags = sequence(embedding, Dropout(config.word_dropout, axes=(2,)))
        self.encoder = SharedDropoutLSTM(
            self.words.units + (config.tag_units if config.tags else 0),
            config.hidden,
            layers=config.layers,
            dropout=config.dropout,
            state_dropout=config.state_dropout,
        )
        self.scores = ArcScores(
            self.encoder.units,
            config.relations,
            arc_units=config.arc_units,
            relation_units=config.relation_units,
            dropout=config.dropout,
        )

    def hybrid_forward(
        self, F: Any, words: Any, valid_length: Any, tags: Any = None
    ) -> tuple[Any, Any]:
        """Maps words and lengths ``(N,)``, as ``WordVectors`` has them, and tags ``(N, T)``.

        Tags are given where the config has some, and only there.

        Returns:
            Scores ``(N, T, T)`` of dependents and heads, and ``(N, T, relations, T)`` of
            dependents, relations and heads.
        """
        x = self.words(words, valid_length)
        if self.tags is not None:
            x = F.concat(x, self.tags(tags), dim=2)
        arcs, relations = self.scores(self.encoder(x, valid_length), valid_length)
        return arcs, relations
