"""Imports run downward in the list of rooms, and what is dear stands in one room only."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hostpool"

FLOORS: tuple[frozenset[str], ...] = tuple(
    frozenset(floor.split())
    for floor in (
        "__main__ __init__",
        "cli",
        "demo",
        "views history",
        "playrunner",
        "runner",
        "worker",
        "ssh local",
        "pool",
        "targets",
        "openssh",
        "playbook",
        "tasks",
        "sync inventory templating batches",
        "exit_codes",
        "events messages results settings secrets errors stop alarms lean _version",
    )
)
"""From top to bottom. A room may import those below it and itself; rooms of one floor do not know each
other, except the leaves."""

ONLY_IN = {
    "paramiko": {"ssh", "demo"},
    "rich": {"views"},
    "jinja2": {"templating"},
    "typer": {"cli"},
    "yaml": {"inventory", "playbook"},
    "sqlite3": {"history"},
}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def floor_of(room: str) -> int:
    found = [number for number, floor in enumerate(FLOORS) if room in floor]
    assert found, f"hostpool/{room} is in no floor of the list of rooms: add it to FLOORS"
    return found[0]


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)


@cache
def imports(path: Path) -> tuple[tuple[str, int, bool], ...]:
    """(module, line, whether it is for type checkers only) of every import, nested ones too."""
    # A package's relative imports start at itself, a module's at its package.
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    return tuple(_walk(ast.parse(path.read_text("utf-8")), package, typing_only=False))


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1])
    return f"{base}.{node.module}" if node.module else base


def _walk(node: ast.AST, package: str, *, typing_only: bool) -> Iterator[tuple[str, int, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((alias.name, child.lineno, typing_only) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = _absolute(child, package)
            if base == "hostpool":
                yield from ((f"hostpool.{alias.name}", child.lineno, typing_only) for alias in child.names)
            else:
                yield base, child.lineno, typing_only
        else:
            guarded = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            yield from _walk(child, package, typing_only=typing_only or guarded)


def _public_names() -> set[str]:
    import hostpool

    return set(hostpool.__all__)


def test_imports_run_downward() -> None:
    leaves = len(FLOORS) - 1
    upward = []
    for path in modules():
        room = room_of(name_of(path))
        here = floor_of(room)
        for module, line, typing_only in imports(path):
            if typing_only or not module.startswith("hostpool.") or module[9:] in _public_names():
                continue
            target = room_of(module)
            there = floor_of(target)
            if target != room and (there < here or (there == here != leaves)):
                upward.append(f"{path.relative_to(PACKAGE.parent)}:{line} imports {module}")
    assert not upward, "\n".join(upward)


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_stands_in_its_rooms_only(library: str) -> None:
    strays = [
        f"{path.relative_to(PACKAGE.parent)}:{line}"
        for path in modules()
        for module, line, _ in imports(path)
        if module.split(".")[0] == library and room_of(name_of(path)) not in ONLY_IN[library]
    ]
    assert not strays, f"{library} is imported outside of {ONLY_IN[library]}: {', '.join(strays)}"


def test_the_list_of_rooms_names_no_room_twice() -> None:
    names = [room for floor in FLOORS for room in floor]
    assert len(names) == len(set(names))


EARLY = """
import sys
import hostpool.__main__, hostpool.lean
hostpool.lean.import_leanly()
from hostpool.pool.early import SHARED, SHARED_BY
for name in SHARED + sum(SHARED_BY.values(), ()):
    __import__(name)
print(" ".join(sorted(name for name in sys.modules if name.startswith("hostpool.cli"))))
print(" ".join(sorted({name.split(".")[0] for name in sys.modules})))
"""


def test_before_the_fork_server_is_forked_only_what_both_need_is_imported(tmp_path: Path) -> None:
    ours, everything = run_python(EARLY, tmp_path).split("\n")[:2]
    assert not ours
    dear = {"typer", "rich", "yaml", "paramiko", "jinja2", "cryptography", "sqlite3", "multiprocessing"}
    # What an editable installation or a debugger brings along is not ours.
    assert not set(everything.split()) & dear


PARENT = """
import sys
sys.argv = ["hostpool", "run", "-i", "h1,h2,", "all", "--list-hosts"]
from hostpool.lean import import_leanly
import_leanly()
from hostpool.cli.app import main
assert main(sys.argv[1:]) == 0
import hostpool.cli.job, hostpool.cli.settings, hostpool.cli.signals, hostpool.cli.audit, hostpool.cli.sinks
import hostpool.pool, hostpool.runner, hostpool.targets, hostpool.cli.asking, hostpool.views.plain
import hostpool.history.recorder
dear = {"paramiko", "jinja2", "rich", "pydantic", "invoke", "multiprocessing"}
dear |= {"logging", "platform", "getpass", "tempfile", "subprocess"}
found = {name.split(".")[0] for name in sys.modules} & dear
assert not found, f"imported in the parent: {found}"
"""


def test_the_parent_of_a_run_imports_neither_paramiko_nor_jinja2(tmp_path: Path) -> None:
    run_python(PARENT, tmp_path)


STAND_IN = """
import sys
from hostpool.lean import import_leanly
import_leanly()
from hostpool.lean import without_packers
with without_packers():
    import shutil
