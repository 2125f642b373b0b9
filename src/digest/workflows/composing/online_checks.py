"""The second half of the pre-flight check, which goes online or starts other programs.

It runs only on request; approving and sending never run it.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from digest.external_checks import PoliteClient, endpoint, images, links, spam
from digest.fetch import Fetcher
from digest.model.newsletter import Newsletter
from digest.workflows import ReportProgress, no_progress
from digest.workflows.composing import compose
from digest.workflows.composing.compose import Composer
from digest.workflows.composing.preflight import Report


def add_online_checks(
    report: Report, *, composer: Composer, fetcher: Fetcher, progress: ReportProgress = no_progress
) -> Report:
    """The report, extended by tests of the one-click endpoint and of the message's links and images."""
    web = PoliteClient(fetcher=fetcher, private_hosts=_private_hosts(composer.newsletter), tell=progress)
    # These work only once the issue is sent, or with a subscriber's own token; the probe tests the endpoint.
    leave = compose.sample_unsubscribe_url(composer)
    own = (leave, f"{leave}/preferences", compose.web_url(composer, report.issue))
    found = (
        *endpoint.judge(compose.probe_url(composer), fetcher=fetcher),
        *images.judge(report.message, web=web),
        *links.judge(report.message, web=web, leave_out=own),
    )
    return replace(report, findings=report.findings + found)


def add_spam_check(report: Report) -> Report:
    """The report with SpamAssassin's score, or with a note that it is not installed."""
    return replace(report, findings=report.findings + spam.judge(report.message.raw))


def _private_hosts(newsletter: Newsletter) -> frozenset[str]:
    """Hosts on this network that the settings allow a source to contact."""
    urls = [
        url
        for source in newsletter.sources
        if source.allow_private_addresses
        for url in (source.url, source.base_url)
    ]
    return frozenset(host for url in urls if (host := urlsplit(url).hostname))
