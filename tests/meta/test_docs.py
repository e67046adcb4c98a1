"""Public things are documented, links lead somewhere, commands in the docs exist."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from toolkit.cli import main

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def pages(repo_files: list[Path]) -> dict[Path, str]:
    """The Markdown files and their text."""
    found = {p: p.read_text(encoding="utf-8") for p in repo_files if p.suffix == ".md"}
    assert len(found) >= 4
    return found


def undocumented(tree: ast.Module) -> Iterator[str]:
    """Public modules, classes and functions without a docstring."""
    if not ast.get_docstring(tree):
        yield "the module"
    todo = [(node, "") for node in tree.body]
    while todo:
        node, prefix = todo.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                yield f"{prefix}{node.name} (line {node.lineno})"
            if isinstance(node, ast.ClassDef):
                todo += [(child, f"{node.name}.") for child in node.body]


def test_public_things_have_docstrings(modules: dict[Path, ast.Module], package: Path) -> None:
    found = [
        f"{path.relative_to(package)}: {name}"
        for path, tree in modules.items()
        for name in undocumented(tree)
    ]
    assert found == []


def test_a_missing_docstring_is_seen() -> None:
    tree = ast.parse('class A:\n    """Doc."""\n    def f(self): ...\n    def _g(self): ...')
    assert list(undocumented(tree)) == ["the module", "A.f (line 3)"]


def anchors(text: str) -> set[str]:
    """The anchors that headings make: lower case, punctuation dropped, spaces to hyphens."""
    headings = re.findall(r"^#+\s+(.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def test_links_inside_the_repository_resolve(pages: dict[Path, str], repo: Path) -> None:
    broken, seen = [], 0
    for page, text in pages.items():
        for target in LINK.findall(FENCE.sub("", text)):
            if re.match(r"[a-z]+:", target):
                continue
            seen += 1
            place, _, anchor = target.partition("#")
            file = (page.parent / place).resolve() if place else page
            if not file.exists() or (anchor and anchor not in anchors(pages.get(file, ""))):
                broken.append(f"{page.relative_to(repo)}: {target}")
    assert seen
    assert broken == []


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command line in a page's shell blocks, comments dropped."""
    for language, block in FENCE.findall(text):
        if language in ("sh", "bash", "console", "shell"):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line.removeprefix("$ "), comments=True)
                if words:
                    yield words


def toolkit_error(words: list[str]) -> str | None:
    """What is wrong with the arguments of a `toolkit` command line, without running it."""
    options = {name for p in main.params for name in (*p.opts, *p.secondary_opts)}
    while words and words[0].startswith("-"):
        if words.pop(0) not in options | {"--help"}:
            return "unknown option of toolkit"
    if not words:
        return None
    command = main.get_command(click.Context(main), words[0])
    if command is None:
        return f"no command {words[0]}"
    try:
        command.make_context(words[0], words[1:], resilient_parsing=False)
    except click.exceptions.Exit:
        return None
    except click.ClickException as error:
        return error.format_message()
    return None


def test_commands_in_the_docs_exist(pages: dict[Path, str], repo: Path) -> None:
    makefile = (repo / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    wrong, seen = [], set()
    for page, text in pages.items():
        for words in commands(text):
            name = Path(words[0]).name
            bad: object = None
            if name == "make":
                asked = {w for w in words[1:] if "=" not in w}
                seen |= asked
                bad = asked - targets
            elif name == "toolkit":
                seen.add(words[1])
                bad = toolkit_error(words[1:])
            if bad:
                wrong.append(f"{page.relative_to(repo)}: {' '.join(words)}: {bad}")
    assert {"demo", "test", "predict"} <= seen
    assert wrong == []


@pytest.mark.parametrize("line", ["nosuch", "predict", "models --nosuch", "--nosuch models"])
def test_a_wrong_command_line_is_seen(line: str) -> None:
    assert toolkit_error(line.split())
