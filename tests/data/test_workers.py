from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import toolkit
from toolkit.data.batchify import StackFields
from toolkit.data.loader import DataLoader
from toolkit.data.pipeline import Pipeline
from toolkit.data.workers import MAX_LENT, WorkerError, WorkerPool, shared

SRC = Path(toolkit.__file__).parents[1]


def pool_of(dataset: object, count: int = 1, timeout: float | None = 60) -> WorkerPool:
    return WorkerPool(Pipeline(dataset, None, StackFields(), 0, False, None), count, timeout)


def test_results_by_number(cases: ModuleType) -> None:
    pool = pool_of(cases.Numbers(), 2)
    numbers = [pool.submit(0, np.array([i, i + 1])) for i in range(5)]
    for i in reversed(range(5)):
        assert pool.result(numbers[i]).batch[1].tolist() == [i, i + 1]
    left = pool.submit(0, np.array([0]))
    pool.close()
    with pytest.raises(WorkerError, match="the loader was closed"):
        pool.result(left)


def test_memory_is_used_again(cases: ModuleType) -> None:
    pool = pool_of(cases.Numbers())
    for _ in range(20):
        assert pool.result(pool.submit(0, np.array([1]))).batch[1] == 1
    assert len(pool._workers[0].blocks) == 1
    kept = [pool.result(pool.submit(0, np.array([i % 10]))).batch for i in range(40)]
    assert len(pool._workers[0].blocks) <= MAX_LENT + 1
    assert [int(batch[1][0]) for batch in kept] == [i % 10 for i in range(40)]
    pool.close()


def test_forgotten_batches_give_their_memory_back(cases: ModuleType) -> None:
    pool = pool_of(cases.Numbers())
    numbers = [pool.submit(0, np.array([i])) for i in range(3)]
    pool.result(pool.submit(0, np.array([9])))  # by now those before it have arrived
    pool.forget(numbers)
    pool.result(pool.submit(0, np.array([9])))
    worker = pool._workers[0]
    assert sorted(worker.free) == list(range(len(worker.blocks)))
    pool.close()


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (
            {"deadly": 5},
            r"worker \d \(process \d+\) was killed by SIGKILL .*samples 4, 5 of epoch 2",
        ),
        ({"leaving": 5}, r"worker \d .* ended with exit status 3 while .*samples 4, 5 of epoch 2"),
    ],
)
def test_a_dead_worker_is_reported(
    cases: ModuleType, trouble: dict[str, int], message: str
) -> None:
    loader = DataLoader(cases.Numbers(**trouble), 2, workers=2)
    with pytest.raises(WorkerError, match=message):
        list(loader.batches(2))
    assert next(loader.batches(2))[1].tolist() == [0, 1]  # new ones start
    loader.close()


def test_a_worker_killed_from_outside_is_reported(cases: ModuleType) -> None:
    pool = pool_of(cases.Numbers(endless=3))
    number = pool.submit(1, np.array([3]))
    os.kill(pool._workers[0].process.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match=r"SIGKILL .*while it loaded samples 3 of epoch 1"):
        pool.result(number)
    pool.close()


def test_a_hanging_worker_is_reported(cases: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.data.workers.GRACE", 0.1)
    pool = pool_of(cases.Numbers(endless=3))
    pool.result(pool.submit(0, np.array([0])))  # it has started, however long that takes
    pool.timeout = 0.5
    number = pool.submit(0, np.array([2, 3]))
    with pytest.raises(WorkerError, match=r"nothing for 0.5 s.*samples 2, 3 of epoch 0.*timeout="):
        pool.result(number)
    process = pool._workers[0].process
    pool.close()
    assert process.returncode == -signal.SIGKILL


def test_a_data_set_that_cannot_be_rebuilt_is_reported(cases: ModuleType) -> None:
    pool = pool_of(cases.Unimportable())
    with pytest.raises(WorkerError, match=r"worker 0 could not start(.|\n)*no such thing here"):
        pool.result(pool.submit(0, np.array([0])))
    pool.close()


@pytest.mark.parametrize("part", ["dataset", "transform", "batchify"])
def test_what_cannot_be_pickled_is_named(part: str) -> None:
    parts = {"dataset": [1], "transform": None, "batchify": StackFields(), part: lambda x: x}
    pipeline = Pipeline(**parts, seed=0, skip=False, rng_as=None)  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=f"the {part} cannot be sent to worker processes.*workers=0"
    ):
        shared(pipeline)


PROGRAM = """
    import os, signal, sys, time
    import toolkit
    from toolkit.data.loader import DataLoader

    class Squares:
        def __len__(self): return 1000
        def __getitem__(self, index):
            time.sleep(0.001)
            return index ** 2, os.getpid()

    {guard}
        # Jobs in the background are started with the signal ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        loader = DataLoader(Squares(), 4, workers=2)
        pids = set()
        for number, (squares, workers) in enumerate(loader):
            pids.update(workers.tolist())
            if number == 9:
                sys.stdout.write(" ".join(map(str, sorted(pids))) + chr(10))
                sys.stdout.flush()
                {then}
"""


def run(
    tmp_path: Path, then: str, guard: str = "if __name__ == '__main__':"
) -> tuple[int, str, str]:
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM.format(then=then, guard=guard)))
    environment = dict(os.environ, PYTHONPATH=str(SRC))
    done = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        start_new_session=True,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and /dev/shm")
@pytest.mark.parametrize(
    ("then", "status"),
    [
        ("sys.exit(0)", 0),
        ("os.killpg(0, signal.SIGINT)", -signal.SIGINT),  # what Ctrl-C does
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_nothing_is_left_behind(tmp_path: Path, then: str, status: int) -> None:
    before = set(os.listdir("/dev/shm"))
    code, out, err = run(tmp_path, then)
    assert code == status, err
    pids = [int(word) for word in out.split()]
    assert len(pids) == 2
    assert "worker" not in err
    assert {name for name in os.listdir("/dev/shm") if "toolkit" in name} <= before
    for pid in pids:  # orphans end when they see that nobody listens
        wait_for_end(pid)


def wait_for_end(pid: int) -> None:
    """Returns when a process that is no child of this one is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 30)[0], f"process {pid} is still there"
    finally:
        os.close(descriptor)


def test_a_program_without_a_guard_is_told(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "sys.exit(0)", guard="if True:")
    assert code == 1
    assert "could not start" in err
    assert "if __name__ == '__main__'" in err


def test_workers_share_the_arrays_of_the_data_set() -> None:
    data = [np.arange(1_000_000) for _ in range(2)]
    block, layout = shared(Pipeline(data, None, StackFields(), 0, False, None))
    assert layout.size >= 2 * data[0].nbytes
    assert len(layout.pickled) < 10_000
    np.testing.assert_array_equal(block.private(layout).dataset[1], data[1])
    with DataLoader(data, 2, workers=2) as loader:
        np.testing.assert_array_equal(next(iter(loader))[0], data[0])
