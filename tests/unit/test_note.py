"""The editor's note: paragraphs, emphasis and links; nothing that could harm, in HTML and in plain text."""

from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from digest.rendering.note import Note, note_of


@pytest.mark.parametrize(
    ("markdown", "text", "markup"),
    [
        ("Dear *all*, **hello**.", "Dear all, hello.", "Dear <em>all</em>, <strong>hello</strong>."),
        ("one\ntwo", "one two", "one two"),
        (
            "See [the *docs*](https://x.example/?b=1&c=2).",
            "See the docs [1].",
            'See <span class="accent"><a href="https://x.example/?b=1&amp;c=2">the <em>docs</em></a></span>.',
        ),
        ("[mail](mailto:ann@example.org)", "mail [1]",
         '<span class="accent"><a href="mailto:ann@example.org">mail</a></span>'),
        # What is no paragraph, emphasis or link stays as it is written.
        ("<b>x</b> &lt;", "<b>x</b> <", "&lt;b&gt;x&lt;/b&gt; &lt;"),
        ("# head", "# head", "# head"),
        ("<!-- x -->", "<!-- x -->", "&lt;!-- x --&gt;"),
        ("{{ site.name }}", "{{ site.name }}", "{{ site.name }}"),
        ("\\*not\\*", "*not*", "*not*"),
        # Addresses that lead nowhere a reader wants to go are no links.
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[x](ftp://x.example)", "x", "x"),
        ("[x](/relative)", "x", "x"),
        ("[x](https://ann:secret@x.example)", "x", "x"),
        ("[x](mailto:ann@example.org?bcc=all@example.org)", "x", "x"),
        ('[x](https://x.example/"onclick="alert)', "x [1]",
         '<span class="accent"><a href="https://x.example/%22onclick=%22alert">x</a></span>'),
        ("a\u202eb\x07c", "abc", "abc"),
        ("a \u202e*b*", "a b", "a <em>b</em>"),
    ],
)  # fmt: skip
def test_what_a_paragraph_prints(markdown: str, text: str, markup: str) -> None:
    [paragraph] = note_of(markdown).paragraphs

    assert str(paragraph) == text
    assert escape(paragraph) == markup


def test_links_are_counted_over_the_whole_note() -> None:
    one, two = note_of("[a](https://a.example) [b](https://b.example)\n\n[c](https://c.example)").paragraphs

    assert one.links == ("[1] https://a.example", "[2] https://b.example")
    assert (str(two), two.links) == ("c [3]", ("[3] https://c.example",))


def test_the_last_line_may_sign() -> None:
    note = note_of("Hello.\r\n\r\n— Ann & *Bob*\n")

    assert ([str(p) for p in note.paragraphs], note.signature) == (["Hello."], "Ann & Bob")


def test_no_note_is_not_true() -> None:
    assert not note_of(" \n")
    assert note_of("") == Note()


def test_a_paragraph_travels_to_the_process_that_fills_templates() -> None:
    note = note_of("*a* [b](https://b.example)")
    came = pickle.loads(pickle.dumps(note, protocol=5))

    assert came == note
    assert (escape(came.paragraphs[0]), came.paragraphs[0].links) == (
        escape(note.paragraphs[0]),
        note.paragraphs[0].links,
    )


@given(st.text(alphabet="ab *_[]()<>&\"'!\\\n:/.https", max_size=80))
def test_no_markup_but_ours_comes_out(markdown: str) -> None:
    for paragraph in note_of(markdown).paragraphs:
        markup = str(escape(paragraph))
        for ours in ("<em>", "</em>", "<strong>", "</strong>", '<span class="accent">', "</a>", "</span>"):
            markup = markup.replace(ours, "")
        while '<a href="' in markup:
            before, _, rest = markup.partition('<a href="')
            address, _, after = rest.partition('">')
            assert address.startswith(("http", "mailto:"))
            assert not set(address) & set("<>\"'")
            markup = before + after
        assert not set(markup) & set("<>")


@pytest.mark.parametrize("hostile", ["*a " * 1600, "[" * 5000, "[a](" * 1200, "**a*" * 1200, "\\" * 5000])
def test_a_hostile_note_takes_no_time(hostile: str) -> None:
    start = time.process_time()
    note_of(hostile)

    assert time.process_time() - start < 1
