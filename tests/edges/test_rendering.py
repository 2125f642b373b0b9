"""Rendering an issue with the real MRML and premailer: what must survive, and what must never get through."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from data.issues import FOLDER, NAMES, NONCE, Example, example, of_teasers, teaser
from digest.errors import TemplateError
from digest.message.merge_slots import SlotName, marker
from digest.model.article import Image
from digest.model.issue import Layout, Section
from digest.model.theme import DARK, LOOKS, Palette
from digest.rendering import inlining, mjml
from digest.rendering.issue import VARIABLES
from digest.rendering.plaintext import columns, line_of, wrapped
from digest.rendering.presentation import bound, cut, direction_of, web_address
from digest.rendering.size_budget import MOST
from digest.rendering.templates import bundled
from digest.rules.cleaning import plain

UNSUBSCRIBE = marker(NONCE, SlotName.UNSUBSCRIBE_URL)
ADDRESS = marker(NONCE, SlotName.ADDRESS)
IMAGE = Image(url="https://img.lockstep.example/a.png", alt="Dots", width=1200, height=675)


def many(count: int, *, image: Image | None = IMAGE) -> Example:
    text = (
        "We measured it on five replicas in three cities. The median hardly moves; the tail belongs to one "
        "of them, and to the hour in which it takes its backup."
    )
    return of_teasers(*(teaser(n, image=image, text=f"{text} {n}", minutes=5) for n in range(1, count + 1)))


def in_look(issue: Example, look: str, *, cards: str = "list") -> Example:
    theme = replace(LOOKS[look], cards=cards)
    return replace(issue, newsletter=replace(issue.newsletter, theme=theme))


def vars_of(palette: Palette) -> list[str]:
    return [getattr(palette, each.name) for each in fields(palette)]


@pytest.mark.parametrize("name", NAMES)
def test_plain_text_is_set_as_its_neighbour_says(name: str) -> None:
    """The whole text part, line for line, as it lies beside the issue."""
    assert example(name).rendered().text == (FOLDER / f"{name}.txt").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_plain_text_fits_into_78_columns(name: str) -> None:
    """Only an address, alone on its line, may be wider."""
    for line in example(name).rendered().text.split("\n"):
        assert columns(line) <= 78 or re.fullmatch(r" *https?://\S+", line)


@pytest.mark.parametrize("name", NAMES)
def test_html_has_what_it_needs_to_render(name: str) -> None:
    """Doctype, `!important`, both slots, dark mode for both families of programs, languages."""
    html = example(name).rendered().html

    assert html.startswith("<!DOCTYPE html>")
    assert "prefers-color-scheme:dark" in html
    assert "[data-ogsc]" in html
    assert "[data-ogsb]" in html
    assert ".mj-column-per-100 { width:100% !important;" in html
    assert '<meta name="color-scheme" content="light dark">' in html
    assert UNSUBSCRIBE in html
    assert ADDRESS in html
    article = LexborHTMLParser(html).css_first("body > *")
    assert article is not None
    assert article.attributes["lang"]
    assert article.attributes["dir"] in {"ltr", "rtl"}


@pytest.mark.parametrize("look", LOOKS)
def test_the_sizes_of_type_are_in_the_elements(look: str) -> None:
    """Programs that drop the style block show them too; the first rule counts as much as the last."""
    page = LexborHTMLParser(in_look(example("mixed"), look).rendered().html)
    type_ = (
        bundled() / "issue" / ("" if look == "magazine" else f"looks/{look}") / "type.mjml.j2"
    ).read_text()
    rules = re.findall(r"^\.([\w-]+)\{font-size:(\d+px)", type_, re.MULTILINE)
    found = {name: page.css(f".{name}") for name, _ in rules}

    assert [name for name, _ in rules][:2] == ["wordmark", "lead-title"]
    assert found["wordmark"]
    assert found["lead-title"]
    for name, size in rules:
        assert all(f"font-size:{size}" in (node.attributes["style"] or "") for node in found[name]), name


def test_every_important_of_the_template_survives() -> None:
    """What MRML wrote with `!important` still has it after inlining."""
    html = mjml.to_html(
        "<mjml><mj-head><mj-style>@media (max-width:599px){.a{color:red !important}}</mj-style></mj-head>"
        "<mj-body><mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section></mj-body></mjml>"
    )

    assert html.count("!important") > 3
    assert inlining.inline(html).count("!important") == html.count("!important")


def test_every_table_and_link_is_for_all_readers() -> None:
    """Layout tables say so; a picture's link is out of the tab order; images have width, height, alt."""
    page = LexborHTMLParser(example("mixed").rendered().html)

    assert {table.attributes.get("role") for table in page.css("table")} == {"presentation"}
    for image in page.css("img"):
        assert {"alt", "width", "height"} <= set(image.attributes)
        assert "background-color:#EBE8E1" in (image.attributes["style"] or "")
    assert page.css("a > img")
    assert {image.parent.attributes["tabindex"] for image in page.css("a > img") if image.parent} == {"-1"}


