"""Image classification: a backbone and a head on its features."""

from __future__ import annotations

from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.registry import TASKS


class ImageClassifier(HybridBlock):
    """Scores ``(N, classes)``, before softmax, of images ``(N, 3, H, W)``.

    Args:
        backbone: Maps images to a list of features; makes its published head by ``head(classes)``.
        classes: Number of classes.
        head: Maps the last feature to ``(N, classes)`` in place of the published head; or all
            features, finest first, where it has a true attribute ``takes_all_features``.
    """

    def __init__(
        self, backbone: HybridBlock, classes: int = 1000, *, head: HybridBlock | None = None
    ) -> None:
        super().__init__()
        self.classes = check_classes(classes)
        self.backbone = backbone
        self.head = backbone.head(classes) if head is None else head

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps ``(N, 3, H, W)`` to ``(N, classes)``."""
        features = self.backbone(x)
        if getattr(self.head, "takes_all_features", False):
            return self.head(*features)
        return self.head(features[-1])

    def reset_classifier(
        self, classes: int, *, init: mx.init.Initializer | None = None, ctx: Any = None
    ) -> None:
        """Puts a new, initialized head of ``classes`` classes in place; the backbone is kept.

        ``init`` fills the new head (default: Xavier); ``ctx`` is where it lives (default: where the
        backbone does, or the current context when that is not initialized).
        """
        classes = check_classes(classes)
        prefix = self.head.prefix + "reset_"
        with mx.name.Prefix(prefix):
            head = self.backbone.head(classes)
        if ctx is None:
            first = next(iter(self.backbone.collect_params().values()))
            ctx = first.list_ctx() if first._data is not None else None
        head.initialize(init or mx.init.Xavier(), ctx=ctx)
        self.head = head
        self.classes = classes
        if self._active:
            self.hybridize()


def check_classes(classes: int) -> int:
    """The number of classes; raises ValueError where it is none."""
    if not isinstance(classes, int) or isinstance(classes, bool) or classes < 1:
        raise ValueError(f"classes must be a whole number of at least 1, got {classes!r}")
    return classes


TASKS.add("image_classifier", ImageClassifier)
