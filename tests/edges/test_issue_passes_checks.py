"""Every issue we know how to render passes its own pre-flight, as the wire carries it."""

from __future__ import annotations

import re

import pytest

from data.issues import of_teasers, teaser
from data.issues.mailings import NAMES, Mailing, mailing, mailing_of
from digest.checks import Finding, Severity, run
from digest.model.article import Image


def findings(made: Mailing) -> tuple[Finding, ...]:
    return run(made.message, made.facts)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_blocks_an_honest_issue(name: str) -> None:
    failed = [finding for finding in findings(mailing(name)) if not finding.passed]

    assert [finding for finding in failed if finding.severity is Severity.BLOCK] == []
    assert {finding.id for finding in failed} <= {"subject", "empty", "room"}


@pytest.mark.parametrize("name", NAMES)
def test_no_mail_program_cuts_it(name: str) -> None:
    """Gmail clips at 102 KB of HTML and drops styles beyond 16 KB."""
    html = mailing(name).message.html
    styles = re.findall("<style[^>]*>(.*?)</style>", html, re.DOTALL)

    assert len(html.encode()) < 100_000
    assert 0 < len("".join(styles).encode()) < 16_000


@pytest.mark.parametrize(
    ("headline", "text"),
    [
        (
            "None of them is undefined",
            "There is a null, a None and an undefined in [[ brackets ]] and %% signs.",
        ),
        (
            "How {{ x }} works in Jinja",
            "Write {{ user.name }} or {% if x %} and it is filled in. {# so #} it is.",
        ),
        ("Here", "Read more"),
        ("READ MORE!!! FREE $$$", "&amp; &nbsp; is how HTML writes it."),
        ("What javascript: does", "Use <script>, onclick= and data:text/html."),
        (
            "Outlook reads <!--[if mso]><table>",
            "</div></td> and <![endif]--> end it; /* } */ <style>.",
        ),
        ("A lost l\ufffdtter", "From a page in the wrong charset: caf\ufffd."),
        ("x" * 300, "y " * 2000),
        ("Вот это да", "日本語 العربية עברית"),
    ],
)
def test_what_a_blog_may_write_can_be_sent(headline: str, text: str) -> None:
    """A check may ask for a look; it never stops an honest story."""
    picture = Image(
        url="http://img.lockstep.example/IMG_1234.webp", alt="IMG_1234.webp", width=4000, height=6000
    )
    issue = of_teasers(
        teaser(1, headline=headline, text=text, image=picture, url="http://blog.lockstep.example/a?b={{c}}"),
        teaser(2, headline=headline, text=text, author="-- ", topic="<b>", language="ar"),
    )
    found = findings(mailing_of(issue))

    assert [finding for finding in found if finding.severity is Severity.BLOCK and not finding.passed] == []
