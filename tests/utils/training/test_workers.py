from __future__ import annotations

from toolkit.utils.training import Alone


def test_one_process_is_all_there_is() -> None:
    alone = Alone()
    assert (alone.rank, alone.size, alone.kvstore) == (0, 1, None)
    assert alone.reduce({"loss": 2.0}) == {"loss": 2.0}
    alone.barrier()
