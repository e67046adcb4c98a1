from __future__ import annotations

from typing import Any

import pytest

from toolkit.data.text.vocab_json import from_document, lines_to_tokens


def document(**changes: Any) -> dict[str, Any]:
    tokens = ["[UNK]", "[PAD]", "a", "b"]
    base = {
        "idx_to_token": tokens,
        "token_to_idx": {token: i for i, token in enumerate(tokens)},
        "reserved_tokens": ["[PAD]"],
        "unknown_token": "[UNK]",
    }
    return {**base, **changes}


def test_names_of_special_tokens_old_and_new() -> None:
    old = from_document(document(padding_token="[PAD]", bos_token=None, mask_token="a"))
    assert old.special_tokens == {"padding_token": "[PAD]", "mask_token": "a"}
    new = from_document(document(identifiers_to_tokens={"padding_token": "[PAD]"}))
    assert new.special_tokens == {"padding_token": "[PAD]"}
    assert (new.reserved_tokens, from_document(document()).reserved_tokens) == ([], ["[PAD]"])


def test_a_special_token_that_is_there_twice_keeps_the_other_indices() -> None:
    tokens = ["[UNK]", "[PAD]", "[PAD]", "a"]
    parts = from_document(
        document(idx_to_token=tokens, token_to_idx={"[UNK]": 0, "[PAD]": 1, "a": 3})
    )
    assert parts.tokens == ["[UNK]", "[PAD]", "[PAD](double 2)", "a"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"idx_to_token": "ab"}, "a JSON object with a list idx_to_token"),
        ({"idx_to_token": ["[UNK]", None]}, "index 1 of idx_to_token is None, no token"),
        ({"token_to_idx": [1]}, "token_to_idx is list, expected an object"),
        ({"idx_to_token": ["[UNK]", "[PAD]", "a", "a"]}, "token 'b' has index 3|index 3 is 'a'"),
        ({"idx_to_token": ["[UNK]", "[PAD]", "a", "b", "b"]}, "token 'b' is there twice"),
        ({"idx_to_token": ["[UNK]", "[PAD]", "a", "b", "c"]}, "token 'c' of index 4 has no index"),
        ({"token_to_idx": {"[UNK]": 0, "[PAD]": 1, "a": 3, "b": 2}}, "index 3 is 'b' in one place"),
        ({"token_to_idx": {"[UNK]": 0, "[PAD]": 1, "a": 2, "b": 9}}, "'b' has index 9"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        from_document(document(**changes))


def test_one_token_a_line() -> None:
    assert lines_to_tokens("[PAD]\r\na\u2028\nb\n\n") == ["[PAD]", "a\u2028", "b"]
    for text, reason in {
        "": "the file is empty",
        "\n\n": "the file is empty",
        "a\n\nb": "line 2 is empty",
        "a\nb\na": "line 3 repeats the token 'a' of line 1",
    }.items():
        with pytest.raises(ValueError, match=reason):
            lines_to_tokens(text)
