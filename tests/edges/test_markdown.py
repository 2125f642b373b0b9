"""Folders of Markdown as Hugo, Jekyll and Pelican keep them; tests/data/markdown holds one of each."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import SourceError
from digest.fetch import Fetcher
from digest.model.article import FoundArticle, Image, Reading, Validators
from digest.model.newsletter import SourceSpec
from digest.sources.front_matter import FrontMatterError, split
from digest.sources.markdown import read

FOLDERS = Path(__file__).parents[1] / "data" / "markdown"
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def read_folder(folder: Path, *, base_url: str = "https://site.example/posts/") -> Reading:
    spec = SourceSpec(kind="markdown", key="k", name="n", path=folder, base_url=base_url)
    with Fetcher(is_allowed=lambda _: False) as fetcher:
        return read(spec, fetcher=fetcher, validators=Validators(), now=NOW)


def article_of(text: str, folder: Path, *, name: str = "post.md") -> FoundArticle:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    reading = read_folder(folder)
    assert reading.skipped == ()
    return reading.articles[0]


def as_written(value: object) -> object:
    """A value as the expected answers write it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Image):
        return {key: part for key, part in dataclasses.asdict(value).items() if part not in ("", None)}
    return list(value) if isinstance(value, tuple) else value


def article_as_written(article: FoundArticle) -> dict[str, object]:
    fields = {field.name: getattr(article, field.name) for field in dataclasses.fields(article)}
    return {name: as_written(value) for name, value in fields.items() if value not in ("", None, (), False)}


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDERS.iterdir() if path.is_dir()))
def test_a_folder_is_read_as_expected(name: str) -> None:
    reading = read_folder(FOLDERS / name)
    expected = json.loads((FOLDERS / f"{name}.json").read_text("utf-8"))

    assert [article_as_written(article) for article in reading.articles] == expected["articles"]
    assert as_written(reading.skipped) == expected["skipped"]


# Where an article stands


@pytest.mark.parametrize(
    ("name", "head", "url"),
    [
        ("post.md", "", "https://site.example/posts/post"),
        ("My Post.md", "", "https://site.example/posts/my-post"),
        ("2026/01/post.md", "", "https://site.example/posts/2026/01/post"),
        ("bundle/index.md", "", "https://site.example/posts/bundle"),
        ("2026-01-05-post.md", "", "https://site.example/posts/post"),
        ("_posts/2026-01-05-post.markdown", "", "https://site.example/posts/post"),
        ("post.md", "slug: other", "https://site.example/posts/other"),
        ("sub/post.md", "slug: other", "https://site.example/posts/sub/other"),
        ("post.md", "url: /elsewhere/", "https://site.example/elsewhere/"),
        ("post.md", "permalink: https://other.example/x", "https://other.example/x"),
        ("post.md", "permalink: /:year/:title/", "https://site.example/posts/post"),
        ("post.md", "url: javascript:alert(1)", None),
        ("c#-and-50%.md", "", "https://site.example/posts/c%23-and-50%"),
        ("post.md", "slug: a:b", "https://site.example/posts/a%3Ab"),
    ],
)
def test_addresses(tmp_path: Path, name: str, head: str, url: str | None) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"---\ntitle: T\n{head}\n---\nText.")
    reading = read_folder(tmp_path)

    assert [article.url for article in reading.articles] == ([url] if url else [])


