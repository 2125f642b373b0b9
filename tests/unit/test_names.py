"""Names: a public class is defined once, and a module's name means one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "digest"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts)

# One noun on several floors: what the room does with it differs, what it is does not.
ONE_NOUN = {
    "app": "the program of its door",
    "accounts": "the editors' accounts",
    "api_tokens": "the tokens of programs",
    "articles": "articles",
    "compile": "templates or a message, compiled",
    "edit": "one edit of an issue",
    "editors": "editors",
    "events": "what a provider reports",
    "errors": "errors",
    "feedback": "what subscribers and providers report",
    "history": "the history of an issue",
    "headers": "the headers of a message",
    "images": "the images of an issue",
    "issue": "one issue",
    "issues": "issues",
    "limits": "what a provider's request may hold",
    "links": "the links of an issue",
    "log": "the activity log",
    "activity": "the activity log",
    "marks": "an editor's marks of articles",
    "markup": "HTML",
    "pictures": "the pictures of an issue",
    "plan": "the plan of an issue",
    "people": "subscribers",
    "provider": "one provider",
    "sending": "bringing an issue to its audience",
    "slots": "the slots of a schedule",
    "source": "one source",
    "subscribers": "subscribers",
    "tokens": "the tokens of programs",
    "transport": "how one provider is sent to",
    "webhook": "the webhook of one provider",
}


def classes_of(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Every public class at the top of a module, with the modules that define it."""
    found = defaultdict(list)
    for where, text in sources.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(where)
    return found


def repeated(modules: Iterable[Path]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in modules:
        found[path.stem].append(str(path.relative_to(PACKAGE)))
    del found["__init__"]
    return {name: paths for name, paths in found.items() if len(paths) > 1}


def test_no_public_class_is_defined_twice() -> None:
    sources = {str(path.relative_to(PACKAGE)): path.read_text("utf-8") for path in MODULES}

    assert {name: where for name, where in classes_of(sources).items() if len(where) > 1} == {}


def test_a_class_that_is_defined_twice_is_found() -> None:
    twice = classes_of({"a.py": "class One: ...\nclass _Own: ...", "b.py": "class One: ...\nclass _Own: ..."})

    assert twice == {"One": ["a.py", "b.py"]}


def test_a_module_name_means_one_thing() -> None:
    """A name that stands in several rooms is a noun of the field that means the same in each."""
    assert sorted(set(repeated(MODULES)) - set(ONE_NOUN)) == []
