"""The repository speaks of the project alone: no machine's paths, nothing left to do later."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# Written so that this file does not match itself.
FORBIDDEN = {
    "a machine's path": re.compile(r"(?<![\w.~/])/(?:[w]ork|[r]oot)/|(?<![\w.~])/[h]ome/[a-z]"),
    "something left to do": re.compile(r"\b(?:[T]ODO|[F]IXME|[X]XX)\b"),
    "a stub": re.compile(r"[Pp][l]aceholder until|raise [N]otImplementedError\(\)"),
    "a registry's host": re.compile(r"\b(?:files\.[p]ythonhosted|[p]ypi)\.org\b"),
}
TEXT = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".txt", ".log", ".csv", ".tsv", ".sh", ""}


def offences(text: str) -> list[str]:
    """What a text says that it should not, with the line."""
    return [
        f"{text.count(chr(10), 0, match.start()) + 1}: {kind}: {match.group()}"
        for kind, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]


def test_files_speak_of_the_project_alone(repo_files: list[Path], repo: Path) -> None:
    texts = [p for p in repo_files if p.suffix in TEXT and p.name != "LICENSE"]
    assert len(texts) > 20
    found = [
        f"{path.relative_to(repo)}:{offence}"
        for path in texts
        for offence in offences(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["see /{}ork/main".format("w"), "open('/{}oot/x')".format("r"), "# {}ODO: later".format("T")],
)
def test_the_search_finds_an_offence(text: str) -> None:
    assert len(offences(f"first line\n{text}\n")) == 1


@pytest.mark.parametrize("text", ["the network/root/leaf", "https://x.org/work/1", "~/work/"])
def test_the_search_lets_others_pass(text: str) -> None:
    assert offences(text) == []