def test_without_a_base_only_absolute_addresses_count(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: A\n---\n")
    (tmp_path / "b.md").write_text("---\ntitle: B\nurl: https://site.example/b\n---\n")
    reading = read_folder(tmp_path, base_url="")

    assert [article.url for article in reading.articles] == ["https://site.example/b"]
    assert reading.skipped == (
        "a.md was skipped: it has no address; set base_url for the source, or url in its front matter.",
    )


def test_pictures_of_a_bundle_lie_in_it(tmp_path: Path) -> None:
    article = article_of("---\ntitle: T\ncover: cover.png\n---\nx", tmp_path, name="bundle/index.md")

    assert article.image is not None
    assert article.image.url == "https://site.example/posts/bundle/cover.png"


# What is no article


@pytest.mark.parametrize(
    "head",
    ["draft: true", "draft: 'yes'", "published: false", "status: draft", "Status: Hidden"],
)
def test_drafts_are_passed_over(tmp_path: Path, head: str) -> None:
    (tmp_path / "post.md").write_text(f"---\ntitle: T\n{head}\n---\nText.")
    reading = read_folder(tmp_path)

    assert (reading.articles, reading.skipped) == ((), ())


@pytest.mark.parametrize(
    "name",
    ["README.md", "_index.md", ".hidden.md", ".git/post.md", "_drafts/post.md", "post.txt", "post.md~"],
)
def test_other_files_are_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("---\ntitle: T\n---\nText.")

    assert read_folder(tmp_path).articles == ()
    assert read_folder(tmp_path).warnings


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("# Secret\n")
    folder = tmp_path / "posts"
    folder.mkdir()
    (folder / "post.md").symlink_to(secret)
    (folder / "inner").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(folder / "pipe.md")

    assert read_folder(folder).articles == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---\ntitle: [\n---\nx", "YAML"),
        ("---\ntitle: a: b\n---\nx", "line 2"),
        ("---\ndate: 2026-13-45\n---\nx", "YAML"),
        ("---\n- a\n- b\n---\nx", "names and values"),
        ("---\n!!python/object/apply:os.system ['true']\n---\nx", "YAML"),
        ("---\ntitle: never ends\n", "never ends"),
        ("+++\ntitle = \n+++\nx", "TOML"),
        ('{"title": \n', "JSON"),
        ("---\ntags: [a]\n---\n", "neither a title nor text"),
        ("", "neither a title nor text"),
    ],
)
def test_a_bad_file_is_named_and_the_others_are_read(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "bad.md").write_text(text)
    (tmp_path / "good.md").write_text("---\ntitle: Good\n---\n")
    reading = read_folder(tmp_path)

    assert [article.title for article in reading.articles] == ["Good"]
    (line,) = reading.skipped
    assert line.startswith("bad.md was skipped:")
    assert reason in line


def test_a_huge_file_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "huge.md").write_bytes(b"x" * (2 * 1024 * 1024 + 1))

    assert "too large (limit 2 MB)" in read_folder(tmp_path).skipped[0]


@pytest.mark.parametrize("name", ["missing", "file.md"])
def test_a_missing_folder_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.md").write_text("x")

    with pytest.raises(SourceError, match=name):
        read_folder(tmp_path / name)


# What front matter says


@pytest.mark.parametrize(
    ("head", "moment"),
    [
        ("date: 2026-01-05", "2026-01-05T00:00+00:00"),
        ("date: 2026-01-05 10:00:00", "2026-01-05T10:00+00:00"),
        ("date: 2026-01-05T10:00:00+01:00", "2026-01-05T09:00+00:00"),
        ("date: 2026-01-05 10:00:00 +0100", "2026-01-05T09:00+00:00"),
        ("date: Mon, 05 Jan 2026 10:00:00 CET", "2026-01-05T09:00+00:00"),
        ("pubDate: 'Jan 5, 2026'", "2026-01-05T00:00+00:00"),
        ("published: 2026-01-05", "2026-01-05T00:00+00:00"),
        ("published: true\ndate: 2026-01-05", "2026-01-05T00:00+00:00"),
        ("lastmod: 2026-01-05", None),
        ("date: soon", None),
        ("date: 1970-01-01", None),
        ("date: [2026-01-05]", None),
    ],
)
def test_dates(tmp_path: Path, head: str, moment: str | None) -> None:
    published = article_of(f"---\ntitle: T\n{head}\n---\nText.", tmp_path).published

    assert published == (datetime.fromisoformat(moment) if moment else None)


def test_the_date_in_a_file_name_counts_last(tmp_path: Path) -> None:
    article = article_of("Text.", tmp_path, name="_posts/2026-01-05-post.md")

    assert article.published == datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("head", "tags"),
    [
        ("tags: [Go, Performance]\ncategories: [go, Web]", ("Go", "Performance", "Web")),
        ("tags: Go, Performance", ("Go", "Performance")),
        ("tags: Machine Learning", ("Machine Learning",)),
        ("keywords:\n  - a\n  - {b: c}\n  - 5", ("a", "5")),
        ("tags:", ()),
    ],
)
def test_tags(tmp_path: Path, head: str, tags: tuple[str, ...]) -> None:
    assert article_of(f"---\ntitle: T\n{head}\n---\n", tmp_path).tags == tags


@pytest.mark.parametrize(
    ("head", "author"),
    [
        ("author: Ada", "Ada"),
        ("authors: [Ada, Bob]", "Ada and Bob"),
        ("author: {name: Ada, email: a@b.example}", "Ada"),
        ("authors:\n  - name: Ada\n  - name: Bob\n  - name: Cy", "Ada, Bob and Cy"),
        ("author: ada@site.example", ""),
    ],
)
def test_authors(tmp_path: Path, head: str, author: str) -> None:
    assert article_of(f"---\ntitle: T\n{head}\n---\n", tmp_path).author == author


