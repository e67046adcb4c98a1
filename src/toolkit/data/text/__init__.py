"""Text: vocabularies, streams, tokenizers and word vectors; free of MXNet."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "BPTTDataset": "language_model",
        "BPTTStream": "language_model",
        "ByteSubwords": "subwords",
        "CandidateSampler": "candidate_sampler",
        "ELMoCharVocab": "char_vocab",
        "LineStream": "streams",
        "MappedStream": "streams",
        "NGramHashes": "subwords",
        "PrefetchedStream": "streams",
        "ShuffledStream": "streams",
        "Sentence": "treebank",
        "Splitter": "splitters",
        "SubwordRows": "subwords",
        "Token": "treebank",
        "Vocab": "vocab",
        "count_corpus": "counting",
        "count_tokens": "counting",
        "datasets": "datasets",
        "embedding": "embedding",
        "fold": "language_model",
        "WordNGrams": "word_ngrams",
        "get_tokenizer": "published",
        "get_vocab": "published",
        "list_vocabs": "published",
        "read_treebank": "treebank",
        "sentence_of": "treebank",
        "split_lines": "splitters",
        "split_words": "splitters",
        "tokenizers": "tokenizers",
        "write_treebank": "treebank",
    },
)
