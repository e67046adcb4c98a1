"""Jobs whose servers are stand-ins: what is tested is how processes are started and ended."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.utils.launch.job import Job


def write_program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[..., Job]:
    """A job of a shell command, with servers that only wait to be ended."""
    stand_in = write_program(tmp_path / "python", "#!/bin/sh\nexec sleep 300\n")

    def make(command: str, workers: int = 2, **options: object) -> Job:
        options.setdefault("python", str(stand_in))
        return Job(("sh", "-c", command), workers, **options)

    return make


@pytest.fixture
def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ``ssh`` that runs commands here, but has no way to machines called ``gone...``.

    Returns:
        The file in which it notes its arguments.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    noted = tmp_path / "ssh.txt"
    write_program(
        folder / "ssh",
        f"""#!/bin/sh
echo "$@" >> {noted}
for last; do host=$before; before=$last; done
case $host in
    gone*) echo "ssh: connect to host $host port 22: No route to host" >&2; exit 255;;
    bare*) echo "sh: python: not found" >&2; exit 127;;
    slow*) exec sleep 300;;
esac
exec sh -c "$last"
""",
    )
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return noted
