"""The pages lead somewhere, can be found, and say the same as the code where they list it."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from digest.checks import FAMILIES, REGISTRY, family_of
from digest.external_checks import endpoint, images, spam
from digest.external_checks import links as links_online

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = SourceFileLoader("dev", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def links(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", text)


def test_every_link_leads_to_a_file_or_a_heading(dev: ModuleType) -> None:
    """And every example in TOML or JSON parses; `./dev docs` says the same."""
    assert dev.documentation_findings() == []


def test_every_page_is_in_the_index() -> None:
    """Who opens docs/ finds all of it from docs/README.md."""
    listed = {(DOCS / link).resolve() for link in links(DOCS / "README.md")}

    assert {page.resolve() for page in DOCS.glob("**/*.md")} - listed == {DOCS / "README.md"}


def test_every_picture_is_shown_on_a_page() -> None:
    shown = {(page.parent / link).resolve() for page in dev_pages() for link in links(page)}

    assert {picture.resolve() for picture in (DOCS / "images").iterdir()} <= shown


def dev_pages() -> list[Path]:
    return [*ROOT.glob("*.md"), *DOCS.glob("**/*.md")]


def test_every_check_is_documented_with_its_severity() -> None:
    """docs/operation.md lists the pre-flight as the registry has it, in its order."""
    offline, _, online = (
        (DOCS / "operation.md")
        .read_text(encoding="utf-8")
        .partition("## Pre-flight checks")[2]
        .partition("### Online")
    )

    assert listed_checks(offline) == [(check.id, check.severity.value) for check in REGISTRY.values()]
    assert listed_checks(online) == [
        (endpoint.ID, "block"), (images.ID, "warn"), (links_online.ID, "warn"), (spam.ID, "block")
    ]  # fmt: skip


def listed_checks(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^\| `([a-z0-9-]+)` \| (block|warn|info)(?:rm)?s \|", text, flags=re.MULTILINE)


def test_every_judge_stands_in_a_family() -> None:
    """So that the desk would show its findings under a title."""
    judges = (endpoint.ID, images.ID, links_online.ID, spam.ID)

    assert {family_of(check_id) for check_id in judges} <= set(FAMILIES)
    assert REGISTRY.keys().isdisjoint(judges)


def test_every_dependency_says_why_it_is_there() -> None:
    """docs/decisions/dependencies.md and pyproject.toml name the same packages, both ways."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    named = [line for lines in [project["project"]["dependencies"], *extras, *groups] for line in lines]
    wanted = sorted(re.split(r"[\[<>=!~; ]", line)[0] for line in named)

    text = (DOCS / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)) == wanted
