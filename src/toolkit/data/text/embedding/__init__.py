"""Word vectors: files of every kind, lookups, published tables, evaluation."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "SubwordVectors": "fasttext_bin",
        "TokenEmbedding": "token_embedding",
        "evaluate_analogy": "analogy",
        "evaluate_similarity": "similarity",
        "get_embedding": "published",
        "list_embeddings": "published",
        "load_embedding": "load",
        "read_pairs": "similarity",
        "read_questions": "analogy",
    },
)
