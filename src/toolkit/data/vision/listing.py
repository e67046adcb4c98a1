"""Pictures named by a list file, as MXNet's ``im2rec`` writes and reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from toolkit.data.dataset import Dataset
from toolkit.data.vision.image import read_image


@dataclass(frozen=True)
class ImageListDataset(Dataset):
    """Samples ``(image, label)`` of a ``.lst`` file: lines of number, labels and path, by tabs.

    The image is (H, W, 3) uint8 RGB; the label a float, or a float32 vector where a line has
    several. Paths are relative to ``root``, by default the folder of the list.

    Raises:
        ValueError: a line that is not such; it names the file and the line.
        ImageError: on access, where a picture cannot be read.
    """

    path: Path
    root: Path
    items: tuple[tuple[str, tuple[float, ...]], ...] = field(repr=False)  # path, labels

    def __init__(self, path: str | Path, root: str | Path | None = None) -> None:
        object.__setattr__(self, "path", Path(path))
        object.__setattr__(self, "root", Path(path).parent if root is None else Path(root))
        object.__setattr__(self, "items", tuple(read_list(self.path)))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[np.ndarray, float | np.ndarray]:
        name, labels = self.items[self.position(index)]
        label = labels[0] if len(labels) == 1 else np.array(labels, np.float32)
        return read_image(self.root / name), label


def read_list(path: Path) -> list[tuple[str, tuple[float, ...]]]:
    """The pictures of a ``.lst`` file with their labels, in its order."""
    items = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        columns = line.split("\t")
        try:
            if len(columns) < 3:
                raise ValueError(f"{len(columns)} columns")
            items.append((columns[-1].strip(), tuple(float(x) for x in columns[1:-1])))
        except ValueError as error:
            raise ValueError(
                f"{path}, line {number}: not a number, one or more labels and a path, separated "
                f"by tabs ({error}): {line[:80]!r}"
            ) from error
    return items
