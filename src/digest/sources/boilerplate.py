"""Finds the boilerplate of a page: navigation, footers, sidebars, widgets, comments.

No article is searched for there.  An element is judged by its tag and role, by
the words in its class and id, and by the heading above it ("Related posts").
"""

from __future__ import annotations

import re

from digest.sources.page_tree import HEADINGS, Element, Page

_ROLES = frozenset(
    {"navigation", "contentinfo", "complementary", "search", "menu", "menubar", "dialog", "tablist"}
)
# Whole class or id names, with any prefix or suffix that themes add behind - or _.
_NAMES = re.compile(
    r"^(?:(?:site|page|main|global|primary|secondary|top|bottom|header|footer|post|blog|js|c|l|o|m"
    r"|u)[-_]+)*(?:nav|navbar|navigation|topnav|subnav|sidenav|menu|submenu|dropdown(?:[-_]?menu)?|megamenu"
    r"|offcanvas|breadcrumbs?|pagination|pager|paginator|paginate|page[-_]?numbers|sidebars?|aside"
    r"|widget[-_]area|tag[-_]?cloud|tag[-_]?list|tags[-_]?list|categories[-_]list|category[-_]list|shar(?:e"
    r"|ing)(?:[-_](?:buttons?|links?|bar))?|social(?:s|[-_](?:links?|icons?|media|share|nav))?"
    r"|cookies?(?:[-_](?:banner|notice|consent))?|gdpr|comments?(?:[-_](?:area|list|section))?|toc"
    r"|table[-_]of[-_]contents|related(?:[-_](?:posts?|articles?|content|stories|reading))?"
    r"|recent[-_]comments|you[-_]may[-_](?:also[-_])?like|lang(?:uage)?s?(?:[-_](?:switcher|selector|picker"
    r"|menu|list))|skip[-_](?:link|to[-_]content)|search(?:[-_](?:form|box|bar))|newsletter(?:[-_](?:form"
    r"|signup|box|cta))|signup(?:[-_]form)?|subscribe(?:[-_](?:form|box|cta))?|advert(?:isement)?s?"
    r"|sponsors?|author[-_](?:box|list|bio)|authors[-_]list|contributors|blogroll|archive[-_](?:widget"
    r"|links)|site[-_]?(?:footer|header|info)|colophon|masthead"
    r"|page[-_]?footer|global[-_]?footer)$",
    re.IGNORECASE,
)
# Mostly a widget beside the list; sometimes, if there is nothing else, the list itself.
_SOFT_NAMES = re.compile(
    r"^(?:[a-z]+[-_]+){0,2}(?:widgets?|recent[-_]?(?:posts?|articles?)|latest[-_]?posts?"
    r"|popular(?:[-_]?(?:posts?|articles?))?|trending"
    r"|most[-_](?:read|popular)|recommended|recommendations|promo)$",
    re.IGNORECASE,
)
_ASIDE_HEADINGS = re.compile(
    r"^\W*(?:related (?:posts?|articles?|content|reading|stories|resources)|you (?:may|might) also (?:like"
    r"|enjoy|be interested).*|recommended(?: (?:for you|posts?|articles?|reading))?|popular(?: (?:posts?"
    r"|articles?|stories|now))?|most (?:read|popular|viewed)(?: .{0,20})?|trending(?: .{0,20})?"
    r"|(?:upcoming|past|next) (?:events|meetups|conferences|releases)|downloads?|(?:our )?(?:sponsors"
    r"|partners)|jobs|open positions|recent comments|categories|tags|topics|follow us|blogroll"
    r"|authors|our authors|ähnliche (?:artikel|beiträge)|verwandte (?:artikel|beiträge)|meistgelesen"
    r"|neueste (?:kommentare)|kategorien"
    r"|schlagw[öo]rter|articles (?:similaires|liés|populaires)|catégories|artículos relacionados"
    r"|entradas relacionadas|categorías|etiquetas|articoli (?:correlati|popolari)"
    r"|categorie|gerelateerde (?:artikelen|berichten)|artigos relacionados)\W*$",
    re.IGNORECASE,
)


def boilerplate_flags(page: Page, *, soft: bool = True) -> bytearray:
    """A flag for every element: 1 inside boilerplate; with `soft` also inside "latest posts" boxes."""
    flags = bytearray(len(page.elements))
    card_parts = _repeated_parts(page)
    for element in page.elements:
        if flags[element.index]:
            continue
        if _is_boilerplate(page, element, card_parts) or (soft and _is_soft(page, element)):
            flags[element.index : element.end] = b"\x01" * (element.end - element.index)
    for element in page.elements:
        if element.tag in HEADINGS and element.tag != "h1" and not flags[element.index]:
            _flag_section_under(page, element, flags)
    return flags