def test_a_link_reads_as_its_story() -> None:
    """No two links with words say the same, and none says only “Read more”."""
    page = LexborHTMLParser(example("mixed").rendered(web_url="").html)
    texts = [link.text() for link in page.css("a") if link.text().strip()]

    assert len(texts) == len(set(texts))
    assert "Read “The region that answered twice”" in texts


@pytest.mark.parametrize(
    "title",
    [
        "{{ 7*7 }} and {% raw %}",
        "<mj-raw></mj-raw>",
        "</mj-text></mj-column><mj-column>",
        "<script>alert(1)</script>",
        "]]> <![CDATA[ x ]]>",
        "<!-- --> <!--[if mso]> -->",
        '" onmouseover="alert(1)',
        "&amp; &#60;b&#62; &bogus;",
        "a\x00b\x08c\x1bd\ufffee\ud800f",
        "mj-text data-place-0=x:1>",
    ],
)
def test_hostile_titles_are_only_text(title: str) -> None:
    """Text from outside is never template, never markup, never the end of anything."""
    shown = "abcdef" if title.startswith("a\x00") else title
    article = teaser(
        1, headline=title, text=title, author=title, topic=title, image=replace(IMAGE, alt=title)
    )
    rendered = of_teasers(article, replace(article, article_id=2)).rendered()
    page = LexborHTMLParser(rendered.html)

    assert {" ".join(node.text().split()) for node in page.css("h2 a, h3 a")} == {shown}
    assert not page.css("script, mj-raw, [onmouseover]")
    assert shown in " ".join(rendered.text.split())
    assert shown in rendered.subject


def test_control_characters_of_word_processors_do_not_get_through() -> None:
    """C1 controls make Gmail cut the mail after them; overrides let a title pose as another."""
    rendered = of_teasers(teaser(headline="It\x92s \u202edone\u202c")).rendered()

    assert not re.search("[\x80-\x9f\u202a-\u202e]", rendered.subject + rendered.html + rendered.text)


def test_a_text_with_the_nonce_is_refused() -> None:
    """Nobody can forge a slot; whoever renders draws another nonce."""
    with pytest.raises(ValueError, match="nonce"):
        of_teasers(teaser(author=f"-{NONCE}-address-")).rendered()


def test_one_part_can_be_replaced(tmp_path: Path) -> None:
    """A file of the same name in the owner's folder wins; all other parts stay the bundled ones."""
    (tmp_path / "footer.mjml.j2").write_text(
        "<mj-section><mj-column><mj-text>Mine: <a href='{{ slots.unsubscribe_url }}'>bye</a></mj-text>"
        "</mj-column></mj-section>"
    )
    html = example("mixed").rendered(tmp_path).html

    assert "Mine:" in html
    assert "Unsubscribe" not in html
    assert "The region that answered" in html


def test_a_folder_may_be_laid_out_like_the_bundled_one(tmp_path: Path) -> None:
    (tmp_path / "issue" / "phrases").mkdir(parents=True)
    (tmp_path / "issue" / "phrases" / "en.toml").write_text('unsubscribe = "Leave"')
    html = example("mixed").rendered(tmp_path).html

    assert ">Leave<" in html
    assert ">View in browser<" in html


