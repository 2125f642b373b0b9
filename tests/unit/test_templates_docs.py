"""docs/templates.md and the code name the same variables, parts and phrases, both ways."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from pathlib import Path

from digest.rendering.issue import VARIABLES
from digest.rendering.mjml import to_html
from digest.rendering.presentation import PrintedTeaser
from digest.rendering.templates import environment, fill, search_path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "templates.md"
BUNDLED = ROOT / "templates" / "issue"


def table(under: str) -> dict[str, str]:
    """First and second column of the first table below a heading."""
    text = PAGE.read_text(encoding="utf-8").partition(f"# {under}\n")[2]
    rows = re.search(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert rows, under
    return dict(re.findall(r"^\| `([^`]+)` \| ?(.*?) ?\|$", rows[0], flags=re.MULTILINE))


def test_every_variable_is_documented_as_the_code_says_it() -> None:
    """Names and sentences are the same on both sides."""
    assert table("Variables") == VARIABLES


def test_every_field_of_a_story_is_documented_and_no_other() -> None:
    named = {field.name for field in fields(PrintedTeaser)} | {"meta"}

    assert set(table("A story")) == named


def test_every_part_is_documented_and_no_other() -> None:
    assert sorted(table("Changing one part")) == sorted(file.name for file in BUNDLED.glob("*.j2"))


def test_every_phrase_is_documented_with_its_values() -> None:
    """The values are those in braces; a table of phrases has plural forms."""
    english = tomllib.loads((BUNDLED / "phrases" / "en.toml").read_text(encoding="utf-8"))

    def described(phrase: str | dict[str, str]) -> str:
        text = phrase if isinstance(phrase, str) else phrase["other"]
        values = ", ".join(f"`{name}`" for name in re.findall(r"\{(\w+)\}", text))
        return values if isinstance(phrase, str) else f"{values}, with plural forms"

    assert table("Phrases") == {key: described(phrase) for key, phrase in english.items()}


def test_the_languages_that_come_along_are_named() -> None:
    names = {"en": "English", "de": "German", "fr": "French", "ar": "Arabic"}
    sentence = re.search(
        r"^.* come with digest\.", PAGE.read_text("utf-8").partition("## Phrases")[2], re.MULTILINE
    )

    assert sentence
    for file in (BUNDLED / "phrases").glob("*.toml"):
        assert names[file.stem] in sentence[0]


def test_the_example_of_a_footer_works(tmp_path: Path) -> None:
    """Copied from the page as it stands, it renders and compiles."""
    example = re.search(r"^```xml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert example
    (tmp_path / "footer.mjml.j2").write_text(example[1], encoding="utf-8")
    mail = '<mjml><mj-body>{% include "footer.mjml.j2" %}</mj-body></mjml>'
    (tmp_path / "mail.mjml.j2").write_text(mail, encoding="utf-8")
    site = {"name": "Blog", "postal_address": "1 Street"}
    slots = {"unsubscribe_url": "https://news.example.com/u/1", "address": "a@example.org"}
    variables = {"site": site, "slots": slots, "say": lambda key, **values: f"{key} {values}"}

    html = to_html(fill(environment(search_path([tmp_path], "issue")), "mail.mjml.j2", variables))

    assert 'href="https://news.example.com/u/1"' in html
    assert "Blog, 1 Street" in html
