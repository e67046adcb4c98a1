"""The parameters of a network, made ready for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mxnet as mx
from mxnet import autograd

from toolkit.utils.training.batches import Loader, spread
from toolkit.utils.training.objective import Forward


def settle(net: Any, loader: Loader, forward: Forward, contexts: Sequence[mx.Context]) -> None:
    """Lets parameters of unknown shape learn it from a batch.

    Raises:
        ValueError: parameters that were never initialized, or lie on other devices.
    """
    params = net._collect_params_with_prefix()
    if any(param._deferred_init for param in params.values()):
        batch = next(iter(loader.batches(0)))
        with autograd.predict_mode():
            for part in spread(batch, contexts, fewer=True):
                forward(net, part)
    missing = [key for key, param in params.items() if param._data is None]
    if missing:
        names = ", ".join(missing[:3])
        raise ValueError(f"call net.initialize() first: {names} have no value")
    for key, param in params.items():
        if param.list_ctx() != list(contexts):
            raise ValueError(
                f"{key} lies on {param.list_ctx()}, the run is set up for {list(contexts)}; "
                "net.collect_params().reset_ctx(contexts) moves a network"
            )


def renew(net: Any) -> None:
    """Puts all parameters into new arrays, as they are after loading.

    Predicting leaves weights in layouts of oneDNN, and training that goes on from there rounds
    otherwise, from one run to the next: a network that has predicted is renewed before it is
    trained further. Gradients are dropped.
    """
    mx.nd.waitall()
    for param in net._collect_params_with_prefix().values():
        param._data = [
            mx.nd.array(data.asnumpy(), data.context, data.dtype) for data in param.list_data()
        ]
        if param.grad_req != "null":
            param._init_grad()
