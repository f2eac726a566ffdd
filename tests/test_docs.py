"""The documentation names commands that exist, options that parse, and files that are there."""

import argparse
import importlib
import re
import shlex
from pathlib import Path

import pytest

from engine import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "specs").glob("*.md"),
    ]
)
BLOCK = re.compile(r"^```(?:\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"python3? -m engine ([a-z][\w-]*)([^`\n]*)")
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)#\s]*)(#[^)\s]*)?\)")


def ids(page):
    return page.relative_to(ROOT).as_posix()


def commands(text):
    """Command lines of code blocks: continued lines joined, comments and what follows a pipe cut off."""
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if CALL.search(line):
                yield shlex.split(line[CALL.search(line).start() :].partition(" | ")[0], comments=True)[3:]


def spoken(text):
    """Calls anywhere, in backticks too: (verb, what follows)."""
    return CALL.findall(text)


def verbs():
    return {verb for group in cli._built().values() for verb in group}


def parser_of(verb):
    module = importlib.import_module(f"engine.verbs.{cli._module_of(verb)}")
    if hasattr(module, "pass_through"):
        return None
    parser = cli.Parser(prog="python -m engine")
    module.add_arguments(parser.add_subparsers(dest="verb", required=True))
    return parser


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_verb_named_exists(page):
    named = {verb for verb, _ in spoken(page.read_text(encoding="utf-8"))}
    assert named <= verbs() | {"VERB"}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_line_is_understood(page):
    for words in commands(page.read_text(encoding="utf-8")):
        parser = parser_of(words[0])
        if parser is not None:
            parsed = parser.parse_args(words)
            assert isinstance(parsed, argparse.Namespace)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_leads_to_a_file_or_a_heading(page):
    for target, heading in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), target
        assert ROOT in (there, *there.parents), f"{target} leads out of the project"
        if heading:
            anchors = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-") for name in anchors}
            assert heading[1:] in slugs, f"{target}{heading}"


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert not [name for name in pages if f"({name})" not in index]


def test_trades_keeps_the_sections_that_code_cites():
    cited = {
        number
        for path in (ROOT / "engine").rglob("*.py")
        for line in re.findall(r"semantics (§[^\n]*)", path.read_text(encoding="utf-8"))
        for number in re.findall(r"§(\d+)", line)
    }
    sections = re.findall(
        r"^## §(\d+)", (ROOT / "docs" / "trades.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sections == [str(n) for n in range(1, len(sections) + 1)]
    assert cited and cited <= set(sections)
