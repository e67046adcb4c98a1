"""From a network to something that runs elsewhere, and from pictures to named predictions."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "AccuracyDropError": "quantization",
        "Batcher": "batching",
        "ClassPrediction": "classification",
        "Dependency": "text_parsing",
        "Detection": "detection",
        "ExportError": "exporter",
        "Joint": "pose",
        "Manifest": "manifest",
        "ManifestError": "manifest",
        "MirrorAverage": "mirroring",
        "Pose": "pose",
        "PosePredictor": "pose_predictor",
        "Predictor": "predictor",
        "QuantizationReport": "quantization",
        "Region": "segmentation",
        "Runner": "runner",
        "TensorSpec": "manifest",
        "UnsupportedOperatorError": "onnx_builder",
        "TextPredictor": "text_predictor",
        "accuracy": "scores",
        "export": "exporter",
        "export_onnx": "onnx_exporter",
        "label_map": "segmentation",
        "load": "loader",
        "metric_score": "scores",
        "quantize": "quantization",
    },
)
