"""Every issue we know how to render passes its own pre-flight, as the wire carries it."""

from __future__ import annotations

import pytest

from data.issues import NAMES, NONCE, NOW, SITE, UNSUBSCRIBE_URL, Example, example, of_teasers, teaser
from digest.checks import Facts, Finding, Severity, run
from digest.message.compile import MessageFacts, compile_message
from digest.message.parse import parse
from digest.message.splice import message_bytes
from digest.model.article import Image
from digest.model.delivery import DeliveryId, Envelope


def findings(issue: Example) -> tuple[Finding, ...]:
    """Rendered, compiled, spliced for one recipient, parsed back, checked."""
    newsletter = issue.newsletter
    compiled = compile_message(
        issue.rendered(),
        MessageFacts(
            issue_ref="weekly/41",
            sender=newsletter.sender,
            list_name=newsletter.title,
            list_id="weekly.news.lockstep.example",
            feedback_id="41:weekly:newsletter:lockst",
            language=newsletter.language,
        ),
    )
    envelope = Envelope(
        delivery_id=DeliveryId(1),
        address="sam@reader.example",
        name="Sam Reader",
        return_path="bounce@news.lockstep.example",
        message_id="41.abc@news.lockstep.example",
        unsubscribe_url=UNSUBSCRIBE_URL,
        date=NOW,
    )
    facts = Facts(
        site=SITE,
        newsletter=newsletter,
        layout=issue.layout,
        earlier_subjects=("An earlier one",),
        nonce=NONCE,
        audience_count=1,
        dkim=True,
        unsubscribe_url=UNSUBSCRIBE_URL,
        note=issue.note,
    )
    return run(parse(message_bytes(compiled, envelope)), facts)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_blocks_an_honest_issue(name: str) -> None:
    failed = [finding for finding in findings(example(name)) if not finding.passed]

    assert [finding for finding in failed if finding.severity is Severity.BLOCK] == []
    assert {finding.id for finding in failed} <= {"subject", "empty"}


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

    assert [
        finding for finding in findings(issue) if finding.severity is Severity.BLOCK and not finding.passed
    ] == []
