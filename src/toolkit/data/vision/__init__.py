"""Images: reading, transforms, presets and data sets; free of MXNet."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "AUGMENTS": "detection",
        "AnnotationError": "voc_annotation",
        "BoxAugment": "detection",
        "BoxBatch": "detection",
        "BoxLabelDataset": "box_labels",
        "CIFAR10": "cifar",
        "CIFAR100": "cifar",
        "PRESETS": "presets",
        "COCODetectionDataset": "coco",
        "FashionMNIST": "mnist",
        "ImageError": "image",
        "ImageFolderDataset": "folder",
        "ImageListDataset": "listing",
        "ImagePreset": "presets",
        "ImageRecordDataset": "recordio",
        "MNIST": "mnist",
        "Packing": "packing",
        "PixelAugment": "pixel_classes",
        "PixelBatch": "pixel_classes",
        "RecordError": "recordio",
        "RegionBatch": "regions",
        "SegmentationDataset": "segmentation",
        "SegmentationLayout": "segmentation",
        "VOCDetectionDataset": "voc",
        "draw_objects": "drawing",
        "draw_regions": "drawing",
        "image_record_writer": "recordio_writer",
        "read_image": "image",
        "transforms": "transforms",
        "write_png": "drawing",
    },
)
