"""Losses, one module each."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "DistillationLoss": "distillation",
        "FocalLoss": "focal",
        "HeatmapFocalLoss": "heatmap_focal",
        "HeatmapMSELoss": "heatmap_mse",
        "IoULoss": "iou",
        "MaskLoss": "mask",
        "MaskedL1Loss": "masked_l1",
        "MultiBoxLoss": "multibox",
        "ParsingLoss": "parsing",
        "RegionLoss": "region",
        "RegionProposalLoss": "region_proposal",
        "SegmentationLoss": "segmentation",
        "SoftCrossEntropyLoss": "soft_cross_entropy",
        "SoftmaxCrossEntropyLoss": "softmax_cross_entropy",
        "YOLO3Loss": "yolo3",
    },
)
