"""The printed order of an issue: the lead on top, then sections of teasers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from digest.model.article import Article
from digest.model.issue import Choice, Layout, Section, Teaser
from digest.model.newsletter import Policy, SourceSpec
from digest.rules.cleaning import teaser_of
from digest.rules.pictures import printed_image

# In characters; as much as a card holds without looking like an article.
LEAD_TEXT = 260
CARD_TEXT = 210


def lay_out(
    chosen: Sequence[Choice], *, policy: Policy, sources: Mapping[str, SourceSpec], language: str = ""
) -> Layout:
    """Turn the chosen articles into teasers, in the given order; the first one becomes the lead.

    An article goes into the section that its source names, or else into the first of the
    policy's sections that is among its tags.  Sections come in the policy's order, then in
    order of first appearance; articles without a section come first.
    """
    if not chosen:
        return Layout(lead=None)
    lead, *rest = chosen
    groups: dict[str, list[Teaser]] = {"": []}
    for title in policy.section_order:
        groups[title] = []
    for choice in rest:
        section = _section(choice.article, sources, policy)
        groups.setdefault(section, []).append(_teaser(choice, language, section="", limit=CARD_TEXT))
    return Layout(
        lead=_teaser(lead, language, section=_section(lead.article, sources, policy), limit=LEAD_TEXT),
        sections=tuple(Section(title=t, teasers=tuple(ts)) for t, ts in groups.items() if ts),
    )


def teaser_for(article: Article, *, language: str = "") -> Teaser:
    """The teaser of an article that an editor adds; `language` is the newsletter's."""
    choice = Choice(article=article, chosen=True, reason="added by an editor")
    return _teaser(choice, language, section="", limit=CARD_TEXT)


def _section(article: Article, sources: Mapping[str, SourceSpec], policy: Policy) -> str:
    source = sources.get(article.source)
    if source and source.section:
        return source.section
    tags = {tag.casefold() for tag in article.tags}
    return next((title for title in policy.section_order if title.casefold() in tags), "")


def _teaser(choice: Choice, language: str, *, section: str, limit: int) -> Teaser:
    article = choice.article
    return Teaser(
        article_id=article.id,
        url=article.url,
        headline=article.title,
        text=teaser_of(article.teaser, limit=limit) if article.teaser else "",
        image=printed_image(article.image, url=article.url, headline=article.title),
        author=article.author,
        minutes=article.minutes,
        published=article.published,
        topic=section or (article.tags[0] if article.tags else ""),
        language="" if article.language == language else article.language,
        featured=choice.is_featured,
    )
