"""Published models: ``get_model`` builds them, ``list_models`` and ``model_info`` describe them."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "Layer": "summary",
        "LengthPenalty": "batch_beam",
        "ModelInfo": "catalogue",
        "Sampling": "generation",
        "Summary": "summary",
        "WeightsEntry": "catalogue",
        "WeightsError": "weights",
        "batch_beam_search": "batch_beam",
        "generate": "generation",
        "get_arrays": "weights",
        "get_model": "builder",
        "list_models": "catalogue",
        "load_backbone": "backbone_weights",
        "load_weights": "weights",
        "model_info": "catalogue",
        "read_labels": "labels",
        "save_huggingface": "huggingface",
        "summarize": "summary",
    },
)
