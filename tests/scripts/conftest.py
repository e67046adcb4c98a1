"""Exported networks, what Python says of them, and programs in other languages that run them."""

from __future__ import annotations

import hashlib
import itertools
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from mxnet.gluon import HybridBlock, nn
from PIL import Image

import toolkit
from toolkit.data.vision import PRESETS, ImagePreset, read_image
from toolkit.deploy import Manifest, Predictor, export, load
from toolkit.deploy.consumers import deploy_info
from toolkit.model_zoo import get_model
from toolkit.utils.checkpoints import write_params
from toolkit.utils.locks import locked

DEPLOY = Path(__file__).resolve().parents[2] / "scripts" / "deploy"
CAT = Path(toolkit.__file__).parent / "assets" / "cat.jpg"
REQUIRED = "TOOLKIT_TEST_REQUIRE"  # names of tools, by comma, whose absence is a failure
THRESHOLD = 0.4
TEXT = ("3 14 15 9 26", "0 0 1 1 1")


class Detector(HybridBlock):
    """Classes, scores and boxes of three kinds of things; rows that were suppressed are -1."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.HybridSequential()
        for channels in (8, 16, 16):
            self.body.add(nn.Conv2D(channels, 3, strides=2, padding=1))
            self.body.add(nn.BatchNorm(), nn.Activation("relu"))
        self.classes = nn.Conv2D(4 * 4, 3, padding=1)
        self.boxes = nn.Conv2D(4 * 4, 3, padding=1)

    def hybrid_forward(self, F, x):
        features = self.body(x)
        anchors = F.contrib.MultiBoxPrior(features, sizes=(0.3, 0.5), ratios=(1, 2, 0.5))
        classes = F.transpose(self.classes(features), axes=(0, 2, 3, 1))
        classes = F.softmax(F.reshape(classes, shape=(0, -1, 4)), axis=2)
        boxes = F.flatten(F.transpose(self.boxes(features), axes=(0, 2, 3, 1)))
        rows = F.contrib.MultiBoxDetection(
            F.transpose(classes, axes=(0, 2, 1)), boxes, anchors, nms_threshold=0.45, nms_topk=50
        )
        ends = (0, 1, 2, 6)
        return [F.slice_axis(rows, axis=2, begin=a, end=b) for a, b in itertools.pairwise(ends)]


class TextClassifier(HybridBlock):
    """The mean of what the valid tokens are, as one of seven classes."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(50, 16)
        self.segments = nn.Embedding(2, 16)
        self.hidden = nn.Dense(16, flatten=False)
        self.scores = nn.Dense(7)

    def hybrid_forward(self, F, tokens, segments, valid_length):
        x = F.transpose(self.hidden(self.tokens(tokens) + self.segments(segments)), axes=(1, 0, 2))
        x = F.SequenceMask(x, sequence_length=valid_length, use_sequence_length=True)
        return self.scores(F.broadcast_div(F.sum(x, axis=0), F.reshape(valid_length, (-1, 1))))


class Same(HybridBlock):
    """Gives what it is given: shows how a picture was prepared."""

    def __init__(self) -> None:
        super().__init__()
        self.one = self.params.get_constant("one", mx.nd.ones((1, 1, 1, 1)))

    def hybrid_forward(self, F, x, one):
        return F.broadcast_mul(x, one)


def initialized(net: HybridBlock, init: Any) -> HybridBlock:
    mx.random.seed(1)
    net.initialize(init)
    return net


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Prefixes of an exported classifier, detector and text classifier."""
    folder = tmp_path_factory.mktemp("exports of all kinds")
    prefixes = {name: folder / name for name in ("classifier", "detector", "text")}
    export(get_model("cifar_resnet20_v1", True), prefixes["classifier"])
    detector = initialized(Detector(), mx.init.Xavier(magnitude=12))
    example, preset = np.zeros((1, 3, 64, 64), np.float32), PRESETS["cifar"].with_size(64)
    labels = ["cat", "dog", 'a "quoted" ünïcödé name']
    export(detector, prefixes["detector"], example, preprocess=preset, labels=labels)
    text = initialized(TextClassifier(), mx.init.Normal(1))
    tokens, valid = np.zeros((1, 12), np.float32), np.ones((1,), np.float32)
    export(text, prefixes["text"], (tokens, tokens, valid), labels=list("abcdefg"))
    return prefixes


@pytest.fixture(scope="session")
def batches(exports: dict[str, Path]) -> dict[str, list[np.ndarray]]:
    """Random inputs for each export, of a batch size that it was not exported with."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 13, 4)
    return {
        "classifier": [rng.normal(size=(3, 3, 32, 32)).astype(np.float32)],
        "detector": [rng.normal(size=(2, 3, 64, 64)).astype(np.float32)],
        "text": [rng.integers(0, 50, (4, 12)), rng.integers(0, 2, (4, 12)), lengths],
    }


