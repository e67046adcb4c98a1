"""The command line: what it prints, its exit status, its errors. Models are faked here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import mxnet as mx
import pytest
from click.testing import CliRunner, Result

import toolkit
from toolkit import deploy, model_zoo
from toolkit.cli import main
from toolkit.demo import PICTURE
from toolkit.model_zoo import Layer, ModelInfo, Summary, WeightsEntry
from toolkit.utils import gpu, install

WEIGHTS = WeightsEntry(
    name="cifar_a",
    tag="1234abcd",
    digest="sha1:1234abcd",
    file="cifar_a-1234abcd.params",
    url="cifar_a-1234abcd.zip",
    size=1000,
    metrics={"top1": 92.5},
    bundled=True,
)
MODELS = {
    "cifar_a": ModelInfo(
        "cifar_a", "f", "image_classifier", "vision", "a", 10, "cifar10", "cifar", {}, (WEIGHTS,)
    ),
    "plain_b": ModelInfo("plain_b", "f", "image_classifier", "vision", "b", 1000),
}


@dataclass(frozen=True)
class Label:
    label: str
    index: int
    prob: float


class FakePredictor:
    """Says cat or dog of any picture but one that is called bad.jpg."""

    made: tuple[str, Any] = ("", None)

    def __init__(self, model: str, *, pretrained: Any = True) -> None:
        FakePredictor.made = (model, pretrained)

    def stream(self, images: list[str], top: int, *, on_error: str) -> Iterator[list[Label]]:
        for image in images:
            if image != "bad.jpg":
                yield [Label("cat", 3, 0.75), Label("dog", 5, 0.25)][:top]
            elif on_error == "skip":
                yield []
            else:
                raise ValueError("bad.jpg is no picture: it is empty")


def info(name: str) -> ModelInfo:
    if name not in MODELS:
        raise ValueError(f"unknown model {name!r}; did you mean cifar_a?")
    return MODELS[name]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Fakes for all that lies below; records what the zoo and the exporter were asked for."""
    seen: list[Any] = []

    def list_models(pattern: str, **options: Any) -> list[str]:
        seen.append((pattern, options))
        return [name for name in MODELS if pattern.strip("*") in name]

    def get_model(name: str, pretrained: Any = False) -> str:
        info(name)
        seen.append((name, pretrained))
        return f"net {name}"

    def export(net: str, path: Path, example: Any) -> Path:
        seen.append((net, None if example is None else example.shape))
        manifest = Path(f"{path}-manifest.json")
        manifest.write_text("{}")
        return manifest

    def summarize(name: str, shape: tuple[int, ...]) -> Summary:
        layer = Layer("conv", "Convolution", shape, 1234, 7 * shape[-1], 42)
        return Summary((shape,), (layer,), 1234)

    for module, name, fake in (
        (model_zoo, "list_models", list_models),
        (model_zoo, "summarize", summarize),
        (model_zoo, "model_info", info),
        (model_zoo, "get_model", get_model),
        (deploy, "export", export),
        (deploy, "Predictor", FakePredictor),
    ):
        monkeypatch.setitem(vars(module), name, fake)
    return seen


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_models_is_a_table(asked: list[Any]) -> None:
    result = run("models")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["model", "task", "classes", "weights", "published", "result"]
    assert lines[1].split() == [
        "cifar_a", "image_classifier", "10", "1234abcd", "(bundled)", "top1", "92.5",
    ]  # fmt: skip
    assert lines[2].split() == ["plain_b", "image_classifier", "1000"]
    assert "2 models, 1 with weights" in result.stderr


@pytest.mark.parametrize(
    ("words", "pattern", "options"),
    [
        ((), "*", {"task": None, "domain": None, "pretrained": None}),
        (("cifar",), "*cifar*", {"task": None, "domain": None, "pretrained": None}),
        (("cifar_?",), "cifar_?", {"task": None, "domain": None, "pretrained": None}),
        (
            ("--task", "t", "--domain", "d", "--pretrained"),
            "*",
            {"task": "t", "domain": "d", "pretrained": True},
        ),
    ],
)
def test_models_hands_the_filters_down(
    asked: list[Any], words: tuple[str, ...], pattern: str, options: dict[str, Any]
) -> None:
    run("models", *words)
    assert asked[0][1] == options
    assert asked[0][0].replace("***", "*") == pattern


