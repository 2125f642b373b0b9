"""A message in which every check finds everything in order, to be broken one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from data.issues import NEWSLETTER, NONCE, SITE, UNSUBSCRIBE_URL, teaser
from digest.checks import Facts, Finding, run
from digest.message.parse import ParsedMessage, PartFacts
from digest.model.issue import Layout, Section

STORIES = tuple(teaser(number) for number in (1, 2, 3))
LAYOUT = Layout(lead=STORIES[0], sections=(Section(title="More", teasers=STORIES[1:]),))

HEADERS = (
    ("From", "Lockstep Engineering <digest@news.lockstep.example>"),
    ("To", "sam@reader.example"),
    ("Date", "Tue, 06 Oct 2026 07:00:00 +0000"),
    ("Message-ID", "<41.abc@news.lockstep.example>"),
    ("Subject", "Three stories · Lockstep Engineering 41"),
    ("MIME-Version", "1.0"),
    ("Content-Type", 'multipart/alternative; boundary="=_1"'),
    ("List-ID", "Lockstep Engineering <weekly.news.lockstep.example>"),
    ("List-Unsubscribe", f"<{UNSUBSCRIBE_URL}>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("Auto-Submitted", "auto-generated"),
    ("Precedence", "bulk"),
)

PREHEADER = "What else is in the issue, in forty characters or some more"
CARDS = "".join(
    f'<h2><a href="{story.url}">{story.headline}</a></h2><p>{story.text}</p>'
    f'<a href="{story.url}" aria-hidden="true">'
    f'<img src="https://img.lockstep.example/{story.article_id}.png" alt="" width="160" height="90"></a>'
    for story in STORIES
)
HTML = f"""<!DOCTYPE html>
<html lang="en" dir="ltr"><head><title>x</title>
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark"><style>
@media (max-width:599px){{.a{{color:red !important}}}}
@media (prefers-color-scheme:dark){{.b{{color:#EEEEEE !important}}}}
[data-ogsc] .b{{color:#EEEEEE !important}}
</style></head><body><div lang="en" dir="ltr">
<div style="display:none;color:#34383B">{PREHEADER}&#847;&zwnj;&nbsp;</div>
<table role="presentation"><tr><td><h1>Lockstep Engineering</h1></td></tr></table>
{CARDS}
<p><a href="{UNSUBSCRIBE_URL}">Unsubscribe</a> {SITE.postal_address}</p>
</div></body></html>
"""
TEXT = "\n\n".join(f"{s.article_id}. {s.headline}\n   {s.text}\n   {s.url}" for s in STORIES)
TEXT += f"\n\n-- \nUnsubscribe:\n{UNSUBSCRIBE_URL}\n\n{SITE.postal_address}\n"

MESSAGE = ParsedMessage(
    raw=b"\r\n".join(f"{name}: {value}".encode() for name, value in HEADERS) + b"\r\n\r\n",
    headers=HEADERS,
    raw_headers=tuple((name, f"{name}: {value}".encode()) for name, value in HEADERS),
    subject=dict(HEADERS)["Subject"],
    sender_name="Lockstep Engineering",
    sender_address="digest@news.lockstep.example",
    text=TEXT,
    html=HTML,
    parts=tuple(
        PartFacts(
            content_type=kind,
            charset="utf-8",
            encoding="quoted-printable",
            longest_line=76,
            has_bare_newline=False,
        )
        for kind in ("text/plain", "text/html")
    ),
)

FACTS = Facts(
    site=SITE,
    newsletter=NEWSLETTER,
    layout=LAYOUT,
    earlier_subjects=("Two stories · Lockstep Engineering 40",),
    nonce=NONCE,
    audience_count=1,
    dkim=True,
    unsubscribe_url=UNSUBSCRIBE_URL,
)


def with_header(name: str, value: str | None) -> ParsedMessage:
    """With that header set to a value, or taken out."""
    kept = tuple(header for header in HEADERS if header[0].lower() != name.lower())
    return with_headers(*kept, *(((name, value),) if value is not None else ()))


def with_headers(*headers: tuple[str, str]) -> ParsedMessage:
    raw = tuple((name, f"{name}: {value}".encode()) for name, value in headers)
    return replace(MESSAGE, headers=headers, raw_headers=raw)


def with_html(old: str, new: str) -> ParsedMessage:
    assert old in HTML
    return replace(MESSAGE, html=HTML.replace(old, new))


def findings(check: str, message: ParsedMessage = MESSAGE, **facts: Any) -> list[Finding]:
    """What that check says that is not “all is well”."""
    return [
        finding
        for finding in run(message, replace(FACTS, **facts))
        if finding.id == check and not finding.passed
    ]


def severities(check: str, message: ParsedMessage = MESSAGE, **facts: Any) -> set[str]:
    return {str(finding.severity) for finding in findings(check, message, **facts)}
