"""The vocabulary of MJML 5.4: elements, their allowed children and attributes (documentation.mjml.io).

Tables only.  Omitted is what MRML rejects or what would reach outside the templates:
mj-html-attributes, mj-selector, mj-include (templates include each other with Jinja2).
"""

from __future__ import annotations

_PADDING = "padding padding-top padding-right padding-bottom padding-left"
_BORDER = "border border-top border-right border-bottom border-left border-radius"
_BACKGROUND = (
    "background-color background-url background-repeat background-size background-position "
    "background-position-x background-position-y"
)
_FONT = (
    "font-family font-size font-style font-weight letter-spacing line-height text-decoration text-transform"
)
_LINK = "href rel target name title"
_CONTAINER = f"container-background-color {_PADDING}"

_IN_COLUMN = frozenset(
    "mj-accordion mj-button mj-carousel mj-divider mj-image mj-navbar mj-raw mj-social mj-spacer mj-table "
    "mj-text".split()
)

# Elements that contain HTML (or CSS) instead of MJML.
HOLDS_HTML = frozenset(
    "mj-accordion-text mj-accordion-title mj-button mj-navbar-link "
    "mj-preview mj-raw mj-social-element mj-style "
    "mj-table mj-text mj-title".split()
)

CHILDREN: dict[str, frozenset[str]] = {
    "mjml": frozenset({"mj-head", "mj-body", "mj-raw"}),
    "mj-head": frozenset("mj-attributes mj-breakpoint mj-font mj-preview mj-raw mj-style mj-title".split()),
    "mj-body": frozenset({"mj-hero", "mj-raw", "mj-section", "mj-wrapper"}),
    "mj-wrapper": frozenset({"mj-hero", "mj-raw", "mj-section"}),
    "mj-section": frozenset({"mj-column", "mj-group", "mj-raw"}),
    "mj-group": frozenset({"mj-column", "mj-raw"}),
    "mj-column": _IN_COLUMN,
    "mj-hero": _IN_COLUMN,
    "mj-accordion": frozenset({"mj-accordion-element", "mj-raw"}),
    "mj-accordion-element": frozenset({"mj-accordion-text", "mj-accordion-title", "mj-raw"}),
    "mj-carousel": frozenset({"mj-carousel-image"}),
    "mj-navbar": frozenset({"mj-navbar-link", "mj-raw"}),
    "mj-social": frozenset({"mj-raw", "mj-social-element"}),
    **{
        name: frozenset()
        for name in (
            *sorted(HOLDS_HTML),
            "mj-all",
            "mj-breakpoint",
            "mj-carousel-image",
            "mj-class",
            "mj-divider",
            "mj-font",
            "mj-image",
            "mj-spacer",
        )
    },
}
CHILDREN["mj-attributes"] = frozenset(CHILDREN) - {"mjml", "mj-head"}