@pytest.mark.parametrize(
    ("head", "body", "url", "alt"),
    [
        ("image: /i.png", "", "https://site.example/i.png", ""),
        ("cover: {image: i.png, alt: Alt}", "", "https://site.example/posts/i.png", "Alt"),
        ("images: [https://cdn.example/i.png]", "", "https://cdn.example/i.png", ""),
        ("image: {url: /i.png}", "", "https://site.example/i.png", ""),
        ("", "Text ![An image](pic.jpg) here", "https://site.example/posts/pic.jpg", "An image"),
        ("", '<img src="/raw.png" alt="Raw">', "https://site.example/raw.png", "Raw"),
        ("image: data:image/png;base64,x", "![b](/b.png)", "https://site.example/b.png", "b"),
        ("image: false", "Text.", None, ""),
    ],
)
def test_images(tmp_path: Path, head: str, body: str, url: str | None, alt: str) -> None:
    image = article_of(f"---\ntitle: T\n{head}\n---\n{body}", tmp_path).image

    assert ((image.url, image.alt) if image else (None, "")) == (url, alt)


def test_language_and_featured(tmp_path: Path) -> None:
    article = article_of("---\ntitle: T\nlang: pt_br\nfeatured: true\n---\n", tmp_path)

    assert (article.language, article.featured) == ("pt-BR", True)


# What the body says


@pytest.mark.parametrize(
    ("text", "title", "is_made"),
    [
        ("---\ntitle: From the head\n---\n# Heading", "From the head", False),
        ("# A *heading* with `code`\n\nText.", "A heading with code", False),
        ("Setext\n------\n\nText.", "Setext", False),
        ("Go 1.18 is out. More to come.", "Go 1.18 is out", True),
        ("---\ntitle: 42\n---\n", "42", False),
        ("---\ntitle: 'Vec<T> & {{7*7}} <script>x</script>'\n---\n", "Vec<T> & {{7*7}}", False),
    ],
)
def test_titles(tmp_path: Path, text: str, title: str, is_made: bool) -> None:
    article = article_of(text, tmp_path)

    assert (article.title, article.title_is_made) == (title, is_made)


@pytest.mark.parametrize(
    ("text", "teaser"),
    [
        ("---\ndescription: A *short* one.\n---\n# H\n\nBody.", "A short one."),
        ("# H\n\nBefore.\n\nAlso.\n\n<!--more-->\n\nAfter.", "Before. Also."),
        ("# H\n\nA [link](x), `code` and **bold**.\n\n```\ncode\n```\n", "A link, code and bold."),
        (
            "# H\n\n{{< youtube abc >}}\n\n{% include x.html %}\n\nText with {{ value }}.",
            "Text with {{ value }}.",
        ),
        ("# H\n\n<div class='x'>Raw <b>HTML</b></div><script>alert(1)</script>", "Raw HTML"),
        ("# H\n\n<!-- comment -->\n\n| a | b |\n|---|---|\n| c | d |\n\nText.", "Text."),
    ],
)
def test_teasers(tmp_path: Path, text: str, teaser: str) -> None:
    assert article_of(text, tmp_path).teaser == teaser


def test_minutes_are_counted_from_the_body(tmp_path: Path) -> None:
    assert article_of("# H\n\n" + "word " * 700, tmp_path).minutes == 4


def test_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    (tmp_path / "post.md").write_bytes("\ufeff---\r\ntitle: Größe\r\ntags: [a]\r\n---\r\nText.\r\n".encode())
    (article,) = read_folder(tmp_path).articles

    assert (article.title, article.tags, article.teaser) == ("Größe", ("a",), "Text.")


def test_newest_first_and_undated_last(tmp_path: Path) -> None:
    for name, head in (
        ("a", "date: 2026-01-01"),
        ("b", ""),
        ("c", "date: 2026-01-03"),
        ("d", "date: 2026-01-02"),
    ):
        (tmp_path / f"{name}.md").write_text(f"---\ntitle: {name}\n{head}\n---\n")

    assert [article.title for article in read_folder(tmp_path).articles] == ["c", "d", "a", "b"]


def test_yaml_that_grows_without_end_stays_small(tmp_path: Path) -> None:
    """Aliases of aliases: a billion words when written out."""
    lines = ["a0: &a0 [lol, lol]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 31)]
    text = "---\n" + "\n".join(lines) + "\ntitle: *a30\ntags: *a30\nauthor: *a30\n---\n# Fine\n"
    article = article_of(text, tmp_path)

    assert (article.title, article.tags) == ("Fine", ())


@given(st.text(max_size=80), st.sampled_from(["", "---\n", "+++\n", "{\n", "Title: x\n"]))
def test_any_text_is_split_or_refused(text: str, start: str) -> None:
    try:
        values, body = split(start + text)
    except FrontMatterError as error:
        values, body = {}, str(error)
    assert all(key == key.lower() for key in values)
    assert body in start + text or body