@pytest.fixture(scope="session")
def said_by_python(exports: dict[str, Path]) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of index, name and numbers that the three example programs must print."""
    classes = Predictor(exports["classifier"])(CAT)
    detector = load(exports["detector"])
    pixels = ImagePreset.from_dict(detector.manifest.preprocess)(read_image(CAT))
    rows = np.concatenate([output[0] for output in detector(pixels[None])], axis=1)
    rows = rows[(rows[:, 0] >= 0) & (rows[:, 1] > THRESHOLD)]
    rows = rows[np.argsort(-rows[:, 1], kind="stable")]
    assert 1 < len(rows) < 50
    assert len(set(rows[:, 0])) > 1
    ids = [np.zeros((1, 12), np.float32) for _ in TEXT]
    for array, words in zip(ids, TEXT, strict=True):
        array[0, : len(words.split())] = [int(word) for word in words.split()]
    (scores,) = load(exports["text"])(*ids, np.full((1,), len(TEXT[0].split()), np.float32))
    probs = np.exp(scores[0]) / np.exp(scores[0]).sum()
    names = detector.manifest.labels
    return {
        "classifier": [(one.index, one.label, one.prob) for one in classes],
        "detector": [(int(row[0]), names[int(row[0])], *row[1:]) for row in rows],
        "text": [(i, "abcdefg"[i], probs[i]) for i in np.argsort(-probs)[:5]],
    }


@dataclass(frozen=True)
class Programs:
    """The example programs of one language."""

    command: Callable[[str], list[str]]  # from a program's name to the words that start it
    environment: dict[str, str]

    def __call__(self, name: str, *words: object, status: int = 0) -> str:
        """What the program prints; its errors where it is to end with another status."""
        done = subprocess.run(
            [*self.command(name), *map(str, words)],
            env={**os.environ, **self.environment},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )
        assert done.returncode == status, done.stderr
        return done.stderr if status else done.stdout

    def outputs(self, prefix: Path, folder: Path, *inputs: Any) -> list[np.ndarray]:
        """What the network gives for arrays, or for a picture."""
        for place in folder.glob("out-*.npy"):
            place.unlink()
        words = []
        for number, value in enumerate(inputs):
            words.append(value)
            if isinstance(value, np.ndarray):
                words[-1] = folder / f"in{number}.npy"
                np.save(words[-1], value)
        self("run_arrays", prefix, folder / "out", *words)
        return [np.load(path) for path in sorted(folder.glob("out-*.npy"))]


def check_rows(text: str, wanted: Sequence[tuple[Any, ...]]) -> None:
    """Compares printed rows of index, name and numbers."""
    rows = [line.split("\t") for line in text.splitlines()]
    assert [(int(row[0]), row[1]) for row in rows] == [tuple(row[:2]) for row in wanted]
    for row, other in zip(rows, wanted, strict=True):
        np.testing.assert_allclose(np.array(row[2:], float), other[2:], atol=1e-5)


@pytest.fixture(scope="session")
def prints_as_python(
    exports: dict[str, Path], said_by_python: dict[str, list[tuple[Any, ...]]]
) -> Callable[[Programs, str], None]:
    """Runs the example of a kind of network and compares what it prints with Python's answer."""
    words = {
        "classifier": ("classify", CAT),
        "detector": ("detect", CAT, THRESHOLD),
        "text": ("classify_text", *TEXT),
    }

    def check(programs: Programs, kind: str) -> None:
        name, *rest = words[kind]
        check_rows(programs(str(name), exports[kind], *rest), said_by_python[kind])

    return check


