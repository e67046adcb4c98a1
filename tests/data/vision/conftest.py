from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A smooth picture without symmetries, (43, 61, 3) uint8."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    return cv2.resize(coarse, (61, 43), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """Encodes an array or a Pillow image as a file of some format."""

    def run(image: np.ndarray | Image.Image, format: str, **options: Any) -> bytes:
        if isinstance(image, np.ndarray):
            image = Image.fromarray(image)
        stream = io.BytesIO()
        image.save(stream, format, **options)
        return stream.getvalue()

    return run
