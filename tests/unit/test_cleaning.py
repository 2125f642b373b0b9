"""Text from outside becomes plain and harmless, whatever it was, and says the same as before."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.model.article import Image
from digest.rules.cleaning import (
    absolute_http_url,
    count_minutes,
    count_words,
    cut,
    first_image,
    first_sentence,
    plain,
    teaser_of,
    text_of_html,
    title_of_html,
    without_tracking,
    words_in_html,
)

# Every kind of character that has hurt somebody, beside ordinary ones.
AWKWARD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "a é\u0301\u200b\u200c\u200d\u202e\u2066\ufeff\x00\x0b\x85\u2028\ud800\ufffe👩🇩🇪\u0338<>&;…. "
        ),
    ),
    max_size=60,
)
MARKUP = st.lists(
    st.sampled_from([
        "<p>", "</p>", "<b>", "<!--", "-->", "<script>", "</script>", "<a href='", "'>", "&amp;", "&lt;",
        "&#0;", "&amp;lt;p&amp;gt;", "<![CDATA[", "]]>", "<img src=x", "text. ", "More ", "\x00", "\ud800",
        "<", ">", '"',
    ]),
    max_size=30,
).map("".join)  # fmt: skip


def is_clean(line: str) -> bool:
    kinds = {unicodedata.category(character) for character in line}
    return not kinds & {"Cc", "Cs", "Zl", "Zp"} and line == line.strip() and "  " not in line


# One clean line


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("  two\r\n\twords\x0b ", "two words"),
        ("a\x00b\x07c\x7fd\x9fe", "abcde"),
        ("next\x85line\u2028and\u2029more", "next line and more"),
        ("no\u00a0break\u3000wide", "no break wide"),
        ("cafe\u0301", "café"),
        ("pay\u202epal\u2066!\u2069", "paypal!"),
        ("in\u200bvis\u2060ible\ufeff so\u00adft", "invisible soft"),
        ("lone\ud800surrogate", "lonesurrogate"),
        ("no\ufffechar\uffffacters\U0001ffff", "nocharacters"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("hid\u200d den \u200d", "hid den"),
        ("🏴\U000e0067\U000e0062\U000e007f", "🏴\U000e0067\U000e0062\U000e007f"),
        ("smuggled\U000e0041\U000e0042", "smuggled"),
        ("e" + "\u0301\u0302" * 20, "é\u0302\u0301\u0302\u0301"),
        ("=?utf-8?q?=0D=0ABcc:_e@x?=", "=?utf-8?q?=0D=0ABcc:_e@x?="),
        ("{{ 7*7 }} {% x %}", "{{ 7*7 }} {% x %}"),
        ("", ""),
    ],
)
def test_plain(dirty: str, clean: str) -> None:
    assert plain(dirty) == clean


@given(AWKWARD)
def test_plain_leaves_nothing_to_clean(text: str) -> None:
    """No control character, no surrogate, no double space; a second cleaning changes nothing."""
    line = plain(text)

    assert is_clean(line)
    assert plain(line) == line
    assert unicodedata.is_normalized("NFC", line)


@given(AWKWARD, st.integers(1, 20))
def test_plain_keeps_to_its_limit(text: str, limit: int) -> None:
    line = plain(text, limit=limit)

    assert len(line) <= limit
    assert plain(line, limit=limit) == line


@pytest.mark.parametrize(
    ("text", "limit", "beginning"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("ab, cdefg", 4, "ab…"),
        ("ab👩\u200d👧cd", 5, "ab…"),
        ("🇩🇪🇫🇷🇮🇹", 4, "🇩🇪…"),
        ("abn\u0303n\u0303n", 4, "ab…"),
        ("👍🏽👍🏽👍🏽", 4, "👍🏽…"),
        ("한\u1112\u1161\u11ab국", 4, "한…"),
    ],
)
def test_cut_never_splits_what_a_reader_sees_as_one(text: str, limit: int, beginning: str) -> None:
    assert cut(text, limit) == beginning


def test_cut_at_a_word() -> None:
    assert cut("one two three four", 12, at_word=True) == "one two…"
    assert cut("one twothreefour", 12, at_word=True) == "one twothre…"


# The text of HTML


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>two<br>three</p>", "One two three"),
        ("w<b>o</b>rd", "word"),
        ("a<script>alert('<p>')</script>b<style>p{}</style>c", "abc"),
        ("<SCRIPT SRC=x>x</SCRIPT >y", "y"),
        ("<script>never closed", ""),
        ("x <!-- {% comment %}\nLicensed\n{% endcomment %} --> y", "x y"),
        ("x <!-- never closed", "x"),
        ("x<!-->y", "xy"),
        ("<?php echo 1 ?>x<!DOCTYPE html>y", "xy"),
        ("{{ x }} {% y %}", "{{ x }} {% y %}"),
        ("fish &amp; chips &#8212; &eacute;&nbsp;&#x1F600;", "fish & chips — é 😀"),
        ("R&amp;amp;D&amp;#8217;s", "R&D’s"),
        ("&lt;p&gt;All &lt;em&gt;escaped&lt;/em&gt;&lt;/p&gt;", "All escaped"),
        ("use the &lt;b&gt; tag", "use the <b> tag"),
        ("<p>use &lt;b&gt;x&lt;/b&gt;</p>", "use <b>x</b>"),
        ("a < b and c > d", "a < b and c > d"),
        ("<a title='x > y' href=\"a>b\">link</a>", "link"),
        ('cut <a href="http://x', "cut"),
        ("<img src=x onerror=alert(1)>pic", "pic"),
        ("<svg><text>no</text></svg>yes", "yes"),
        ("<svg/>still", "still"),
        ("<noscript><img></noscript>x<iframe>no</iframe>", "x"),
        ("<math><mi>x</mi></math>", "x"),
        ("<![CDATA[a <b> c]]>", "a <b> c"),
        ("</3 heart>kept", "kept"),
        ("&#0;&#1;x&#xD800;&#x202E;y", "\ufffdx\ufffdy"),
        ("<p>line\r\nfeed", "line feed"),
        ("", ""),
    ],
)
def test_text_of_html(markup: str, text: str) -> None:
    assert text_of_html(markup) == text


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Using Vec&lt;T&gt;", "Using Vec<T>"),
        ("Using Vec<T>, Map<K, V>", "Using Vec<T>, Map<K, V>"),
        ("<mj-include path='/etc/passwd' />", "<mj-include path='/etc/passwd' />"),
        ("An <em>important</em> word", "An important word"),
        ("An &lt;em&gt;important&lt;/em&gt; word", "An important word"),
        ("AT&amp;amp;T", "AT&T"),
        ("<script>alert(1)</script>Title", "Title"),
        ("{{7*7}}", "{{7*7}}"),
        ("A heading ¶", "A heading"),
    ],
)
def test_title_of_html(title: str, text: str) -> None:
    """What no HTML element is called belongs to the title."""
    assert title_of_html(title) == text


@given(st.one_of(MARKUP, AWKWARD))
@example("0\r.")
def test_text_of_html_is_always_a_clean_line(markup: str) -> None:
    for text in (text_of_html(markup), title_of_html(markup), teaser_of(markup), first_sentence(markup)):
        assert is_clean(text)
        assert plain(text, limit=100_000) == text


@given(MARKUP, st.integers(1, 30))
def test_text_of_html_keeps_to_its_limit(markup: str, limit: int) -> None:
    """Reading stops early, and gives the same as cutting the whole."""
    assert text_of_html(markup * 20, limit=limit) == plain(text_of_html(markup * 20), limit=limit)


@pytest.mark.parametrize(
    "hostile",
    [
        "<" * 300_000, "<div>" * 60_000, "<svg>" * 60_000, '<a "' * 75_000, '<a ="' * 60_000,
        "<!--" * 75_000, "&" * 300_000, "&lt;b&gt;" * 60_000, "a" + "\u0301" * 250_000,
        "\u200d a" * 80_000, "\U0001f1e6" * 200_000, "The post " * 60_000, "<img " + "a " * 125_000 + ">",
        '<img srcset="' + "a, " * 100_000 + '">', " [" * 250_000,
    ],
)  # fmt: skip
def test_nothing_makes_it_slow(hostile: str) -> None:
    """300 KB of the worst are read in the time of 300 KB: a quadratic step would take minutes."""
    started = time.process_time()
    for clean in (text_of_html, title_of_html, teaser_of, first_sentence, plain, words_in_html):
        clean(hostile)
    first_image(hostile, "https://x.example/")

    assert time.process_time() - started < 5


# Teasers and titles


@pytest.mark.parametrize(
    ("text", "teaser"),
    [
        (
            "<p>Hello there. It is good.</p><p>Continue reading <a>Foo Bar</a> →</p>",
            "Hello there. It is good.",
        ),
        ("<p>Hello there […]</p><p>The post <a>X</a> appeared first on <a>Y</a>.</p>", "Hello there…"),
        ("The post X first appeared on Y.", ""),
        ("Hello there [&hellip;]", "Hello there…"),
        ("Hello there... Read more »", "Hello there…"),
        ("Hello there. Read More", "Hello there."),
        ("Hello there. (Read the full article)", "Hello there."),
        ("Hallo Welt. Weiterlesen →", "Hallo Welt."),
        ("I went home, and then I read more books.", "I went home, and then I read more books."),
        ("Read more", ""),
        ("<h2>Heading<a class=headerlink>¶</a></h2><p>Running text.</p><pre>code</pre>", "Running text."),
        ("<figure><img><figcaption>Photo</figcaption></figure><p>Running text.</p>", "Running text."),
        ("<h2>Only a heading</h2>", "Only a heading"),
        ("Lists¶ are <b>fine</b>", "Lists are fine"),
        ("<ul><li>One.</li><li>Two.</li></ul>", "One. Two."),
        ("<!-- {% comment %} Licensed --><p>The {{ text }}.</p>", "The {{ text }}."),
        ("<!-- cut", ""),
    ],
)
def test_teaser(text: str, teaser: str) -> None:
    assert teaser_of(text) == teaser


def test_teaser_takes_whole_sentences() -> None:
    text = "The first sentence is here. The second follows it. The third one does not fit any more."

    assert teaser_of(text, limit=60) == "The first sentence is here. The second follows it."


def test_teaser_cuts_a_long_sentence_at_a_word() -> None:
    """Also where a very short sentence stands before it: that alone would say nothing."""
    assert teaser_of("One endless sentence that goes on and on", limit=20) == "One endless…"
    assert (
        teaser_of("Hi. One endless sentence that goes on and on and on", limit=30)
        == "Hi. One endless sentence that…"
    )


@given(st.one_of(MARKUP, AWKWARD), st.integers(10, 60))
def test_teaser_keeps_to_its_limit(text: str, limit: int) -> None:
    assert len(teaser_of(text, limit=limit)) <= limit


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "Go 1.18 shipped generics in March 2022. Four years later, it is fine.",
            "Go 1.18 shipped generics in March 2022",
        ),
        ("sync.Pool is the Go feature most misused. A guide.", "sync.Pool is the Go feature most misused"),
        ("It ends here. sync.Pool is next.", "It ends here"),
        ("Ritual — 'preallocate slices.' Useful sometimes.", "Ritual — 'preallocate slices.'"),
        ("Use tools, e.g. hammers. Then rest.", "Use tools, e.g. hammers"),
        ("By J. R. Smith and Dr. Jones. A book.", "By J. R. Smith and Dr. Jones"),
        ("Made in the U.S. Army labs. Really.", "Made in the U.S. Army labs"),
        ("What now? We wait.", "What now?"),
        ("“Stop!” she said. He stopped.", "“Stop!” she said"),
        ("Yahoo! is back. Yes.", "Yahoo! is back"),
        ("See node.js and foo.bar() today", "See node.js and foo.bar() today"),
        ("Wait... what? Fine.", "Wait... what?"),
        ("これは文です。次の文。", "これは文です。"),
        ("Am 3. Mai war es warm. Dann nicht.", "Am 3. Mai war es warm"),
        ("1. Introduction to it. Next.", "1. Introduction to it"),
        ("Ends with etc.", "Ends with etc"),
        ("", ""),
    ],
)
def test_first_sentence(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence


def test_first_sentence_of_an_endless_one() -> None:
    title = first_sentence("word " * 100, limit=40)

    assert title == "word word word word word word word word…"[:40]
    assert len(title) <= 40


def test_reading_time() -> None:
    assert [count_minutes(words) for words in (0, 1, 230, 231, 2300)] == [1, 1, 1, 2, 10]


def test_words() -> None:
    assert count_words("It's state-of-the-art, sync.Pool — 3.14!") == 4
    assert count_words("日本語の文章です") == 4


@pytest.mark.parametrize(
    "markup", ["<p>one two</p><p>three</p>", "<!-- x --> one <script>no</script>two three", "one two three"]
)
def test_words_in_html(markup: str) -> None:
    assert words_in_html(markup) == 3


# Links and pictures


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("/a/b", "https://x.example/a/b"),
        ("../up", "https://x.example/up"),
        ("//cdn.example/x", "https://cdn.example/x"),
        (" https://y.example/ ", "https://y.example/"),
        ("HTTP://Y.Example/A", "http://y.example/A"),
        ("https://y.example:8080/a?b=c&d=%20#e", "https://y.example:8080/a?b=c&d=%20#e"),
        ("/with space/ü?q=ä ö", "https://x.example/with%20space/%C3%BC?q=%C3%A4%20%C3%B6"),
        ('/"><script>', "https://x.example/%22%3E%3Cscript%3E"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("mailto:a@b.example", ""),
        ("file:///etc/passwd", ""),
        ("https://user:pw@y.example/", ""),
        ("https://y.example\\@evil.example/", ""),
        ("https://y.example/a\nb", ""),
        ("java\tscript:alert(1)", ""),
        ("https://y.example/\u202egpj", ""),
        ("https://exa mple/", ""),
        ("https://y.example:99999/", ""),
        ("https://y..example/", ""),
        ("http://[::1", ""),
        ("https://", ""),
        ("", ""),
        ("https://y.example/" + "a" * 5000, ""),
    ],
)
def test_absolute_http_url(url: str, absolute: str) -> None:
    assert absolute_http_url(url, "https://x.example/dir/page") == absolute


def test_a_relative_link_without_a_base_is_none() -> None:
    assert absolute_http_url("/a", "") == ""


@given(AWKWARD)
def test_absolute_http_url_is_printable_or_empty(text: str) -> None:
    url = absolute_http_url(text, "https://x.example/")

    assert url == "" or (url.isascii() and url.isprintable() and url.startswith(("http://", "https://")))
    assert not set(url) & set(' "<>\\^`{|}')
    assert absolute_http_url(url, "") == url


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://x.example/a?utm_source=rss&id=5&utm_medium=x#top", "https://x.example/a?id=5#top"),
        ("https://x.example/a?utm_source=rss", "https://x.example/a"),
        ("https://x.example/a?fbclid=1&gclid=2&mc_cid=3&mc_eid=4", "https://x.example/a"),
        ("https://x.example/a?ref=1&q=%20b", "https://x.example/a?ref=1&q=%20b"),
        ("https://x.example/a#b?utm_source=x", "https://x.example/a#b?utm_source=x"),
        ("https://x.example/a", "https://x.example/a"),
    ],
)
def test_without_tracking(url: str, kept: str) -> None:
    assert without_tracking(url) == kept


@pytest.mark.parametrize(
    ("markup", "url"),
    [
        ("<p><img src='/a.png'>", "https://x.example/a.png"),
        ("<img src='p.gif' width=1 height=1><img src='/a.png'>", "https://x.example/a.png"),
        ("<img src='/p.png' height='2px'>", None),
        ("<img src='/icon.png' width=32 height=32>", None),
        ("<img src='data:image/gif;base64,R0' data-src='/lazy.jpg'>", "https://x.example/lazy.jpg"),
        ("<img srcset='/s.jpg 320w, /l.jpg 1200w, /m.jpg 800w'>", "https://x.example/l.jpg"),
        ("<img src='/logo.svg'>", None),
        ("<img class='wp-smiley emoji' src='/x.png'>", None),
        ("<img src='https://s.w.org/images/core/emoji/x.png'>", None),
        ("<img src='https://pixel.wp.com/b.gif?x'>", None),
        ("<img src='https://feeds.example.com/~r/x/4/y'>", None),
        ("<!-- <img src='/hidden.png'> -->", None),
        ("<img src='javascript:alert(1)'>", None),
        ("<img src=/unquoted.png>", "https://x.example/unquoted.png"),
        ("no picture", None),
    ],
)
def test_first_image(markup: str, url: str | None) -> None:
    image = first_image(markup, "https://x.example/dir/")

    assert (image.url if image else None) == url


def test_first_image_says_what_it_knows() -> None:
    markup = '<img src="a.png" alt="A  &quot;b&quot;\n" width="640" height="50%">'

    assert first_image(markup, "https://x.example/dir/") == Image(
        url="https://x.example/dir/a.png", alt='A "b"', width=640
    )


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Using <div> and <span> in HTML", "Using <div> and <span> in HTML"),
        ("From <b>bold</b> to <main>", "From bold to <main>"),
        ("<p>A paragraph that nobody closed", "A paragraph that nobody closed"),
        ("One<br>line", "One line"),
    ],
)
def test_a_tag_that_is_never_closed_is_a_word_of_the_title(title, shown):
    """A blog about HTML writes of tags; markup comes in pairs."""
    assert title_of_html(title) == shown