def _is_boilerplate(page: Page, element: Element, card_parts: set[int]) -> bool:
    tag = element.tag
    if tag in {"html", "body", "main", "article"}:
        return False
    if tag in {"nav", "form", "dialog", "select", "menu"}:
        return not (tag == "form" and _holds_the_content(page, element))
    role = element.attributes.get("role", "").lower()
    if role in _ROLES:
        return True
    if tag == "aside":
        return not (element.words() & {"featured", "hero"} or _holds_the_content(page, element))
    if tag == "footer":
        return element.index not in card_parts and not _is_in_card(element)
    if tag == "header":
        return element.index not in card_parts and not _is_in_card(element) and _is_site_header(page, element)
    if element.attributes and any(_NAMES.match(name) for name in element.label.split()):
        return not _holds_the_content(page, element)
    return _is_named_page_part(element) and element.index not in card_parts and not _is_in_card(element)


def _is_soft(page: Page, element: Element) -> bool:
    if element.tag in {"html", "body", "main", "article", "a"} or not element.attributes:
        return False
    return any(_SOFT_NAMES.match(name) for name in element.label.split()) and not _holds_the_content(
        page, element
    )


def _is_named_page_part(element: Element) -> bool:
    """`<div class="footer">`: it belongs to the page if it is the only one of its kind."""
    return any(name.lower() in {"footer", "header", "page-header"} for name in element.label.split()) and (
        element.tag == "div" and (element.depth <= 4)
    )


def _holds_the_content(page: Page, element: Element) -> bool:
    """Whether an element is named like a widget but still holds the page's content."""
    inside = page.elements[element.index : element.end]
    if any(e.tag == "main" or e.attributes.get("role") == "main" for e in inside):
        return True
    return (element.text_end - element.text_start) > 0.7 * max(len(page.pieces), 1)


def _repeated_parts(page: Page) -> set[int]:
    """Headers and footers that are repeated at the same position: those of cards, not of the page."""
    groups: dict[tuple[str, int, str], list[int]] = {}
    for element in page.elements:
        names = element.label.lower().split()
        kind = (
            element.tag
            if element.tag in {"header", "footer"}
            else next((n for n in names if n in {"footer", "header"}), "")
        )
        if kind:
            above = element.parent.tag if element.parent else ""
            groups.setdefault((kind, element.depth, above), []).append(element.index)
    return {place for group in groups.values() if len(group) > 1 for place in group}


def _is_in_card(element: Element) -> bool:
    return any(a.tag in {"article", "li", "td"} for a in element.ancestors())


def _is_site_header(page: Page, element: Element) -> bool:
    if element.attributes.get("role") == "banner":
        return True
    if any(a.tag in {"main", "section"} for a in element.ancestors()):
        return False
    inside = page.elements[element.index : element.end]
    headlines = [
        e for e in inside if e.tag in HEADINGS and any(c.tag == "a" for c in page.elements[e.index : e.end])
    ]
    return (
        any(e.tag == "nav" for e in inside) or len(headlines) < 1 or not any(e.tag == "time" for e in inside)
    )


def _flag_section_under(page: Page, heading: Element, flags: bytearray) -> None:
    """A heading like "Related posts" makes the box it opens, or what follows it, boilerplate."""
    text = page.text_of(heading)
    if len(text) > 50 or not _ASIDE_HEADINGS.match(text):
        return
    box = _box_opened_by(page, heading)
    if box is not None:
        flags[box.index : box.end] = b"\x01" * (box.end - box.index)
        return
    for sibling in heading.parent.children if heading.parent else []:
        if sibling.index <= heading.index:
            continue
        if sibling.tag in HEADINGS and sibling.tag <= heading.tag:
            break
        flags[sibling.index : sibling.end] = b"\x01" * (sibling.end - sibling.index)


def _box_opened_by(page: Page, heading: Element) -> Element | None:
    """The nearest section-like element that begins with this heading and holds no other one of its rank."""
    child, box = heading, heading.parent
    while box is not None and box.tag not in {"body", "main", "html", "article"}:
        if any(page.text(box.text_start, child.text_start)):
            return None
        others = [e for e in page.elements[box.index : box.end] if e.tag == heading.tag and e is not heading]
        links = sum(1 for e in page.elements[box.index : box.end] if e.tag == "a" and not heading.holds(e))
        if links:
            return None if others and box.tag not in {"section", "aside"} and _mixed(page, others) else box
        child, box = box, box.parent
    return None


def _mixed(page: Page, headings: list[Element]) -> bool:
    """Whether other section titles (not those of cards: they hold links) are in the same box."""
    return any(not any(c.tag == "a" for c in page.elements[h.index : h.end]) for h in headings)