@pytest.mark.parametrize(
    ("part", "source", "said"),
    [
        ("card.mjml.j2", "<mj-section>\n{{ card.titel }}</mj-section>", r"card\.mjml\.j2, line 2: .*titel"),
        ("card.mjml.j2", "{{ nothing }}", r"card\.mjml\.j2, line 1: 'nothing' is undefined"),
        ("card.mjml.j2", "\n{% if %}", r"card\.mjml\.j2, line 2: "),
        ("card.mjml.j2", "\n\n{{ 1 / 0 }}", r"card\.mjml\.j2, line 3: "),
        ("card.mjml.j2", "{% include 'card.mjml.j2' %}", r"card\.mjml\.j2, line 1: .*includes itself"),
        ("card.mjml.j2", "{% include 'gone.mjml.j2' %}", r"“gone\.mjml\.j2” does not exist"),
        ("card.mjml.j2", "{{ say('gone') }}", r"card\.mjml\.j2, line 1: there is no phrase “gone”"),
        ("card.mjml.j2", "{{ ().__class__.__mro__ }}", r"card\.mjml\.j2, line 1: "),
        (
            "card.mjml.j2",
            "<mj-section>\n<mj-colum />\n</mj-section>",
            r"card\.mjml\.j2, line 2: .*<mj-colum>",
        ),
        ("card.mjml.j2", "\n<mj-text>x</mj-text>", r"line 2: <mj-text> is not allowed in <mj-wrapper>"),
        ("card.mjml.j2", "<mj-section paddin='3px'></mj-section>", r"line 1: .*no attribute “paddin”"),
        ("card.mjml.j2", "<mj-section>\n</mj-column>", r"line 2: </mj-column> closes <mj-section>"),
        (
            "card.mjml.j2",
            "<mj-section>\n\n<div>x</div></mj-section>",
            r"card\.mjml\.j2, line 3: “<div>x</div>” is",
        ),
        ("card.mjml.j2", "<mj-section>\nloose</mj-section>", r"card\.mjml\.j2, line 2: “loose” is not MJML"),
        ("card.mjml.j2", "\n<MJ-SECTION></MJ-SECTION>", r"card\.mjml\.j2, line 2: “<MJ-SECTION></MJ-SEC"),
        (
            "card.mjml.j2",
            "<mj-section padding=1px></mj-section>",
            r"card\.mjml\.j2, line 1: “<mj-section” is no",
        ),
        (
            "card.mjml.j2",
            "<mj-section padding></mj-section>",
            r"line 1: “padding” of <mj-section> has no value",
        ),
        (
            "card.mjml.j2",
            "<mj-section\n\n gutter='9px'></mj-section>",
            r"line 1: “gutter” of <mj-section> has no",
        ),
        (
            "card.mjml.j2",
            "<mj-section><mj-column><mj-text>\n<p />\n<mj-image /></mj-text></mj-column></mj-section>",
            r"card\.mjml\.j2, line 3: <mj-image> is not allowed in <mj-text>",
        ),
        (
            "card.mjml.j2",
            "{% for n in 'ab' %}\n<mj-raw />\n{% if n > 'a' %}\n<mj-x />{% endif %}{% endfor %}",
            r"card\.mjml\.j2, line 4: there is no MJML element <mj-x>",
        ),
        (
            "head.mjml.j2",
            "<mj-head><mj-attributes>\n<mj-all colr='x' /></mj-attributes></mj-head>",
            r"line 2: .*colr",
        ),
        (
            "note.mjml.j2",
            "<mj-section><mj-column>\n<mj-text><p></mj-text></mj-column></mj-section>",
            r"note\.mjml",
        ),
        ("footer.mjml.j2", "", r"issue\.mjml\.j2 has no unsubscribe link"),
        ("issue.txt.j2", "Hello", r"issue\.txt\.j2 has no unsubscribe link"),
        ("phrases/en.toml", "unsubscribe = 7", r"en\.toml: the phrase “unsubscribe” is not a text"),
        ("phrases/en.toml", "unsubscribe = ", r"en\.toml cannot be read"),
    ],
)
def test_a_broken_template_is_named_with_its_line(tmp_path: Path, part: str, source: str, said: str) -> None:
    """Whatever is wrong with an owner's template is said when the issue is rendered, never at sending."""
    (tmp_path / part).parent.mkdir(exist_ok=True)
    (tmp_path / part).write_text(source)

    with pytest.raises(TemplateError, match=said):
        example("mixed").rendered(tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        "<!-- <mj-text>\n<mj-gone x> -->",
        "<mj-navbar padding='9px'><mj-navbar-link href='https://a.example/'>a</mj-navbar-link></mj-navbar>",
        "<mj-text>a <!-- <mj-button> --> b</mj-text>",
        "<mj-table role='presentation'><tr><td>a</td></tr></mj-table>",
        "<mj-raw><!-- [if mso]> x <![endif] --><div>a</div></mj-raw>",
        "<mj-divider\n  border-width = '1px'\n/>",
    ],
)
def test_sound_mjml_is_let_through(tmp_path: Path, source: str) -> None:
    """Comments, attributes over several lines, all that MJML documents and its compiler heeds."""
    part = f"<mj-section><mj-column>{source}</mj-column></mj-section>"
    (tmp_path / "note.mjml.j2").write_text(part)

    assert example("mixed").rendered(tmp_path).html


