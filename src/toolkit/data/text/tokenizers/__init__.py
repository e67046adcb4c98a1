"""Tokenizers behind one interface: ``encode``, ``decode``, offsets, batches, pairs, truncation."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "ByteBPETokenizer": "byte_bpe",
        "Encoding": "encoding",
        "Jieba": "words",
        "JsonTokenizer": "tokenizer_json",
        "MarianTokenizer": "marian",
        "Moses": "words",
        "SentencePieceTokenizer": "sentencepiece_tokenizer",
        "Spacy": "words",
        "TEMPLATES": "template",
        "Template": "template",
        "Tokenizer": "tokenizer",
        "WordPieceOptions": "wordpiece",
        "WordPieceTokenizer": "wordpiece",
        "WordTokenizer": "words",
        "copy_tokenizer": "load",
        "load_json": "tokenizer_json",
        "load_tokenizer": "load",
        "train_pieces": "piece_training",
    },
)
