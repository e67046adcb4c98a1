"""Arrangements of R-CNNs that are small enough for tests."""

from __future__ import annotations

from typing import Any

from toolkit.model_zoo.tasks.rcnn_layouts import RCNNLayout
from toolkit.nn.nms import Suppression
from toolkit.nn.proposals import ProposalRule

LITTLE: dict[str, Any] = {
    "between": 8,
    "cells": 32,
    "size": 4,
    "proposals": ProposalRule(0.7, 60, 12),
    "suppression": Suppression(0.5, 40, 20, 0.0),
}
FPN = RCNNLayout(pyramid=8, units=(10,), **LITTLE)
C4 = RCNNLayout(**LITTLE)