PRESETS_TRIED = {  # how, from what kind of file
    "bicubic, cropped": (PRESETS["imagenet"], "photograph.jpg"),
    "area, gray and turned": (PRESETS["cifar"], "turned.jpg"),
    "bilinear, half transparent": (
        replace(PRESETS["cifar"], size=(37, 50), resize=None, interpolation="bilinear"),
        "transparent.png",
    ),
    "nearest, of few colours": (
        replace(PRESETS["cifar"], size=(40, 40), resize=90, interpolation="nearest"),
        "palette.png",
    ),
    "area, enlarged": (replace(PRESETS["cifar"], size=(48, 48), resize=140), "transparent.png"),
}


@pytest.fixture(scope="session")
def picture_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of picture files of several kinds."""
    folder = tmp_path_factory.mktemp("pictures")
    cat = Image.open(CAT)
    exif = Image.Exif()
    exif[0x0112] = 6
    shutil.copy(CAT, folder / "photograph.jpg")
    cat.convert("L").resize((121, 67)).save(folder / "turned.jpg", exif=exif)
    small = cat.resize((101, 75)).convert("RGBA")
    small.putalpha(Image.linear_gradient("L").resize(small.size))
    small.save(folder / "transparent.png")
    cat.resize((99, 130)).quantize(20).save(folder / "palette.png")
    return folder


@pytest.fixture(params=PRESETS_TRIED)
def same_preparation(
    request: pytest.FixtureRequest, picture_files: Path, tmp_path: Path
) -> Callable[[Programs], None]:
    """Prepares a picture file in a program and in Python, and compares all values."""
    preset, name = PRESETS_TRIED[request.param]

    def check(programs: Programs) -> None:
        export(initialized(Same(), mx.init.Zero()), tmp_path / "same", preprocess=preset)
        (found,) = programs.outputs(tmp_path / "same", tmp_path, picture_files / name)
        wanted = preset(read_image(picture_files / name))
        np.testing.assert_allclose(found[0], wanted, atol=1e-6, rtol=0)

    return check


DAMAGES: dict[str, tuple[str, ...]] = {  # what was done to an export: what must be said
    "another hash in the manifest": ("-0000.params", "sha256"),
    "no file of parameters": ("-0000.params", "missing"),
    "an array of parameters less": ("-0000.params", "no array for", "weight"),
    "an operator that there is not": ("NoSuchOperator",),
    "a manifest of a later format": ("-manifest.json", "format 99"),
    "a manifest that is cut off": ("-manifest.json",),
}


def damage(prefix: Path, how: str) -> None:
    """Does to an export what a name in ``DAMAGES`` says."""
    place, params = Path(f"{prefix}-manifest.json"), Path(f"{prefix}-0000.params")
    symbol, manifest = Path(f"{prefix}-symbol.json"), Manifest.read(place)
    if how == "no file of parameters":
        params.unlink()
    elif how == "a manifest that is cut off":
        place.write_text(place.read_text()[:100])
    elif how == "a manifest of a later format":
        place.write_text(place.read_text().replace('"format": 1', '"format": 99'))
    elif how == "another hash in the manifest":
        entry = {**manifest.files["-0000.params"], "sha256": "0" * 64}
        place.write_text(replace(manifest, files={"-0000.params": entry}).to_json())
    else:
        if how == "an operator that there is not":
            symbol.write_text(
                symbol.read_text().replace('"op": "Convolution"', '"op": "NoSuchOperator"')
            )
        else:
            arrays = {k: v.asnumpy() for k, v in mx.nd.load(str(params)).items()}
            arrays.pop(next(name for name in arrays if name.endswith("weight")))
            write_params(params, arrays)
        place.write_text(
            manifest.with_files({"-0000.params": params, "-symbol.json": symbol}).to_json()
        )


@pytest.fixture(params=DAMAGES)
def damaged(
    request: pytest.FixtureRequest, exports: dict[str, Path], tmp_path: Path
) -> tuple[Path, tuple[str, ...]]:
    """The prefix of a damaged export, and words of the error that tells of it."""
    for path in exports["classifier"].parent.glob("classifier-*"):
        shutil.copy(path, tmp_path)
    damage(tmp_path / "classifier", request.param)
    return tmp_path / "classifier", DAMAGES[request.param]


def missing(tool: str, reason: str) -> None:
    """Skips the test, or fails where the tool is required."""
    if tool in os.environ.get(REQUIRED, "").split(","):
        pytest.fail(f"{tool} is required ({REQUIRED}): {reason}")
    pytest.skip(reason)


def built(config: pytest.Config, name: str, *parts: object) -> Path:
    """A folder for what is built, kept between sessions for the same ``parts``."""
    key = hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
    return Path(config.cache.mkdir(f"deploy-{name}-{key}"))


def succeed(*words: object) -> None:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def cpp(pytestconfig: pytest.Config) -> Programs:
    """The C++ programs, compiled."""
    for tools in (("cmake",), ("make", "ninja"), ("c++", "g++", "clang++")):
        if not any(map(shutil.which, tools)):
            missing("cpp", f"none of {', '.join(tools)} is installed")
    info = deploy_info()
    folder = built(pytestconfig, "cpp", info.library, DEPLOY)
    with locked(folder / "build", 600):
        succeed("cmake", "-S", DEPLOY / "cpp", "-B", folder, *shlex.split(info.cmake()))
        for library in ("JPEG", "PNG"):
            if f"{library}_LIBRARY_RELEASE-NOTFOUND" in (folder / "CMakeCache.txt").read_text():
                missing("cpp", f"the headers of lib{library.lower()} are not installed")
        succeed("cmake", "--build", folder, "--parallel", 2)
    return Programs(lambda name: [str(folder / name)], info.environment)


UNREACHABLE = ("Could not transfer", "Cannot access", "Unknown host", "resolution will not be")


def package(project: Path) -> None:
    """Packages the Java and Scala programs, without the network where it can be done."""
    for offline in (["-o"], []):
        words = ["mvn", "-q", "-B", *offline, "-f", str(project / "pom.xml"), "package"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=600)
        if done.returncode == 0:
            return
        if "ompilation failure" in done.stdout or "ompilation failed" in done.stdout:
            break
    if any(word in done.stdout for word in UNREACHABLE):
        missing("java", f"Maven reaches no repository: {done.stdout[:500]}")
    pytest.fail(done.stdout)


@pytest.fixture(scope="session")
def jars(pytestconfig: pytest.Config) -> Path:
    """The folder of the Java and Scala projects, packaged."""
    if not shutil.which("mvn") or not shutil.which("javac"):
        missing("java", "a JDK and Maven are not installed")
    version = subprocess.run(["javac", "-version"], capture_output=True, text=True).stdout
    if int(version.split()[1].partition(".")[0]) < 17:
        missing("java", f"the programs need Java 17, found {version.strip()}")
    files = sorted(p for p in DEPLOY.rglob("*") if p.suffix in (".java", ".scala", ".xml"))
    sources = [(p.relative_to(DEPLOY), p.read_text()) for p in files if "target" not in p.parts]
    folder = built(pytestconfig, "java", sources)
    with locked(folder / "build", 900):
        if not (folder / "done").exists():
            for place, text in sources:
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                (folder / place).write_text(text)
            package(folder)
            (folder / "done").touch()
    return folder


def virtual_machine(folder: Path, package: str) -> Programs:
    """The programs of a project whose classes are in ``package``."""
    jars = f"{folder}/target/*{os.pathsep}{folder}/target/lib/*"

    def command(name: str) -> list[str]:
        main = f"{package}.{name.title().replace('_', '')}"
        return ["java", "-XX:TieredStopAtLevel=1", "-cp", jars, main]

    return Programs(command, deploy_info().environment)


@pytest.fixture(scope="session")
def java(jars: Path) -> Programs:
    """The Java programs."""
    return virtual_machine(jars / "java", "toolkit")


@pytest.fixture(scope="session")
def scala(jars: Path) -> Programs:
    """The Scala programs."""
    return virtual_machine(jars / "scala", "toolkit.fromscala")
