"""What the command line says of errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from toolkit import model_zoo
from toolkit.demo import PICTURE
from toolkit.utils import install

Run = Callable[..., Result]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("predict", "cifar_a", "bad.jpg"), "error: bad.jpg is no picture: it is empty\n"),
        (("info", "cifar_b"), "error: unknown model 'cifar_b'; did you mean cifar_a?\n"),
        (("export", "nosuch", "x"), "error: unknown model 'nosuch'; did you mean cifar_a?\n"),
    ],
)
def test_a_user_s_error_is_one_line_on_stderr(
    run: Run, asked: list[Any], words: tuple[str, ...], message: str
) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)


@pytest.mark.parametrize("words", [("--debug", "info", "nosuch"), ("info", "nosuch", "--debug")])
def test_debug_lets_the_error_through(run: Run, asked: list[Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="unknown model"):
        run(*words, catch_exceptions=False)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileNotFoundError(2, "No such file or directory", "a.jpg"), "No such file or directory"),
        (ModuleNotFoundError("MXNet is not installed"), "MXNet is not installed"),
        (install.SetupError("no wheel"), "no wheel"),
    ],
)
def test_errors_that_users_cause(
    run: Run, asked: list[Any], monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise error

    monkeypatch.setitem(vars(model_zoo), "get_model", fail)
    result = run("export", "cifar_a", "x")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {message}")
    assert "Errno" not in result.stderr


def test_a_defect_keeps_its_traceback(
    run: Run, asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(vars(model_zoo), "get_model", fail)
    assert isinstance(run("export", "cifar_a", "x").exception, ZeroDivisionError)


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
    run: Run, words: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOOLKIT_OFFLINE", "1")
    result = run(*words)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