dear = {"platform", "typing_extensions", "inspect", "ast", "uuid", "decimal", "textwrap", "msgspec.inspect"}
dear |= {"msgspec._json_schema", "urllib.parse", "ipaddress", "bz2", "lzma"}
assert not dear & sys.modules.keys(), dear & sys.modules.keys()
import bz2, decimal, lzma, msgspec, os, pathlib, platform, tarfile, urllib.parse, uuid
assert decimal.Decimal("0.1") + decimal.Decimal("0.2") == decimal.Decimal("0.3")
assert pathlib.Path("/a b").as_uri() == "file:///a%20b" and urllib.parse.quote("a b") == "a%20b"
assert msgspec.inspect.type_info(int) == msgspec.inspect.IntType()
assert msgspec.json.schema(int) == {"type": "integer"}
for packer in ("bztar", "xztar"):
    with tarfile.open(shutil.make_archive("packed", packer, os.path.dirname(msgspec.__file__))) as archive:
        assert "./inspect.py" in archive.getnames()
assert platform.system() == os.uname().sysname and platform.machine()
assert uuid.uuid4() != uuid.uuid4() and uuid.getnode()
assert uuid._LINUX == (sys.platform == "linux")
import dataclasses
@dataclasses.dataclass(slots=True, kw_only=True)
class Point:
    x: int
    y: list[int] = dataclasses.field(default_factory=list)
assert repr(Point(x=1)) == "Point(x=1, y=[])" and dataclasses.replace(Point(x=1), x=2).x == 2
import inspect
assert str(inspect.signature(Point)) == "(*, x: int, y: list[int] = <factory>) -> None"
"""


def test_what_is_left_out_is_there_for_others(tmp_path: Path) -> None:
    run_python(STAND_IN, tmp_path)


JINJA2 = """
import sys
from hostpool.lean import import_leanly
import_leanly()
from hostpool.templating.lean import import_jinja2
import_jinja2()
from hostpool.templating.environment import environment
assert environment().from_string("{{ 'a' | upper }} {{ x | attr('real') }}").render(x=3) == "A 3"
assert environment().from_string("{{ range(3) | map('string') | join }}").render() == "012"
"""


def test_jinja2_is_whole_without_inspect(tmp_path: Path) -> None:
    assert "inspect" in run_python(JINJA2 + "print(*sys.modules)", tmp_path).split(), "attr asks for it"
    without = JINJA2.replace(" {{ x | attr('real') }}", "").replace('== "A 3"', '== "A"')
    assert "inspect" not in run_python(without + "print(*sys.modules)", tmp_path).split()


YAML = """
import sys
from hostpool.lean import import_leanly
import_leanly()
from hostpool.playbook.lean import LaterPattern, import_yaml
import_yaml()
import re, yaml
assert isinstance(yaml.reader.Reader.NON_PRINTABLE, LaterPattern) and isinstance(re.compile("a"), re.Pattern)
text = "a: 2001-12-14t21:59:43.10-05:00\\nb: [1.5, 0x1f, yes, ~, '=', é]\\n<<: {c: 3}\\n"
for loader in (yaml.CSafeLoader, yaml.SafeLoader):
    found = yaml.load(text, Loader=loader)
    assert found["a"].isoformat() == "2001-12-14T21:59:43.100000-05:00", found
    assert found["b"][:4] == [1.5, 31, True, None] and found["b"][5] == "é" and found["c"] == 3
try:
    yaml.safe_load("a: \\x07")
except yaml.reader.ReaderError as error:
    assert "special characters are not allowed" in str(error)
else:
    raise AssertionError("a bell is no text")
assert yaml.safe_dump({"a": "yes", "b": "2001-12-14"}) == "a: 'yes'\\nb: '2001-12-14'\\n"
"""


def test_yaml_is_whole_with_expressions_that_are_compiled_late(tmp_path: Path) -> None:
    run_python(YAML, tmp_path)


def run_python(program: str, directory: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=directory,
        env={"PYTHONPATH": str(PACKAGE.parent), "HOME": str(directory)},
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
