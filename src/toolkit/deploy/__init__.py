"""From a network to something that runs elsewhere, and from pictures to named predictions."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "ClassPrediction": "classification",
        "ExportError": "exporter",
        "Manifest": "manifest",
        "ManifestError": "manifest",
        "Predictor": "predictor",
        "Runner": "runner",
        "TensorSpec": "manifest",
        "export": "exporter",
        "load": "loader",
    },
)
