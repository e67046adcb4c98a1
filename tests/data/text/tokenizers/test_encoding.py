from __future__ import annotations

from toolkit.data.text.tokenizers.encoding import Encoding, PlainPieces
from toolkit.data.text.tokenizers.template import TEMPLATES


def test_two_texts_with_special_tokens() -> None:
    first = PlainPieces([5, 6, 7], ["a", "b", "c"], [(0, 1), (2, 3), (4, 5)])
    second = PlainPieces([8], ["d"], [(1, 2)])
    slots, ids = TEMPLATES["bert"].slots[2], {"[CLS]": 1, "[SEP]": 2}
    encoding = Encoding((first, second), (2, 1), slots, ids)
    assert encoding.ids == [1, 5, 6, 2, 8, 2]
    assert encoding.tokens == ["[CLS]", "a", "b", "[SEP]", "d", "[SEP]"]
    assert encoding.offsets == [None, (0, 1), (2, 3), None, (1, 2), None]
    assert encoding.segments == [0, 0, 0, 0, 1, 1]
    assert encoding.texts == [None, 0, 0, None, 1, None]
    assert len(encoding) == 6