def test_a_mended_template_is_read_again(tmp_path: Path) -> None:
    """Compiled once, but not for ever: an editor sees a change at the next look."""
    part = tmp_path / "preheader.mjml.j2"
    part.write_text("<mj-raw><div>first</div></mj-raw>")
    assert "<div>first</div>" in example("one_story").rendered(tmp_path).html

    part.write_text("<mj-raw><div>second one</div></mj-raw>")
    assert "<div>second one</div>" in example("one_story").rendered(tmp_path).html


def test_inlining_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a style sheet that is linked nor one that is imported."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    html = (
        '<!doctype html><html><head><link rel="stylesheet" href="http://127.0.0.1:9/a.css">'
        '<style>@import url("http://127.0.0.1:9/b.css");p{color:red}</style></head><body><p>x</p></body></html>'
    )

    assert '<p style="color:red">' in inlining.inline(html)


def test_a_style_that_reads_like_a_selector_is_a_style() -> None:
    """premailer keeps both under one key, and took the one for the other."""
    html = (
        '<!doctype html><html><head><style>p{color:red}</style></head><body><p style="p">x</p></body></html>'
    )

    assert '<p style="color:red">' in inlining.inline(html)


def test_the_same_issue_gives_the_same_bytes() -> None:
    assert example("mixed").rendered() == example("mixed").rendered()


def test_twelve_cards_stay_far_below_the_size_that_gmail_cuts() -> None:
    assert len(many(12).rendered().html.encode()) < 62_000


# Room: what is too much for one mail


def titles(html: str) -> list[str]:
    """Headlines as they stand in the mail below its contents, in printing order."""
    nodes = LexborHTMLParser(html).css("h2.lead-title a, h3 a, p.link a")
    return [node.text().replace("\u00a0", " ") for node in nodes]


def test_what_fits_is_printed_in_full() -> None:
    rendered = many(12).rendered()

    assert rendered.gave_way == ()
    assert rendered.web_html == ""


def test_with_more_stories_their_texts_get_shorter_and_then_the_pictures_go() -> None:
    """Every story is still a card; no step is taken where the one before is enough."""
    short, bare = "texts are cut at 90 characters", "only the first story has an image"

    assert {many(count).rendered().gave_way for count in range(14, 26)} >= {(), (short, bare)}
    assert (short,) in {many(count, image=None).rendered().gave_way for count in range(22, 32)}
    page = LexborHTMLParser(many(24).rendered().html)
    assert (len(page.css("h3 a")), len(page.css("img"))) == (23, 1)


def test_sixty_stories_are_all_in_the_mail_and_it_is_not_cut() -> None:
    """What has no room as a card is a short link; the order stays."""
    issue = many(60)
    rendered = issue.rendered()
    cards = len(LexborHTMLParser(rendered.html).css("h3 a"))

    assert MOST * 0.9 < len(rendered.html.encode()) < MOST
    assert titles(rendered.html) == [t.headline for t in issue.layout.teasers]
    assert 15 < cards < 59
    assert rendered.gave_way[-1] == f"{59 - cards} stories at the end are short links"
    assert rendered.web_html == ""


