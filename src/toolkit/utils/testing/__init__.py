"""Public contracts: what a thing of a kind must do, as assertions for its own tests."""

from toolkit.utils.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "assert_is_backbone": "backbone",
        "assert_is_detector": "detector",
        "assert_is_pose_estimator": "pose_estimator",
        "assert_is_segmenter": "segmenter",
        "assert_is_text_encoder": "text_encoder",
    },
)
