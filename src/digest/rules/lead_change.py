"""Adapts a story to its place: the lead shows more of its text than a card, and a larger image.

An edit that makes another story the lead changes two places.  Only text that was cut from
the source is cut again; an editor's own words stay as written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from digest.model.article import Article, ArticleId, Image
from digest.model.issue import Layout, SourceValue, Teaser, TeaserField
from digest.rules.cleaning import teaser_of
from digest.rules.layout import CARD_TEXT, LEAD_TEXT
from digest.rules.pictures import printed_image


def promoted_or_demoted(before: Layout, after: Layout) -> frozenset[ArticleId]:
    """The stories that became or ceased to be the lead, or that are new in the issue."""
    led, leads = before.lead and before.lead.article_id, after.lead and after.lead.article_id
    came = {t.article_id for t in after.teasers} - {t.article_id for t in before.teasers}
    other = {led, leads} if led != leads else set()
    return frozenset(t.article_id for t in after.teasers if t.article_id in came | other)


def fit_to_place(
    before: Layout,
    after: Layout,
    *,
    known: Mapping[ArticleId, Article],
    copies: Mapping[ArticleId, Image],
) -> Layout:
    """`after`, with each moved story's text cut for its new place and a new lead's image from `copies`.

    A source that has changed its text since then changes nothing: only a text that is the
    beginning of what the article says now is cut again.
    """
    stories = promoted_or_demoted(before, after)

    def fit(teaser: Teaser, *, leads: bool) -> Teaser:
        article = known.get(teaser.article_id)
        if teaser.article_id not in stories or article is None:
            return teaser
        teaser = _with_text(teaser, article, leads=leads)
        copy = copies.get(teaser.article_id) if leads else None
        return _with_copy(teaser, copy) if copy else teaser

    return Layout(
        lead=fit(after.lead, leads=True) if after.lead else None,
        sections=tuple(
            replace(section, teasers=tuple(fit(teaser, leads=False) for teaser in section.teasers))
            for section in after.sections
        ),
    )


def needs_lead_image(teaser: Teaser, article: Article) -> Image | None:
    """The source's image, if the teaser shows a small copy of it; None otherwise."""
    if teaser.image is None or TeaserField.IMAGE in teaser.edited:
        return None
    source = printed_image(article.image, url=article.url, headline=article.title)
    return source if source and source.url != teaser.image.url else None


def _with_text(teaser: Teaser, article: Article, *, leads: bool) -> Teaser:
    if not article.teaser:
        return teaser
    limit, other = (LEAD_TEXT, CARD_TEXT) if leads else (CARD_TEXT, LEAD_TEXT)
    cut_before = teaser_of(article.teaser, limit=other)
    cut_now = teaser_of(article.teaser, limit=limit)
    if TeaserField.TEXT not in teaser.edited:
        return replace(teaser, text=cut_now) if teaser.text == cut_before else teaser

    def refit(said: SourceValue) -> SourceValue:
        is_cut = said.field is TeaserField.TEXT and said.text == cut_before
        return replace(said, text=cut_now) if is_cut else said

    # “Reset to source” restores the text cut for the new place.
    return replace(teaser, said=tuple(map(refit, teaser.said)))


def _with_copy(teaser: Teaser, copy: Image) -> Teaser:
    if teaser.image is None or TeaserField.IMAGE in teaser.edited:
        return teaser
    return replace(teaser, image=replace(copy, alt=teaser.image.alt))
