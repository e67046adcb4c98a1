"""Arrays that a block holds and that are never trained."""

from __future__ import annotations

import warnings

import numpy as np
from mxnet.gluon import Constant, HybridBlock

REUSED = ".*New initializer mxnet.gluon.parameter.Init registered with name constant_"


def constant(block: HybridBlock, name: str, value: np.ndarray) -> Constant:
    """Gives a block a constant, which goes into its graph and its parameter file.

    Gluon registers an initializer for each constant by name and address, and warns where one that
    is gone had both; nothing but the new constant ever asks for it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", REUSED, UserWarning)
        return block.params.get_constant(name, value)
