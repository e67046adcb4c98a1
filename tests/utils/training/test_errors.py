from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.utils.training import INTERRUPTED, Interrupted
from toolkit.utils.training.errors import last_good


def test_an_interrupted_process_ends_with_a_code_of_its_own() -> None:
    with pytest.raises(SystemExit) as caught:
        raise Interrupted("saved; told to end")
    assert caught.value.code == INTERRUPTED == 75
    assert str(caught.value) == "saved; told to end"


def test_the_checkpoint_to_go_back_to_is_named() -> None:
    assert last_good(Path("a/step-1")).endswith("step-1")
    assert last_good(None) == "there is no checkpoint"
