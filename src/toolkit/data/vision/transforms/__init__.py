"""Pure functions on (H, W, C) images; those that draw at random take a NumPy generator."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "INTERPOLATIONS": "geometry",
        "adjust_brightness": "color",
        "adjust_contrast": "color",
        "adjust_hue": "color",
        "adjust_lighting": "color",
        "adjust_saturation": "color",
        "center_crop": "geometry",
        "color_jitter": "color",
        "crop_with_boxes": "boxes",
        "cutmix": "mixing",
        "denormalize": "tensor",
        "flip_boxes": "boxes",
        "flip_with_boxes": "boxes",
        "letterbox": "boxes",
        "mixup": "mixing",
        "mixup_boxes": "mixing",
        "normalize": "tensor",
        "pad": "geometry",
        "random_constrained_crop": "boxes",
        "random_crop": "geometry",
        "random_crop_batch": "batch",
        "random_expand": "boxes",
        "random_flip": "geometry",
        "random_flip_batch": "batch",
        "random_lighting": "color",
        "random_resized_crop": "geometry",
        "resize": "geometry",
        "resize_short": "geometry",
        "resize_with_boxes": "boxes",
        "ten_crop": "geometry",
    },
)
