"""Text data sets by name: rows of a table, and the readers of their files."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "Answer": "questions",
        "DATASETS": "table",
        "LARGE": "large",
        "Question": "questions",
        "TextDataset": "load",
        "list_datasets": "load",
        "load_dataset": "load",
        "open_dataset": "large",
        "read_squad": "questions",
    },
)
