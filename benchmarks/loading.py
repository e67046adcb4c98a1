"""`DataLoader` beside torch's: from JPEG files to normalized batches for training.

Each picture is read, decoded, cropped at random (8 to 100 % of the area, aspect 3/4 to 4/3),
resized to 224 x 224, mirrored by chance and normalized to float32, channels first. All have the
same number of worker processes, started before the clock, each on one thread, and the same batch
size; a round reads every picture `--loops` times. Rounds take turns, each time beginning with
another loader; printed are medians over the rounds: pictures a second, and how many times as fast
`DataLoader` is. What torch does is in `loading_torch.py`, run by an interpreter that has torch,
torchvision and OpenCV; without `--torch` only `DataLoader` is measured.

    python benchmarks/loading.py FOLDER [--torch PYTHON] [--workers 2] [--batch-size 32] [--loops 2]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from toolkit.data import DataLoader
from toolkit.data.vision import read_image, transforms

import numpy as np

SIZE = 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Round = Callable[[int], tuple[int, float]]  # from an epoch to pictures and seconds


@dataclass(frozen=True)
class Files:
    """The pictures, several times over."""

    paths: tuple[str, ...]
    loops: int

    def __len__(self) -> int:
        return len(self.paths) * self.loops

    def __getitem__(self, index: int) -> str:
        return self.paths[index % len(self.paths)]


def augment(path: str, rng: np.random.Generator) -> np.ndarray:
    image = transforms.random_resized_crop(read_image(path), SIZE, rng)
    return transforms.normalize(transforms.random_flip(image, rng), MEAN, STD)


@contextmanager
def ours(files: Files, options: argparse.Namespace) -> Iterator[Round]:
    with DataLoader(
        files, options.batch_size, shuffle=True, transform=augment, workers=options.workers
    ) as loader:

        def run(epoch: int) -> tuple[int, float]:
            start = time.perf_counter()
            count = sum(len(batch) for batch in loader.batches(epoch))
            return count, time.perf_counter() - start

        yield run


@contextmanager
def theirs(load: str, files: Files, options: argparse.Namespace) -> Iterator[Round]:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listing:
        listing.write("\n".join(files.paths))
        listing.flush()
        command = [options.torch, Path(__file__).with_name("loading_torch.py"), load, listing.name]
        for name in ("workers", "batch_size", "loops"):
            command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            print(f"{load}: {process.stdout.readline().strip()}")

            def run(epoch: int) -> tuple[int, float]:
                process.stdin.write(f"{epoch}\n")
                process.stdin.flush()
                count, seconds = process.stdout.readline().split()
                return int(count), float(seconds)

            yield run
            process.stdin.write("\n")


def measure(rounds: dict[str, Round], count: int, repeat: int) -> dict[str, list[float]]:
    """Seconds of each loader's rounds, the first of which, which starts processes, is left out."""
    times: dict[str, list[float]] = {name: [] for name in rounds}
    names = list(rounds)
    for number in range(repeat + 1):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            seen, seconds = rounds[name](number)
            if seen != count:
                raise RuntimeError(f"{name} gave {seen} of {count} pictures")
            if number:
                times[name].append(seconds)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="pictures (.JPEG, .jpg)")
    parser.add_argument("--torch", help="Python interpreter with torch, torchvision, OpenCV")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--loops", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    found = sorted(p for p in options.folder.iterdir() if p.suffix.lower() in (".jpeg", ".jpg"))
    if not found:
        parser.error(f"no pictures in {options.folder}")
    files = Files(tuple(str(path.resolve()) for path in found), options.loops)

    with ExitStack() as stack:
        rounds = {"toolkit": stack.enter_context(ours(files, options))}
        for load in ("PIL", "OpenCV") if options.torch else ():
            rounds[f"torch, {load}"] = stack.enter_context(theirs(load, files, options))
        times = measure(rounds, len(files), options.repeat)

    print(
        f"{len(files)} pictures a round, {options.workers} workers, batches of "
        f"{options.batch_size}, {os.cpu_count()} cores"
    )
    for name, seconds in times.items():
        ratios = [other / mine for other, mine in zip(seconds, times["toolkit"], strict=True)]
        print(
            f"{name:14} {len(files) / statistics.median(seconds):8.1f} pictures/s"
            f"   toolkit is {statistics.median(ratios):.2f}x"
            f" ({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
