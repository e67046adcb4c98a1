"""What the meta tests look at: the repository's files and the parsed package."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def repo() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def package() -> Path:
    """The folder of the package's source."""
    return ROOT / "src" / "toolkit"


@pytest.fixture(scope="session")
def repo_files() -> list[Path]:
    """Every file that is, or would be, under version control."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"not a git checkout: {error}")
    paths = sorted({ROOT / name for name in listed.stdout.split("\0") if name})
    files = [path for path in paths if path.is_file()]
    assert files, "git lists no file"
    return files


@pytest.fixture(scope="session")
def modules(package: Path) -> dict[Path, ast.Module]:
    """The parsed modules of the package, by path."""
    found = {
        path: ast.parse(path.read_text(encoding="utf-8"), str(path))
        for path in sorted(package.rglob("*.py"))
    }
    assert len(found) > 10, f"found only {len(found)} modules under {package}"
    return found