def test_models_as_json(asked: list[Any]) -> None:
    rows = json.loads(run("models", "cifar", "--json").stdout)
    assert [row["name"] for row in rows] == ["cifar_a"]
    assert rows[0]["weights"][0]["metrics"] == {"top1": 92.5}


def test_no_model_fits(asked: list[Any]) -> None:
    result = run("models", "nosuch")
    assert result.exit_code == 1
    assert result.stderr == "error: no model fits '*nosuch*' and the options;" + (
        " `toolkit models` lists all\n"
    )


def test_info_of_a_model(asked: list[Any]) -> None:
    result = run("info", "cifar_a")
    assert result.exit_code == 0
    assert "cifar10" in result.stdout
    assert "cifar_a-1234abcd.params" in result.stdout
    assert json.loads(run("info", "cifar_a", "--json").stdout)["weights"][0]["tag"] == "1234abcd"


@pytest.mark.parametrize(("words", "side"), [((), 32), (("--size", "8x64"), 64)])
def test_info_tells_what_a_picture_costs(
    asked: list[Any], words: tuple[str, ...], side: int
) -> None:
    found = json.loads(run("info", "cifar_a", "--json", *words).stdout)
    assert found["input"][-1] == side
    assert found["parameters"] == 1234
    assert found["multiply_adds"] == 7 * side
    assert found["activation_bytes"] == 42
    assert "parameters" not in json.loads(run("info", "plain_b", "--json").stdout)


def test_info_of_the_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOOLKIT_HOME", str(tmp_path))
    monkeypatch.setenv("TOOLKIT_REPO", "file:///mirror")
    found = json.loads(run("info", "--json").stdout)
    assert found["toolkit"] == toolkit.__version__
    assert found["cache"] == str(tmp_path / "models")
    assert any(mirror.startswith("file:///mirror") for mirror in found["mirrors"])
    assert {row["step"] for row in found["runtime"]} >= {"threads", "numpy"}
    text = run("info").stdout
    assert "file:///mirror" in text
    assert "threads" in text


@pytest.mark.parametrize(
    ("capability", "verdict"),
    [((8, 9), "MXNet's CUDA builds run on it"), ((9, 0), "MXNet has no code for it")],
)
def test_info_says_whether_a_gpu_is_of_use(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], verdict: str
) -> None:
    card = gpu.Gpu(0, "A card", capability)
    monkeypatch.setattr(gpu, "list_gpus", lambda: (card,))
    (said,) = json.loads(run("info", "--json").stdout)["gpus"]
    assert said.startswith("A card (compute capability " + "{}.{}".format(*capability))
    assert verdict in said


def test_predict_is_a_table(asked: list[Any]) -> None:
    result = run("predict", "cifar_a", "one.jpg", "two.jpg", "--top", "1")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[1:] == [["one.jpg", "cat", "0.7500", "3"], ["two.jpg", "cat", "0.7500", "3"]]
    assert FakePredictor.made == ("cifar_a", True)


def test_predict_as_json(asked: list[Any]) -> None:
    (row,) = json.loads(run("predict", "cifar_a", "one.jpg", "--json").stdout)
    assert row["image"] == "one.jpg"
    assert row["predictions"][0] == {"label": "cat", "index": 3, "prob": 0.75}


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_predict_names_the_readable_pictures_and_fails(
    asked: list[Any], form: tuple[str, ...]
) -> None:
    result = run("predict", "cifar_a", "one.jpg", "bad.jpg", *form)
    assert result.exit_code == 1
    assert "cat" in result.stdout
    assert result.stderr == "error: 1 of 2 pictures could not be read\n"


def test_predict_with_a_file_of_weights(asked: list[Any]) -> None:
    run("predict", "cifar_a", "one.jpg", "--weights", "mine.params")
    assert FakePredictor.made == ("cifar_a", "mine.params")


def test_export_lists_the_files(asked: list[Any], tmp_path: Path) -> None:
    result = run("export", "cifar_a", str(tmp_path / "net"), "--size", "64x48")
    assert result.exit_code == 0
    assert asked == [("cifar_a", True), ("net cifar_a", (1, 3, 64, 48))]
    assert result.stdout == f"{tmp_path / 'net-manifest.json'}  2 bytes\n"


