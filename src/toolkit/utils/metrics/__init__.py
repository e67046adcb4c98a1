"""Measures of how good predictions are, each equal to the official implementation of its task."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "AttachmentScores": "dependencies",
        "COCOMeanAP": "coco_map",
        "EntityScores": "entities",
        "HeatmapAccuracy": "heatmap_accuracy",
        "KeypointMeanAP": "keypoint_map",
        "PixelScores": "pixels",
        "Tree": "dependencies",
        "VOCMeanAP": "voc_map",
        "best_threshold": "squad",
        "corpus_bleu": "bleu",
        "find_entities": "entities",
        "score_answers": "squad",
    },
)
