"""What all detectors have in common: raw predictions, then the choice of what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mxnet as mx
from mxnet.gluon import HybridBlock

from toolkit.model_zoo.labels import read_labels
from toolkit.utils.registry import unknown

Classes = int | Sequence[str]
Reuse = Mapping[int | str, int | str] | Sequence[str]


class Detector(HybridBlock):
    """Abstract: ``net(x)`` is ``net.postprocess(*net.network(x))``, in training as in inference.

    It gives class indices ``(N, K, 1)``, scores ``(N, K, 1)`` and corners ``(N, K, 4)`` in pixels
    of ``x``, the best first; rows without a detection are -1. A loss wants what ``net.network``
    gives.

    Args:
        network: Makes raw predictions of images; ``reset_classes(classes, reuse)`` renews what
            depends on the classes, where ``reuse`` maps new class indices to old ones.
        postprocess: Makes detections of them; has a ``nms`` with the attributes ``classes`` and
            ``suppression``.
        classes: Number of classes.
    """

    def __init__(self, network: HybridBlock, postprocess: HybridBlock, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.network = network
        self.postprocess = postprocess
        self._labels: tuple[str, ...] | None = None

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        """Maps images ``(N, 3, H, W)`` to detections."""
        return self.postprocess(*self.network(x))

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Names of the classes, where they are known."""
        return known_labels(self, self._labels)

    def set_nms(self, **fields: Any) -> None:
        """Changes how detections are chosen: any fields of ``nn.Suppression``.

        Raises:
            TypeError: there is no such field.
            ValueError: a value is out of range.
        """
        nms = self.postprocess.nms
        nms.suppression = nms.suppression.changed(**fields)
        self._forget_graphs()

    def reset_class(self, classes: Classes, *, reuse: Reuse | None = None) -> None:
        """Gives the network other classes; what does not depend on them is kept.

        Args:
            classes: How many, or their names.
            reuse: Whose weights the new classes begin with: new class to old class, each an index
                or a name, or the names that both have. Default: none, all are random.

        Raises:
            ValueError: no classes, a name given twice, or a class in ``reuse`` that is not there.
        """
        count, names = check_classes(classes)
        pairs = resolve_reuse(reuse, (count, names), (self.classes, self.labels))
        self.network.reset_classes(count, pairs)
        self.postprocess.nms.classes = count
        self.classes = count
        self._labels = names
        self._forget_graphs()

    def _forget_graphs(self) -> None:
        """Lets the next call trace the network anew, with the same hybridization."""

        def forget(block: mx.gluon.Block) -> None:
            if isinstance(block, HybridBlock):
                block._clear_cached_op()

        self.apply(forget)
        if self._active:
            self.hybridize()


def check_classes(classes: Classes) -> tuple[int, tuple[str, ...] | None]:
    """The number of classes and their names, where names are given. Raises ValueError."""
    if isinstance(classes, int) and not isinstance(classes, bool) and classes >= 1:
        return classes, None
    names = () if isinstance(classes, (float, int, str)) else tuple(classes)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"classes must be names or a number of at least 1, got {classes!r}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"classes are named twice: {', '.join(twice)}")
    return len(names), names


def known_labels(net: Any, given: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The names that a network's classes were given, or else those of the published model."""
    name = getattr(getattr(net, "info", None), "labels", None)
    if given is None and name:
        names = read_labels(name)
        return names if len(names) == net.classes else None
    return given


Known = tuple[int, tuple[str, ...] | None]  # number of classes, their names


def resolve_reuse(reuse: Reuse | None, new: Known, old: Known) -> dict[int, int]:
    """``reuse`` as new class index to old class index. Raises ValueError for an unknown class."""
    if reuse is None:
        return {}
    pairs = reuse.items() if isinstance(reuse, Mapping) else ((name, name) for name in reuse)
    return {_index(a, new, "new class"): _index(b, old, "old class") for a, b in pairs}


def _index(key: int | str, known: Known, kind: str) -> int:
    count, names = known
    if isinstance(key, str):
        if names is None or key not in names:
            raise ValueError(unknown(kind, key, names or ()))
        return names.index(key)
    if not 0 <= key < count:
        raise ValueError(f"{kind} {key} is out of range: there are {count}")
    return key


def renew(old: HybridBlock, new: HybridBlock, pairs: Mapping[int, int]) -> None:
    """Initializes a layer as the one whose place it takes, and copies some of its outputs.

    Where the old layer is not initialized, neither is the new one.

    Args:
        old: A convolution or dense layer.
        new: One of the same inputs.
        pairs: Output of the new layer to output of the old whose weights it begins with.

    Raises:
        ValueError: outputs are to be copied, but the old layer is not initialized.
    """
    first = next(iter(old.collect_params().values()))
    if first._data is None:
        if pairs:
            raise ValueError("weights are to be reused, but the network is not initialized")
        return
    new.initialize(mx.init.Xavier(), ctx=first.list_ctx())
    if not pairs:
        return
    mx.nd.waitall()  # a running network may be rewriting its weights into another layout
    ours = new._collect_params_with_prefix()
    for key, param in old._collect_params_with_prefix().items():
        source, values = param.data().asnumpy(), ours[key].data().asnumpy()
        values[list(pairs)] = source[list(pairs.values())]
        ours[key].set_data(mx.nd.array(values))