def test_what_has_no_room_even_as_a_link_stands_on_the_web() -> None:
    """The mail says how many, and where; the web page has them all."""
    issue = many(500)
    rendered = issue.rendered()
    left = 500 - len(titles(rendered.html))
    link = LexborHTMLParser(rendered.html).css_first(
        'a[href="https://news.lockstep.example/archive/weekly/41"]'
    )

    assert MOST * 0.9 < len(rendered.html.encode()) < MOST
    assert left > 100
    assert rendered.gave_way[-1] == f"{left} stories are only on the web page"
    assert f"and {left} more stories on the web" in rendered.html
    assert f"and {left} more stories on the web\nhttps://" in rendered.text
    assert link is not None
    assert titles(rendered.web_html) == [t.headline for t in issue.layout.teasers]
    assert "more stories on the web" not in rendered.web_html


def test_a_long_issue_says_at_its_head_what_is_in_it() -> None:
    """Six stories at most, and each leads where its card leads."""
    page = LexborHTMLParser(many(10).rendered().html)
    heading = next(node for node in page.css("h2") if node.text() == "In this issue")
    named = [link.attributes["href"] for link in heading.parent.css("a")]  # type: ignore[union-attr]

    assert named == [t.url for t in many(10).layout.teasers[:6]]
    assert "In this issue" not in many(9).rendered().html


# Looks


@pytest.mark.parametrize("look", ["plain", "compact"])
@pytest.mark.parametrize("name", NAMES)
def test_every_look_prints_every_story_once(look: str, name: str) -> None:
    issue = in_look(example(name), look)
    page = LexborHTMLParser(issue.rendered().html)
    links = [link.text().replace("\u00a0", " ").strip() for link in page.css("a")]

    for one in issue.layout.teasers:
        headline = plain(one.headline, limit=10_000)
        assert links.count(headline) == 1, headline


def test_plain_has_no_pictures_and_compact_only_the_logo() -> None:
    for look in ("plain", "compact"):
        assert LexborHTMLParser(in_look(example("mixed"), look).rendered().html).css("img:not(.logo)") == []


def test_a_grid_pairs_stories_with_pictures_and_leaves_the_others_alone() -> None:
    """Two of three pictured stories share a row; the third, and the one without a picture, have their own."""
    stories = (teaser(2, image=IMAGE), teaser(3, image=None), teaser(4, image=IMAGE), teaser(5, image=IMAGE))
    issue = in_look(of_teasers(teaser(1), *stories), "magazine", cards="grid")
    page = LexborHTMLParser(issue.rendered().html)

    assert [image.attributes["width"] for image in page.css("img")] == ["256", "256", "160"]
    assert titles(issue.rendered().html)[1:] == [stories[n].headline for n in (0, 2, 1, 3)]


def test_an_owners_part_replaces_that_of_any_look(tmp_path: Path) -> None:
    (tmp_path / "preheader.mjml.j2").write_text("<mj-raw><div>ours</div></mj-raw>")
    (tmp_path / "section.mjml.j2").write_text("<mj-raw><div>sections</div></mj-raw>")

    html = in_look(example("mixed"), "compact").rendered(tmp_path).html

    assert "<div>ours</div>" in html
    assert "<div>sections</div>" in html


def test_the_colours_of_a_theme_are_all_there_are() -> None:
    """None of the default colours is left in a mail that has its own."""
    own = {"sheet": "#FFFDF8", "paper": "#F3EEE0", "ink": "#221100", "body": "#332211", "muted": "#554433",
           "accent": "#A63A1E", "line": "#CCBBAA", "rule": "#443322", "plate": "#DDCCBB"}  # fmt: skip
    issue = example("mixed")
    theme = replace(issue.newsletter.theme, light=Palette(**own), dark=DARK)
    html = replace(issue, newsletter=replace(issue.newsletter, theme=theme)).rendered().html
    used = {colour.upper() for colour in re.findall(r"#[0-9A-Fa-f]{6}\b", html)}

    assert used <= {*own.values(), *vars_of(DARK), "#FFFFFF"}
    assert set(own.values()) <= used


