"""The rules of the house that no tool checks: names, docstrings, light imports, pure rooms."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.transports import BUILT_IN

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "digest"
MODULES = sorted(PACKAGE.rglob("*.py"))

NAMES_OF_NOTHING = {"manager", "util", "utils", "helper", "helpers", "service", "handler"}
NAMES_OF_NOTHING |= {"base", "common", "misc"}
HEAVY = {"PIL", "alembic", "argon2", "feedparser", "httpx2", "lxml", "premailer", "sendgrid"}
HEAVY |= {"pydantic", "sqlalchemy", "starlette"}
PURE_ROOMS = ("checks", "model", "rules")


def where(path: Path, line: int = 0) -> str:
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))


def is_of_nothing(words: list[str]) -> bool:
    """One of the words is forbidden, or is the plural of one that is."""
    singulars = {word.removesuffix("s") for word in words} | {word.removesuffix("es") for word in words}
    return bool(NAMES_OF_NOTHING & (singulars | set(words)))


def words_of(name: str) -> list[str]:
    """The words of a name in snake_case or CamelCase."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]


def names_in(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Line, name, and the words of it that count: of a function the noun, so that `common_prefix` may be."""
    yield 1, path.stem, words_of(path.stem)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield node.lineno, node.name, words_of(node.name)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name, words_of(node.name)[-1:]
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and is_a_type(target.id):
                    yield node.lineno, target.id, words_of(target.id)


def is_a_type(name: str) -> bool:
    """In CamelCase, as the name of a type that is assigned: `Page = Callable[…]`."""
    return bool(re.fullmatch(r"_?[A-Z]\w*[a-z]\w*", name))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("issue_at", ["issue", "at"]),
        ("URLHandler", ["url", "handler"]),
        ("_MailManager", ["mail", "manager"]),
        ("database", ["database"]),
    ],
)
def test_names_are_taken_apart(name: str, words: list[str]) -> None:
    """A forbidden word is a whole word: `database` holds no `base`."""
    assert words_of(name) == words


def test_everything_has_a_name_that_says_something() -> None:
    """No file, class or function is called after its lack of a concept."""
    found = [
        f"{where(path, line)} {name}"
        for path in MODULES
        for line, name, words in names_in(path)
        if is_of_nothing(words)
    ]

    assert found == []


def test_plurals_and_assigned_types_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "page.py"
    path.write_text(
        "class ScheduleHandlers: ...\nFormHandler = Callable\n_Service: type = int\nDATABASE = 1\n"
        "databases = bases = 2\nclass MailServices: ...\nclass Databases: ...\n"
    )

    assert [name for _, name, words in sorted(names_in(path)) if is_of_nothing(words)] == [
        "ScheduleHandlers", "FormHandler", "_Service", "MailServices",
    ]  # fmt: skip


def test_every_module_says_what_lives_there() -> None:
    silent = [where(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]

    assert silent == []


def test_pure_rooms_ask_nobody() -> None:
    """Rules, checks and nouns read no clock, no file, no environment and draw no random number."""
    found = [
        f"{where(path, line)} {call}"
        for room in PURE_ROOMS
        for path in (PACKAGE / room).rglob("*.py")
        for line, call in questions_to_the_world(path)
    ]

    assert found == []


def test_nobody_asks_for_a_transport_by_its_name() -> None:
    """What digest does differently for one provider stands in its folder, or is a trait of its `Provider`."""
    found = [
        f"{where(path, line)} {name}"
        for path in MODULES
        if "transports" not in path.relative_to(PACKAGE).parts
        for line, name in names_asked_for(path)
    ]

    assert found == []


def test_asking_by_name_is_seen(tmp_path: Path) -> None:
    asking = tmp_path / "asking.py"
    asking.write_text(
        'if how == "smtp": pass\nif how in {"outbox", "x"}: pass\nmade = {"sendgrid": 1}[how]\n'
        'match how:\n    case "smtp": pass\ntable["outbox"]\nsay("smtp")\n'
    )
    assert sorted(names_asked_for(asking)) == [
        (1, "smtp"), (2, "outbox"), (3, "sendgrid"), (5, "smtp"), (6, "outbox"),
    ]  # fmt: skip


def names_asked_for(path: Path) -> Iterator[tuple[int, str]]:
    """Comparisons with a name, choices by it, and looking up what belongs to it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        asked: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        elif isinstance(node, ast.Dict):
            asked = [key for key in node.keys if key]
        elif isinstance(node, ast.Subscript):
            asked = [node.slice]
        elif isinstance(node, ast.MatchValue):
            asked = [node.value]
        for inner in (inner for one in asked for inner in ast.walk(one)):
            if isinstance(inner, ast.Constant) and inner.value in set(BUILT_IN):
                yield inner.lineno, str(inner.value)


def questions_to_the_world(path: Path) -> Iterator[tuple[int, str]]:
    asks = re.compile(
        r"(?:datetime|date)\.(?:now|utcnow|today)|time\.(?:time|monotonic|sleep)|os\.(?:environ|getenv)"
        r"|urllib\.request\.\w+|random\.\w+|secrets\.\w+|open|print|input"
        r"|.*\.(?:read_text|read_bytes|write_text|write_bytes|exists|is_file|is_dir|iterdir|glob)"
    )
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and asks.fullmatch(called := ast.unparse(node.func)):
            yield node.lineno, called


def test_questions_to_the_world_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "rule.py"
    path.write_text("import time\nx = 1\nthen = time.time()\nopen('a')\n(x or y).read_text()\n")

    assert sorted(line for line, _ in questions_to_the_world(path)) == [3, 4, 5]


def test_help_loads_nothing_heavy() -> None:
    """`digest --help` does not pay for the database, the mail or the web."""
    program = (
        "import sys\n"
        "from digest.cli import main\n"
        "code = 0\n"
        "try: main()\n"
        "except SystemExit as stop: code = stop.code\n"
        "assert not code, code\n"
        "print('loaded:', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )

    command = [sys.executable, "-c", program, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "digest" in loaded
    assert loaded & HEAVY == set()