def test_export_leaves_the_size_to_the_model(asked: list[Any], tmp_path: Path) -> None:
    run("export", "cifar_a", str(tmp_path / "net"), "--weights", "1234")
    assert asked == [("cifar_a", "1234"), ("net cifar_a", None)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("predict", "cifar_a", "bad.jpg"), "error: bad.jpg is no picture: it is empty\n"),
        (("info", "cifar_b"), "error: unknown model 'cifar_b'; did you mean cifar_a?\n"),
        (("export", "nosuch", "x"), "error: unknown model 'nosuch'; did you mean cifar_a?\n"),
    ],
)
def test_a_user_s_error_is_one_line_on_stderr(
    asked: list[Any], words: tuple[str, ...], message: str
) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)


@pytest.mark.parametrize("words", [("--debug", "info", "nosuch"), ("info", "nosuch", "--debug")])
def test_debug_lets_the_error_through(asked: list[Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="unknown model"):
        CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "No such file or directory", "a.jpg"), "No such file or directory"),
        (ModuleNotFoundError("MXNet is not installed"), "MXNet is not installed"),
        (install.SetupError("no wheel"), "no wheel"),
    ],
)
def test_errors_that_users_cause(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise error

    monkeypatch.setitem(vars(model_zoo), "get_model", fail)
    result = run("export", "cifar_a", "x")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {message}")
    assert "Errno" not in result.stderr


def test_a_defect_keeps_its_traceback(asked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(vars(model_zoo), "get_model", fail)
    assert isinstance(run("export", "cifar_a", "x").exception, ZeroDivisionError)


@pytest.mark.parametrize(
    "words",
    [
        ("nosuch",),
        ("predict", "cifar_a"),
        ("predict", "cifar_a", "a.jpg", "--top", "0"),
        ("export", "cifar_a", "x", "--size", "224"),
        ("export", "cifar_a", "x", "--size", "0x5"),
        ("models", "--nosuch"),
    ],
)
def test_wrong_usage_is_status_2(asked: list[Any], words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_every_command_has_help() -> None:
    assert len(main.commands) >= 6
    for name, command in main.commands.items():
        result = run(name, "--help")
        assert result.exit_code == 0
        assert command.get_short_help_str(), name
        assert isinstance(command, click.Command)


def test_setup_dry_run_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "missing_wheel", lambda *where: None)
    result = run("setup", "--numpy2", "--dry-run")
    assert result.exit_code == 0
    assert "-m pip install --no-deps" in result.stdout


def test_version_names_what_matters() -> None:
    result = run("--version")
    assert result.stdout.startswith(f"toolkit {toolkit.__version__}, Python 3.")
    assert "mxnet" in result.stdout
    assert "numpy" in result.stdout


def test_the_command_line_starts_without_mxnet() -> None:
    code = "import sys, toolkit.cli; sys.exit('mxnet' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_real_thing_from_export_to_prediction(tmp_path: Path) -> None:
    """Nothing faked: random weights go into a file, through export, and come back as labels."""
    net = model_zoo.get_model("cifar_resnet20_v1")
    net.initialize()
    net(mx.nd.zeros((1, 3, 32, 32)))
    net.save_parameters(str(tmp_path / "w.params"))
    weights = ("--weights", str(tmp_path / "w.params"))

    exported = run("export", "cifar_resnet20_v1", str(tmp_path / "out" / "net"), *weights)
    assert exported.exit_code == 0, exported.stderr
    assert "net-manifest.json" in exported.stdout
    answers = [
        json.loads(run("predict", *words, str(PICTURE), "--json").stdout)[0]["predictions"]
        for words in (("cifar_resnet20_v1", *weights), (str(tmp_path / "out" / "net"),))
    ]
    assert len(answers[0]) == 5
    assert {p["label"] for p in answers[0]} <= set(model_zoo.read_labels("cifar10"))
    assert [p["index"] for p in answers[0]] == [p["index"] for p in answers[1]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("info", "cifar_resnet21_v1"), "unknown model 'cifar_resnet21_v1'; did you mean cifar_"),
        (("predict", "cifar_resnet20_v1", "nosuch.jpg"), "nosuch.jpg"),
        (("predict", "nosuch/net", str(PICTURE)), "nosuch/net"),
        (("predict", "cifar_resnet20_v1", str(PICTURE), "--weights", "nosuch.params"), "nosuch.p"),
    ],
)
def test_real_mistakes_are_one_line(
    words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_OFFLINE", "1")
    result = run(*words)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
