from __future__ import annotations

import pickle

import pytest

from toolkit.data.text.tokenizers.template import TEMPLATES, Slot, Template


def test_slots() -> None:
    bert = TEMPLATES["bert"]
    assert bert.slots[1] == (Slot("[CLS]", None, 0), Slot(None, 0, 0), Slot("[SEP]", None, 0))
    assert bert.slots[2][-2:] == (Slot(None, 1, 1), Slot("[SEP]", None, 1))
    assert (bert.count(1), bert.count(2), bert.tokens) == (2, 3, ["[CLS]", "[SEP]"])
    assert pickle.loads(pickle.dumps(bert)) == bert


def test_the_table() -> None:
    assert len(TEMPLATES) >= 5
    counts = {name: (t.count(1), t.count(2)) for name, t in TEMPLATES.items()}
    assert counts["plain"] == (0, 0)
    assert counts["roberta"] == (2, 4)
    assert counts["t5"] == (1, 2)
    assert [s.segment for s in TEMPLATES["xlnet"].slots[2]] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("single", ["", "[CLS]", "$A $A", "$B", "$A $B"])
def test_each_text_once(single: str) -> None:
    with pytest.raises(ValueError, match=r"needs \$A once each"):
        Template(single)
    with pytest.raises(ValueError, match=r"needs \$A and \$B once each"):
        Template(pair="$A")
