"""A moving average of parameters, which often scores better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import mxnet as mx
import numpy as np
from mxnet.gluon import Parameter

from toolkit.utils.training.arrays import in_chunks


class MovingAverage:
    """The exponential moving average of all parameters, running means of norms among them.

    After update t it is ``d * average + (1 - d) * parameters`` with
    ``d = min(decay, (1 + t) / (10 + t))``, so that the first updates do not weigh for ever.
    """

    def __init__(self, params: Mapping[str, Parameter], decay: float) -> None:
        self._params = dict(params)
        self._decay = decay
        self._average = {key: p.list_data()[0].copy() for key, p in self._params.items()}

    def update(self, step: int) -> None:
        """Takes the parameters in, after ``step`` updates."""
        weight = 1 - min(self._decay, (1 + step) / (10 + step))
        for chosen in in_chunks(list(self._average)):
            pairs = [(self._average[key], self._params[key].list_data()[0]) for key in chosen]
            # a - lr * (wd * a + rescale * p) is a - weight * (a - p), for all arrays in one call.
            mx.nd.multi_sgd_update(
                *(array for pair in pairs for array in pair),
                out=[average for average, _ in pairs],
                lrs=[weight] * len(pairs),
                wds=[1.0] * len(pairs),
                rescale_grad=-1.0,
                num_weights=len(pairs),
            )

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Lets the network have the averaged parameters, until the end of the block.

        They are in arrays of their own: predicting leaves those in layouts of oneDNN that MXNet
        does not copy into again, of one-dimensional convolutions for example.
        """
        own = {key: param._data for key, param in self._params.items()}
        try:
            for key, param in self._params.items():
                average = self._average[key]
                param._data = [average.copyto(data.context) for data in param.list_data()]
            yield
        finally:
            for key, param in self._params.items():
                param._data = own[key]

    def arrays(self) -> dict[str, np.ndarray]:
        """The averages by structural name."""
        return {key: value.asnumpy() for key, value in self._average.items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes `arrays` back."""
        for key, value in self._average.items():
            value[:] = arrays[key]
