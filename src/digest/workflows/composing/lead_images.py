"""Prepares lead-sized image copies before an edit's transaction starts, so it never waits for the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from digest.errors import NotAllowed
from digest.model.article import ArticleId, Image
from digest.model.edit import Clash, Edit
from digest.model.issue import Content, Issue, Layout, Teaser
from digest.model.newsletter import Newsletter
from digest.rules import editing
from digest.rules.lead_change import needs_lead_image, promoted_or_demoted
from digest.rules.pictures import LEAD, ImageRequest
from digest.storage import articles
from digest.storage.database import Database
from digest.workflows.composing.images import ChooseImages


def copies_for_leads(
    issue: Issue,
    edits: Sequence[Edit],
    newsletter: Newsletter,
    *,
    database: Database,
    choose_images: ChooseImages | None,
) -> Mapping[ArticleId, Image]:
    """A lead-sized copy for each story that becomes the lead with an image copied for a card.

    The edits are tried on the issue as it was read.  If another editor is faster, or
    the original image is gone, a lead may keep the copy it has.
    """
    if choose_images is None:
        return {}
    leads = _new_leads(issue.content, edits)
    if not leads:
        return {}
    with database.read() as connection:
        known = articles.by_ids(connection, leads)
    sources = {spec.key: spec for spec in newsletter.sources}
    copies = {}
    for article in known:
        picture = needs_lead_image(leads[article.id], article)
        if picture is None or article.source not in sources:
            continue
        alone = Layout(lead=replace(leads[article.id], image=picture))
        made = choose_images(alone, {article.id: sources[article.source]}).get(ImageRequest(picture, LEAD))
        # If the original is gone, the present copy stays.
        if made is not None and made.image is not None:
            copies[article.id] = made.image
    return copies


def _new_leads(content: Content, edits: Sequence[Edit]) -> dict[ArticleId, Teaser]:
    found = {}
    for edit in edits:
        try:
            after = editing.apply(edit, content)
        except NotAllowed:
            break
        if isinstance(after, Clash):
            break
        lead = after.layout.lead
        if lead is not None and lead.article_id in promoted_or_demoted(content.layout, after.layout):
            found[lead.article_id] = lead
        content = after
    return found
