"""Layers and walls of docs/architecture.md §1, read from the source without importing it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path for room in ("engine", "pages", "brokers") for path in (ROOT / room).rglob("*.py")
) + [ROOT / "app.py"]
PAGES = sorted((ROOT / "pages").glob("[a-z]*.py"))

# What only these files may import, and only inside a function.
FOREIGN_ENGINES = {
    "vectorbt": {"engine/sim/backends/vectorbt.py"},
    "lumibot": {
        "engine/sim/backends/lumibot.py",
        "engine/sim/backends/lumibot_options.py",
        "engine/live/lumibot_runtime.py",
    },
}
# room -> what it never imports, at any depth
WALLS = {
    "engine": {"streamlit", "pages"},
    "brokers": {"streamlit", "pages", "engine"},
    "pages": {"brokers"},
    "engine/agents": {"engine.live"},
}
WEB = ("app.py", "pages/")
# What the web process must not pay for when it starts; inside a function it is fine.
HEAVY_FOR_THE_WEB = {"vectorbt", "lumibot", "numba", "scipy", "matplotlib"}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def imports(tree, *, lazy):
    """Modules imported in `tree`; those inside functions only where `lazy`."""
    found = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not lazy:
            continue
        found += imports(node, lazy=lazy)
    return found


def within(module, wall):
    return module == wall or module.startswith(wall + ".")


@pytest.fixture(scope="module")
def trees():
    return {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}


def test_the_layers_hold():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    check = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("room", WALLS)
def test_nothing_looks_over_a_wall(room, trees):
    seen = [
        f"{name}: {module}"
        for name, tree in trees.items()
        if name.startswith(room + "/")
        for module in imports(tree, lazy=True)
        if any(within(module, wall) for wall in WALLS[room])
    ]
    assert not seen


@pytest.mark.parametrize("foreign", FOREIGN_ENGINES)
def test_a_foreign_engine_is_imported_in_its_own_files_and_lazily(foreign, trees):
    for name, tree in trees.items():
        modules = imports(tree, lazy=name not in FOREIGN_ENGINES[foreign])
        assert not [module for module in modules if within(module, foreign)], name


def test_the_web_process_starts_without_heavy_libraries(trees):
    """Following imports at module level from app.py and the pages through the engine."""
    queue, done, chain = [name for name in trees if name.startswith(WEB)], set(), []
    while queue:
        name = queue.pop()
        done.add(name)
        for module in imports(trees[name], lazy=False):
            chain += [f"{name}: {module}"] if module.split(".")[0] in HEAVY_FOR_THE_WEB else []
            path = module.replace(".", "/")
            queue += [file for file in (f"{path}.py", f"{path}/__init__.py") if file in trees and file not in done]
    assert not chain


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_begins_with_its_guard(page):
    """A deep link runs the page's file without app.py: the first statement that does something is the guard."""
    body = ast.parse(page.read_text(encoding="utf-8")).body
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # the docstring
        value = getattr(node, "value", None)
        if isinstance(node, ast.Assign | ast.AnnAssign) and not any(isinstance(n, ast.Call) for n in ast.walk(node)):
            continue  # a constant
        assert isinstance(value, ast.Call), f"{page.name} line {node.lineno} comes before the guard"
        assert ast.unparse(value.func).split(".")[0] == "guard", f"{page.name} line {node.lineno}"
        return
    pytest.fail(f"{page.name} never calls the guard")


def test_every_setting_in_the_code_stands_in_the_example(trees):
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    files = [*SOURCES, *(ROOT / "tests").rglob("*.py")]
    names = {name for path in files for name in re.findall(r"\bARGUS_[A-Z][A-Z_]*[A-Z]\b", path.read_text("utf-8"))}
    missing = sorted(name for name in names if not re.search(rf"^# {name}=", example, re.MULTILINE))
    assert not missing


def test_the_set_up_needs_only_the_standard_library(trees):
    for name in ("engine/__init__.py", "engine/__main__.py", "engine/environment.py"):
        outside = {
            module
            for module in imports(trees[name], lazy=True)
            if module.split(".")[0] not in sys.stdlib_module_names and not within(module, "engine")
        }
        assert not outside, name
