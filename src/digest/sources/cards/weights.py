"""The numbers by which the detector decides which group of links on a page is its list of articles.

Each number says what it means and which pages in `tests/data/listings` pin it: move the number far
enough and one of these is the first to be read wrongly.  Numbers without such a page are reasoned, not
measured.  `tests/score_listings.py` scores a changed table over all these pages and shows how far each
number can move; a test fails where the pages named here are not those that go wrong first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a weight comes from: what it means, and the fixtures that pin it."""

    meaning: str
    pinned_by: tuple[str, ...] = ()


def _weight(value: float, meaning: str, *pinned_by: str) -> Any:
    return field(default=value, metadata={"provenance": Provenance(meaning, pinned_by)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The weights of the listing detector; the defaults are those in use.

    `sign_…` is multiplied by the share of a group's cards (0 to 1) that show the sign; the sum is the
    group's evidence.  The other numbers are added to the evidence, or it is compared with them.
    """

    sign_dated: float = _weight(2.5, "the card has a date of publication", "news_table_pairs", "none_docs")
    sign_date_in_url: float = _weight(0.5, "the path names a day: /2024/05/01/title", "full_posts")
    sign_author: float = _weight(1.0, "the card names an author", "news_table_pairs")
    sign_reading_time: float = _weight(
        1.5, "the card says how many minutes the article takes to read", "relative_dates"
    )
    sign_headline: float = _weight(
        1.0, "the card has a heading, or its link is inside one", "link_blog", "none_shop"
    )
    sign_teaser: float = _weight(
        1.0,
        "the card has a teaser, or text long enough to make a title from",
        "read_more_only",
        "scrolling_copies",
        "none_docs",
    )
    sign_read_more: float = _weight(
        1.5, "the card has a link such as Read more", "read_more_only", "date_headers"
    )
    sign_image: float = _weight(0.4, "the card has an image", "scrolling_copies", "none_shop")
    sign_tags: float = _weight(0.3, "the card has tags", "collection_items")
    sign_article_name: float = _weight(
        1.0, "the card is an <article>, or its class or type says so", "h_entry", "none_one_article"
    )
    sign_slug: float = _weight(
        0.7,
        "the last part of the address reads like a headline",
        "news_table_pairs",
        "none_docs",
        "none_shop",
    )
    sign_blog_url: float = _weight(
        1.0, "the path has a part such as /blog/, or continues the page's own path", "named_list", "none_shop"
    )
    sign_below_blog: float = _weight(
        1.0, "the page's path ends in /blog/ or the like, and the link continues it", "line_breaks"
    )
    sign_title_is_link: float = _weight(
        0.6,
        "the text of the link is the title",
        "news_table_pairs",
        "h_entry",
    )
    sign_named_list: float = _weight(
        2.0, "the heading above says Blog, All posts or a year; own links only", "named_list"
    )
    sign_unlikely_url: float = _weight(-2.5, "the path says product, manual or team", "none_shop")
    sign_other_site: float = _weight(
        -1.0, "the link leads to another site", "news_table_pairs", "docusaurus_blog"
    )
    sign_other_site_undated: float = _weight(
        -1.5, "it leads to another site, and the card has no date", "none_named_resources"
    )
    sign_endless_title: float = _weight(-1.5, "the title is too long for a headline")

    long_titles: float = _weight(
        0.7, "added where the median title has four words or more", "read_more_only", "scrolling_copies"
    )
    menu_like: float = _weight(
        -1.2, "added where it has one or two, outside dated headings and named lists", "h_entry"
    )
    empty_cards: float = _weight(-1.5, "added where many cards have neither title nor text")
    inside_long_text: float = _weight(
        -2.0, "added where undated cards are in a text longer than they are", "none_one_article"
    )
    size: float = _weight(
        0.6, "times log2(cards + 1), added to the evidence when lists are compared", "date_headers"
    )

    # A dated headline has about 6, an undated teaser with "Read more" about 5,
    # a tile "Fast. Learn more" about 2, a menu under 1.
    enough: float = _weight(
        3.5, "the least evidence of a list of articles", "none_docs", "none_shop", "news_table_pairs"
    )
    lone_card: float = _weight(1.5, "how much more a group of one card needs", "none_docs", "lone_card")
    joined_alike: float = _weight(
        -1.0, "how much more a group with similar addresses needs to join the list", "hero_and_grid"
    )
    joined_unlike: float = _weight(
        1.0, "how much more other dated groups, and undated ones of a dated list, need"
    )
    mostly_dated: float = _weight(0.5, "the share of dated cards from which a group counts as dated")
    nearly_all_dated: float = _weight(
        0.8,
        "the same for changelogs, and for groups with other addresses",
        "none_docs",
        "changelog",
        "posts_on_one_page",
    )
    dated_slack: float = _weight(0.1, "how much less dated a wider group may be that replaces a dated list")
    alike: float = _weight(
        0.6, "the share of addresses shaped like the list's that makes a group similar", "hero_and_grid"
    )
    undated_are_tiles: float = _weight(0.6, "the share of dated cards from which undated ones are left out")

    def provenance(self) -> Iterator[tuple[str, float, Provenance]]:
        """Every weight by name, with its value here and where it comes from."""
        for entry in fields(self):
            yield entry.name, getattr(self, entry.name), entry.metadata["provenance"]


WEIGHTS = Weights()
