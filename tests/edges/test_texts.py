"""What editors write for a whole issue, as it is printed: in each look, in HTML and in plain text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from data.issues import NONCE, NOW, SITE, WEB_URL, example
from digest.model.issue import Rendered, Texts
from digest.model.theme import LOOKS
from digest.rendering.issue import render_issue

NOTE = (
    "Hello *all*, see [the docs](https://docs.example.com/?a=1&b=2) & <script>alert(1)</script>.\n\n"
    "{{ 7 * 7 }} [x](javascript:alert(1))\n\n— Ann"
)


def rendered(texts: Texts, *, look: str = "magazine", folders: tuple[Path, ...] = ()) -> Rendered:
    newsletter = example("mixed").newsletter
    theme = replace(newsletter.theme, look=look)
    return render_issue(
        site=SITE,
        newsletter=replace(newsletter, theme=theme),
        number=41,
        now=NOW,
        layout=example("mixed").layout,
        nonce=NONCE,
        web_url=WEB_URL,
        folders=folders,
        texts=texts,
    )


@pytest.mark.parametrize("look", LOOKS)
def test_the_note_is_printed_with_its_emphasis_and_links_only(look: str) -> None:
    made = rendered(Texts(note=NOTE), look=look)
    page = LexborHTMLParser(made.html)
    [link] = [a for a in page.css("a") if a.attributes["href"] == "https://docs.example.com/?a=1&b=2"]

    assert link.text() == "the docs"
    assert "all" in [em.text() for em in page.css("em")]
    assert page.css("script") == []
    assert "<script>alert(1)</script>" in page.body.text()
    assert "{{ 7 * 7 }} [x](javascript:alert(1))" in page.body.text()
    assert "javascript:" not in {(a.attributes["href"] or "")[:11] for a in page.css("a")}
    text = " ".join(made.text.split())
    assert "Hello all, see the docs [1] & <script>alert(1)</script>." in text
    assert "[1] https://docs.example.com/?a=1&b=2" in made.text.split("\n")
    assert "\nAnn\n" in made.text


def test_an_owners_template_prints_it_too(tmp_path: Path) -> None:
    """Through the process that fills owners' templates."""
    (tmp_path / "note.mjml.j2").write_text(
        "<mj-section><mj-column><mj-text>{% for p in note.paragraphs %}<p>{{ p }}</p>{% endfor %}"
        "</mj-text></mj-column></mj-section>"
    )
    made = rendered(Texts(note=NOTE), folders=(tmp_path,))
    page = LexborHTMLParser(made.html)

    assert "https://docs.example.com/?a=1&b=2" in [a.attributes["href"] for a in page.css("a")]
    assert page.css("script") == []
    assert "[1] https://docs.example.com/?a=1&b=2" in made.text


def test_subject_and_preheader_are_taken_as_they_are_written() -> None:
    """They are text, not templates."""
    made = rendered(Texts(subject="{{ 7*7 }} herons\u202e & <b>", preheader="What {% else %}\nthere is"))

    assert made.subject == "{{ 7*7 }} herons & <b>"
    assert made.preheader == "What {% else %} there is"
    assert "What {% else %} there is" in made.html
    assert "&lt;b&gt;" in made.html


def test_without_them_the_issue_is_as_before() -> None:
    assert rendered(Texts(subject=" \u200b", preheader=" ", note="\n")) == rendered(Texts())
    assert rendered(Texts(note=example("mixed").note)) == example("mixed").rendered()


def test_no_text_can_forge_a_marker() -> None:
    with pytest.raises(ValueError, match="nonce"):
        rendered(Texts(note=f"-{NONCE}-address-"))
