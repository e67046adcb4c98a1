"""Text: vocabularies, counting, subwords and tokenizers; free of MXNet."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "ByteSubwords": "subwords",
        "NGramHashes": "subwords",
        "Splitter": "splitters",
        "Vocab": "vocab",
        "count_corpus": "counting",
        "count_tokens": "counting",
        "embedding": "embedding",
        "split_lines": "splitters",
        "split_words": "splitters",
        "tokenizers": "tokenizers",
    },
)
