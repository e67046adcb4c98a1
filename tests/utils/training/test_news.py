from __future__ import annotations

from toolkit.utils.training.news import News
from toolkit.utils.training.run import Run


def test_each_value_is_told_once_at_its_step() -> None:
    run, news = Run(None, 1, 9, step=1), News()
    run.record({"loss": 2.0})
    assert news.take(run) == {"loss": 2.0}
    assert news.take(run) == {}
    run.record({"val_loss": 3.0})
    assert news.take(run) == {"val_loss": 3.0}
    run.step = 2
    assert news.take(run) == {}, "values of an earlier step are old"
    run.record({"loss": 2.0})
    assert news.take(run) == {"loss": 2.0}, "the same number, measured anew"