def test_an_arabic_issue_is_mirrored() -> None:
    """Text on the right, pictures on the left, an English story from left to right inside it."""
    page = LexborHTMLParser(example("arabic").rendered().html)
    foreign = page.css_first("h3[lang=en]")

    assert page.css_first("html").attributes["dir"] == "rtl"  # type: ignore[union-attr]
    assert foreign is not None
    assert foreign.attributes["dir"] == "ltr"
    assert "text-align:left" not in (page.css_first("h1").parent.attributes["style"] or "")  # type: ignore[union-attr]
    assert "padding:4px 24px 0px 0px" in (page.css_first("td.pic:not(.pic-wide)").attributes["style"] or "")  # type: ignore[union-attr]


# The subject


def test_the_subject_is_the_owners_template() -> None:
    issue = of_teasers(
        teaser(headline="A & B"),
        subject="{{ count }}: {{ lead.headline }} – {{ site.name }} {{ issue.number }}",
    )

    assert issue.rendered().subject == "1: A & B – Lockstep Engineering 41"


def test_a_long_headline_gives_way_to_the_number() -> None:
    """A subject stays unique: what is cut is the headline."""
    subject = of_teasers(teaser(headline="word " * 80)).rendered().subject

    assert len(subject) <= 200
    assert subject.endswith("… · Lockstep Engineering 41")


def test_a_headline_is_never_run_as_a_template() -> None:
    assert "{{ 7*7 }}" in of_teasers(teaser(headline="{{ 7*7 }}")).rendered().subject


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("{{ led.headline }}", "subject of “weekly”, line 1: 'led' is undefined"),
        ("{{ lead.headline", "subject of “weekly”, line 1"),
        ("  {# nothing #} ", "is empty when filled in"),
        ("{{ ''.__class__ }}", "subject of “weekly”"),
    ],
)
def test_a_subject_that_does_not_work_is_refused(subject: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        of_teasers(teaser(), subject=subject).rendered()


# Preheader, promise, dates


@pytest.mark.parametrize("name", NAMES)
def test_the_preheader_says_what_else_is_in_the_issue(name: str) -> None:
    rendered = example(name).rendered()

    assert 40 <= len(rendered.preheader) <= 110
    assert rendered.preheader not in rendered.subject
    assert rendered.preheader in LexborHTMLParser(rendered.html).body.text()  # type: ignore[union-attr]


def test_the_preheader_of_one_bare_story_is_not_the_subject_again() -> None:
    rendered = of_teasers(teaser(text="")).rendered()

    assert rendered.preheader
    assert rendered.preheader not in rendered.subject


@pytest.mark.parametrize(
    ("minutes", "language", "said"),
    [
        ((9, 7, 5), "en", "3 stories · 21 minutes"),
        ((9,), "en", "1 story · 9 minutes"),
        ((1,), "en", "1 story · 1 minute"),
        ((4, 4, 4, None), "en", "4 stories · about 16 minutes"),
        ((9, None, None), "en", "3 stories"),
        ((None,), "de", "1 Beitrag"),
        ((3, 4), "fr", "2 articles · 7 minutes"),
        ((3, 4), "ar", "مقالتان · 7 دقائق"),
        ((3, 4), "xx-YY", "2 stories · 7 minutes"),
    ],
)
def test_the_promise_counts_what_is_known(minutes: tuple[int | None, ...], language: str, said: str) -> None:
    teasers = (teaser(number, minutes=each) for number, each in enumerate(minutes, start=1))
    rendered = of_teasers(*teasers, language=language).rendered()

    assert said in rendered.text.replace("\u00a0", " ").split("\n")


@pytest.mark.parametrize(
    ("language", "date"),
    [
        ("en", "Tuesday 6 October 2026"),
        ("en-US", "Tuesday, October 6, 2026"),
        ("de", "Dienstag, 6. Oktober 2026"),
        ("fr", "mardi 6 octobre 2026"),
    ],
)
def test_the_date_is_written_as_its_readers_write_it(language: str, date: str) -> None:
    assert date in of_teasers(teaser(), language=language).rendered().text


def test_the_date_is_that_of_the_newsletters_zone() -> None:
    """At 07:00 UTC it is already Wednesday on Kiritimati."""
    assert "Tuesday 6" in of_teasers(teaser(), timezone="Pacific/Kiritimati").rendered().text
    assert "Monday 5" in of_teasers(teaser(), timezone="Pacific/Honolulu").rendered().text


def test_every_variable_is_described() -> None:
    """The docs list what a template may print: each name the bundled templates use, and nothing else."""
    import jinja2
    import jinja2.meta

    used: set[str] = set()
    made = jinja2.Environment()
    made.filters |= {"wrapped": wrapped, "line_of": line_of}
    for path in (bundled() / "issue").rglob("*.j2"):
        used |= jinja2.meta.find_undeclared_variables(made.parse(path.read_text("utf-8")))
    local = {"section", "card", "row", "line", "level", "above", "is_first"}

    assert used - local <= set(VARIABLES)
    assert set(VARIABLES) - used <= {"stories", "end"}


def test_without_a_web_address_nothing_offers_to_view_in_a_browser() -> None:
    rendered = example("mixed").rendered(web_url="")

    assert "View in browser" not in rendered.html + rendered.text


def test_an_issue_without_stories_says_so_by_its_subject() -> None:
    with pytest.raises(TemplateError, match="subject of “weekly”"):
        replace(example("mixed"), layout=Layout(lead=None)).rendered()


def test_a_section_of_bare_titles_is_a_list_of_links() -> None:
    issue = Example(
        example("mixed").newsletter,
        Layout(
            lead=None, sections=(Section(title="Releases", teasers=(teaser(1, text=""), teaser(2, text=""))),)
        ),
    )

    assert len(LexborHTMLParser(issue.rendered().html).css("p.link a")) == 2


# The small rules of print


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("Short enough.", 40, "Short enough."),
        ("A first sentence that is long. A second one.", 36, "A first sentence that is long."),
        ("One. A second one that goes on and on", 20, "One. A second one…"),
        ("日本語の見出しはとても長い", 6, "日本語の見…"),
    ],
)
def test_texts_are_cut_where_a_reader_would(text: str, limit: int, kept: str) -> None:
    assert cut(text, limit) == kept


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("Deletes are the hard part of a CRDT", "Deletes are the hard part of a_CRDT"),
        ("It grew to 40 MB in a year, twice", "It grew to 40_MB in a year,_twice"),
        ("Two words", "Two words"),
        ("The Donaudampfschifffahrtsgesellschaft again unternehmensberatung", None),
        ("Pourquoi ça marche ?", "Pourquoi ça_marche_?"),
    ],
)
def test_what_belongs_together_is_not_torn_apart(text: str, held: str | None) -> None:
    assert bound(text).replace("\u00a0", "_") == (text if held is None else held)