_OWN: dict[str, str] = {
    "mjml": "lang dir owa",
    "mj-all": "",
    "mj-attributes": "",
    "mj-class": "",
    "mj-head": "",
    "mj-breakpoint": "width",
    "mj-font": "href name",
    "mj-preview": "",
    "mj-raw": "position",
    "mj-style": "inline",
    "mj-title": "",
    "mj-body": "background-color id width",
    "mj-wrapper": f"{_BACKGROUND} {_BORDER} {_PADDING} direction full-width text-align",
    "mj-section": f"{_BACKGROUND} {_BORDER} {_PADDING} direction full-width text-align",
    "mj-group": "background-color direction vertical-align width",
    "mj-column": (
        f"background-color {_BORDER} {_PADDING} direction "
        "inner-background-color inner-border inner-border-bottom "
        "inner-border-left inner-border-radius inner-border-right inner-border-top vertical-align width"
    ),
    "mj-hero": (
        f"background-color background-height background-position background-url background-width {_PADDING} "
        "height inner-background-color inner-padding inner-padding-bottom inner-padding-left "
        "inner-padding-right inner-padding-top mode vertical-align width"
    ),
    "mj-text": f"{_FONT} {_CONTAINER} align color height vertical-align",
    "mj-button": (
        f"{_FONT} {_CONTAINER} {_BORDER} {_LINK} align background-color color "
        "height inner-padding text-align "
        "vertical-align width"
    ),
    "mj-image": (
        f"{_CONTAINER} {_BORDER} {_LINK} align alt fluid-on-mobile font-size "
        "height max-height sizes src srcset "
        "usemap width"
    ),
    "mj-divider": f"{_CONTAINER} align border-color border-style border-width width",
    "mj-spacer": f"{_CONTAINER} height vertical-align",
    "mj-table": (
        f"{_CONTAINER} align border cellpadding cellspacing color font-family font-size line-height role "
        "table-layout vertical-align width"
    ),
    "mj-accordion": (
        f"{_CONTAINER} border font-family icon-align icon-height icon-position "
        "icon-unwrapped-alt icon-unwrapped-url "
        "icon-width icon-wrapped-alt icon-wrapped-url"
    ),
    "mj-accordion-element": (
        "background-color border font-family icon-align icon-height icon-position icon-unwrapped-alt "
        "icon-unwrapped-url icon-width icon-wrapped-alt icon-wrapped-url"
    ),
    "mj-accordion-text": (
        f"{_PADDING} background-color color font-family font-size font-weight letter-spacing line-height"
    ),
    "mj-accordion-title": f"{_PADDING} background-color color font-family font-size",
    "mj-carousel": (
        f"{_CONTAINER} align border-radius icon-width left-icon right-icon tb-border tb-border-radius "
        "tb-hover-border-color tb-selected-border-color tb-width thumbnails"
    ),
    "mj-carousel-image": (
        "alt border-radius href rel src target tb-border tb-border-radius thumbnails-src title"
    ),
    "mj-navbar": (
        f"{_PADDING} align base-url hamburger ico-align ico-close ico-color "
        "ico-font-family ico-font-size ico-line-height ico-open "
        "ico-padding ico-padding-bottom ico-padding-left ico-padding-right "
        "ico-padding-top ico-text-decoration "
        "ico-text-transform"
    ),
    "mj-navbar-link": f"{_FONT} {_PADDING} color href name rel target",
    "mj-social": (
        f"{_CONTAINER} align border-radius color font-family font-size font-style font-weight icon-height "
        "icon-padding icon-size inner-padding line-height mode text-decoration text-padding vertical-align"
    ),
    "mj-social-element": (
        f"{_PADDING} {_LINK} align alt background-color border-radius color font-family font-size font-style "
        "font-weight icon-height icon-padding icon-size line-height src text-decoration text-padding "
        "vertical-align"
    ),
}

# MJML documents these, but MRML 6.0.1 produces the same mail with and without them (compared one by
# one).  They are rejected rather than silently lost, except `role` and the like, which no one misses.
WITHOUT_EFFECT: dict[str, frozenset[str]] = {
    name: frozenset(ignored.split())
    for name, ignored in {
        "mj-accordion-title": "font-weight",
        "mj-button": "title",
        "mj-hero": "border-radius",
        "mj-image": "border-bottom border-top sizes",
        "mj-section": "gutter text-padding",
        "mj-social": "border table-layout",
        "mj-social-element": "border icon-position sizes srcset",
        "mj-spacer": "border border-bottom border-left border-right border-top",
        "mj-table": "font-weight",
        "mj-text": "background-color",
        "mj-wrapper": "gap gutter text-padding",
    }.items()
}

ATTRIBUTES: dict[str, frozenset[str]] = {
    name: frozenset(own.split()) - WITHOUT_EFFECT.get(name, frozenset()) | {"css-class", "mj-class"}
    for name, own in _OWN.items()
}
# These set defaults of other elements, so they accept every attribute of any element.
ATTRIBUTES["mj-all"] = ATTRIBUTES["mj-class"] = frozenset().union(*ATTRIBUTES.values())