def test_plain_text_counts_columns_not_characters() -> None:
    """Chinese takes two columns a character, a combining accent none."""
    assert columns("日本e\u0301") == 5
    assert wrapped("日本語日本語", width=6) == "日本語\n日本語"
    assert wrapped("a b\u00a0c d", width=5) == "a b c\nd"


@pytest.mark.parametrize(
    ("url", "ascii_url"),
    [
        ("https://bücher.example/straße?q=ä#ü", "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%A4#%C3%BC"),
        ("https://a.example/x%20y?a=1&b=2", "https://a.example/x%20y?a=1&b=2"),
        ("https://a.example/a b<c>", "https://a.example/a%20b%3Cc%3E"),
    ],
)
def test_addresses_are_ascii_in_both_bodies(url: str, ascii_url: str) -> None:
    assert web_address(url) == ascii_url
    rendered = of_teasers(teaser(url=url)).rendered()
    assert ascii_url.replace("&", "&amp;") in rendered.html
    assert ascii_url in rendered.text


def test_the_direction_of_a_title_is_that_of_most_letters() -> None:
    """An Arabic sentence that begins with a Latin name still runs from right to left."""
    assert direction_of("CRDT هو الجزء الصعب من الحذف", otherwise="ltr") == "rtl"
    assert direction_of("2026!", otherwise="rtl") == "rtl"


@pytest.mark.parametrize(
    "image",
    [
        Image(url="data:image/png;base64,AAAA"),
        Image(url="https://a.example/logo.svg"),
        Image(url="https://a.example/pixel.png", width=1, height=1),
    ],
)
def test_what_is_no_picture_is_not_printed(image: Image) -> None:
    """Data addresses, drawings that Outlook does not show, tracking pixels."""
    html = of_teasers(teaser(1, image=image), teaser(2, image=image)).rendered().html

    assert not LexborHTMLParser(html).css("img")
