"""What a page really uses: for each feature a page that does, and its words where they are only words."""

from __future__ import annotations

import html as markup

import pytest

from digest.checks.features import FEATURES, used

# By slug: what uses it.  `a: b` stands in a style attribute, `{` in a style sheet, the rest in the body.
USES = {
    "css-at-media-prefers-color-scheme": "@media (prefers-color-scheme:dark){p{color:red}}",
    "css-at-media": "@media (max-width:9px){p{color:red}}",
    "html-style": "p{color:red}",
    "css-at-media-prefers-reduced-motion": "@media (prefers-reduced-motion){p{color:red}}",
    "css-at-media-orientation": "@media (orientation:portrait){p{color:red}}",
    "css-at-media-hover": "@media (any-hover:hover){p{color:red}}",
    "css-at-media-device-pixel-ratio": "@media (-webkit-min-device-pixel-ratio:2){p{color:red}}",
    "css-at-supports": "@supports (display:grid){p{color:red}}",
    "css-at-import": '@import "a.css"; p{color:red}',
    "css-at-font-face": "@font-face{font-family:x;src:url(x.woff2)}",
    "css-at-keyframes": "@keyframes x{from{color:red}}",
    "css-animation": "animation: x 1s",
    "css-transition": "transition: color 1s",
    "css-nesting": "p{color:red;&:hover{color:blue}}",
    "css-border-radius": "border-top-left-radius: 4px",
    "css-border-radius-logical": "border-start-end-radius: 4px",
    "css-border-image": "border-image: url(a.png) 3",
    "css-border-inline-block": "border-inline: 1px solid red",
    "css-border-inline-block-individual": "border-block-end: 1px solid red",
    "css-border-spacing": "border-spacing: 4px",
    "css-box-shadow": "box-shadow: 0 1px 2px #000",
    "css-box-sizing": "box-sizing: border-box",
    "css-outline": "outline: 1px solid red",
    "css-outline-offset": "outline-offset: 2px",
    "css-opacity": "opacity: .5",
    "css-clip-path": "clip-path: circle(4px)",
    "css-mask-image": "mask-image: url(a.png)",
    "css-filter": "filter: grayscale(1)",
    "css-backdrop-filter": "backdrop-filter: blur(4px)",
    "css-mix-blend-mode": "mix-blend-mode: multiply",
    "css-transform": "transform: rotate(4deg)",
    "css-visibility": "visibility: hidden",
    "css-display-none": "display: none",
    "css-overflow": "overflow: hidden",
    "css-max-height": "max-height: 9px",
    "css-min-height": "min-height: 9px",
    "css-min-width": "min-width: 9px",
    "css-aspect-ratio": "aspect-ratio: 16/9",
    "css-block-inline-size": "inline-size: 9px",
    "css-max-inline-size": "max-inline-size: 9px",
    "css-max-block-size": "max-block-size: 9px",
    "css-min-inline-size": "min-inline-size: 9px",
    "css-min-block-size": "min-block-size: 9px",
    "css-intrinsic-size": "width: fit-content",
    "css-margin": "margin: 0 -9px",
    "css-margin-inline-block": "margin-inline: 9px",
    "css-margin-inline-start-end": "margin-inline-start: 9px",
    "css-margin-block-start-end": "margin-block-end: 9px",
    "css-padding-inline-block": "padding-block: 9px",
    "css-padding-inline-start-end": "padding-inline-end: 9px",
    "css-padding-block-start-end": "padding-block-start: 9px",
    "css-display-flex": "display: inline-flex",
    "css-display-grid": "display: grid",
    "css-grid-template": "grid-template-columns: 1fr 1fr",
    "css-gap": "gap: 9px",
    "css-align-items": "align-items: center",
    "css-justify-content": "justify-content: center",
    "css-flex-direction": "flex-direction: column",
    "css-flex-wrap": "flex-wrap: wrap",
    "css-float": "float: left",
    "css-clear": "clear: both",
    "css-position": "position: absolute",
    "css-left-right-top-bottom": "top: 9px",
    "css-inset": "inset: 9px",
    "css-z-index": "z-index: 9",
    "css-column-count": "column-count: 2",
    "css-writing-mode": "writing-mode: vertical-rl",
    "css-table-layout": "table-layout: fixed",
    "css-object-fit": "object-fit: cover",
    "css-object-position": "object-position: left",
    "css-shape-outside": "shape-outside: circle(4px)",
    "css-background-image": "background: red url(a.png)",
    "css-background-size": "background-size: cover",
    "css-background-position": "background-position: center",
    "css-background-clip": "background-clip: text",
    "css-background-blend-mode": "background-blend-mode: multiply",
    "css-linear-gradient": "background: linear-gradient(red, blue)",
    "css-radial-gradient": "background: radial-gradient(red, blue)",
    "css-conic-gradient": "background: conic-gradient(red, blue)",
    "css-rgba": "color: rgba(0, 0, 0, .5)",
    "css-rgb": "color: rgb(0 128 0)",
    "css-modern-color": "color: oklch(50% 0 0)",
    "css-function-light-dark": "color: light-dark(red, blue)",
    "css-accent-color": "accent-color: red",
    "css-variables": "color: var(--ink)",
    "css-unit-calc": "width: calc(9px + 1px)",
    "css-function-clamp": "width: clamp(1px, 2px, 3px)",
    "css-function-min": "width: min(1px, 2px)",
    "css-function-max": "width: max(1px, 2px)",
    "css-unit-rem": "font-size: 1.5rem",
    "css-unit-ch": "width: 60ch",
    "css-unit-vh": "height: .5vh",
    "css-unit-vw": "width: 50vw",
    "css-unit-vmin": "width: 50vmin",
    "css-unit-vmax": "width: 50vmax",
    "css-text-shadow": "text-shadow: 1px 1px red",
    "css-text-overflow": "text-overflow: ellipsis",
    "css-text-underline-offset": "text-underline-offset: 2px",
    "css-text-decoration-thickness": "text-decoration-thickness: 2px",
    "css-text-decoration-color": "text-decoration-color: red",
    "css-text-decoration-style": "text-decoration-style: dotted",
    "css-text-decoration-skip-ink": "text-decoration-skip-ink: none",
    "css-text-emphasis": "text-emphasis: dot",
    "css-text-indent": "text-indent: -9px",
    "css-text-transform": "text-transform: lowercase",
    "css-text-align-last": "text-align-last: center",
    "css-text-justify": "text-justify: inter-word",
    "css-text-wrap": "text-wrap: balance",
    "css-hyphens": "hyphens: auto",
    "css-word-break": "word-break: break-word",
    "css-overflow-wrap": "overflow-wrap: anywhere",
    "css-white-space": "white-space: nowrap",
    "css-word-spacing": "word-spacing: 4px",
    "css-tab-size": "tab-size: 4",
    "css-font-kerning": "font-kerning: none; font-kerning: never",
    "css-font-stretch": "font-stretch: condensed",
    "css-font-size-adjust": "font-size-adjust: .5",
    "css-list-style-image": "list-style-image: url(a.png)",
    "css-list-style-position": "list-style-position: inside",
    "css-pseudo-class-hover": "p:hover{color:red}",
    "css-pseudo-class-active": "p:active{color:red}",
    "css-pseudo-class-focus": "p:focus{color:red}",
    "css-pseudo-class-visited": "p:visited{color:red}",
    "css-pseudo-class-checked": "p:checked{color:red}",
    "css-pseudo-class-has": "div:has(p){color:red}",
    "css-pseudo-class-not": "p:not(.x){color:red}",
    "css-pseudo-class-first-child": "p:first-child{color:red}",
    "css-pseudo-class-last-child": "p:last-child{color:red}",
    "css-pseudo-class-nth-child": "p:nth-child(odd){color:red}",
    "css-pseudo-class-nth-of-type": "p:nth-of-type(odd){color:red}",
    "css-pseudo-element-before": "p:before{color:red}",
    "css-pseudo-element-after": "p::after{color:red}",
    "css-pseudo-element-first-letter": "p::first-letter{color:red}",
    "css-pseudo-element-first-line": "p::first-line{color:red}",
    "css-pseudo-element-marker": "p::marker{color:red}",
    "html-video": "<video></video>",
    "html-audio": "<audio></audio>",
    "html-svg": "<svg></svg>",
    "html-picture": "<picture></picture>",
    "html-srcset": '<img srcset="a.png 2x">',
    "html-object": "<object></object>",
    "html-image-maps": '<img usemap="#m">',
    "html-background": '<table background="a.png"></table>',
    "html-form": "<form></form>",
    "html-input-text": "<input>",
    "html-input-checkbox": '<input type="checkbox">',
    "html-input-radio": '<input type="radio">',
    "html-input-submit": '<input type="submit">',
    "html-button-submit": "<button>x</button>",
    "html-select": "<select></select>",
    "html-textarea": "<textarea></textarea>",
    "html-semantics": "<section>x</section>",
    "html-dialog": "<dialog>x</dialog>",
    "html-meter": "<meter></meter>",
    "html-progress": "<progress></progress>",
    "html-marquee": "<marquee>x</marquee>",
    "html-ruby": "<ruby>x</ruby>",
    "html-wbr": "a<wbr>b",
    "html-bdi": "<bdi>x</bdi>",
    "html-abbr": '<abbr title="x">y</abbr>',
    "html-lists": "<ol reversed><li>x</li></ol>",
    "html-hidden": "<p hidden>x</p>",
    "html-popover": "<div popover>x</div>",
    "html-anchor-links": '<a href="#top">x</a>',
    "html-link": '<link rel="stylesheet" href="a.css">',
    "image-webp": '<img src="https://a.example/b.WEBP?w=9">',
    "image-avif": '<img src="https://a.example/b.avif">',
    "image-svg": '<img src="https://a.example/b.svg#x">',
    "image-heif": '<img src="https://a.example/b.heic">',
    "image-tiff": '<img src="https://a.example/b.tif">',
    "image-bmp": '<img src="https://a.example/b.bmp">',
    "image-ico": '<img src="https://a.example/b.ico">',
    "image-apng": '<img src="https://a.example/b.apng">',
    "image-mp4": '<img src="https://a.example/b.mp4">',
    "image-base64": '<img src="data:image/png;base64,AAAA">',
}


def page(inner: str) -> str:
    """A page that uses nothing, with this in it: a rule, declarations or elements."""
    sheet = attribute = body = ""
    if inner.startswith("<") or "<wbr>" in inner:
        body = inner
    elif "{" in inner:
        sheet = f"<style>{inner}</style>"
    else:
        attribute = f" style='{inner}'"
    return f"<html><head>{sheet}</head><body><div><p{attribute}>x</p>{body}</div></body></html>"


def slugs(html: str) -> set[str]:
    return {feature.slug for feature, _ in used(html)}


def test_every_feature_of_the_table_is_tried() -> None:
    assert sorted(USES) == sorted(feature.slug for feature in FEATURES)


@pytest.mark.parametrize("slug", USES)
def test_what_is_used_is_seen(slug: str) -> None:
    assert slug in slugs(page(USES[slug]))


@pytest.mark.parametrize("slug", USES)
def test_a_page_of_words_uses_nothing(slug: str) -> None:
    """An article about it, its headline in an attribute, and what is commented out."""
    words = markup.escape(USES[slug])

    assert slugs(page(f'<p title="{words}">{words} <b>{slug}</b></p><!-- {USES[slug]} -->')) == set()
    assert slugs(page(f"content: '{slug}'")) == set()


def test_a_plain_page_uses_nothing() -> None:
    assert slugs(page("")) == set()


@pytest.mark.parametrize(
    ("slug", "other"),
    [
        ("css-border-radius", "border-radius: 0"),
        ("css-border-radius", "-webkit-border-radius: 4px"),
        ("css-border-radius", ".other{border-radius:4px}"),
        ("css-border-radius", "/* p{border-radius:4px} */ p{color:red}"),
        ("css-border-radius", "@media (max-width:9px){p{border-radius:4px}}"),
        ("css-border-radius", "#outlook p{border-radius:4px}"),
        ("css-border-radius", "[data-ogsc] p{border-radius:4px}"),
        ("css-border-radius", "p:hover{border-radius:4px}"),
        ("css-border-radius", "display: none; border-radius: 4px"),
        ("css-border-radius", "content: 'a;border-radius:4px'"),
        ("css-display-flex", "display: block"),
        ("css-display-none", "display: inline"),
        ("css-position", "position: static"),
        ("css-margin", "margin: 0 9px"),
        ("css-margin", "margin: calc(9px-1px)"),
        ("css-text-indent", "text-indent: 9px"),
        ("css-text-transform", "text-transform: uppercase"),
        ("css-hyphens", "hyphens: none"),
        ("css-background-image", "background: red"),
        ("css-linear-gradient", "background: url(linear-gradient(x)"),
        ("css-rgb", "color: rgb(0, 128, 0)"),
        ("css-rgba", "color: rgb(0, 128, 0)"),
        ("css-unit-rem", "font-family: x1rem"),
        ("css-unit-rem", "background: url(1rem.png)"),
        ("css-unit-vh", "color: #11vh"),
        ("css-function-min", "width: -moz-min(1px)"),
        ("css-at-media-orientation", "@media (max-width:9px){p{color:red}}"),
        ("css-at-media-prefers-color-scheme", "@media print{p{color:red}}"),
        ("css-pseudo-class-hover", "p.hover{color:red}"),
        ("css-pseudo-class-hover", '[title=":hover"]{color:red}'),
        ("css-pseudo-class-focus", "p:focus-visible{color:red}"),
        ("css-pseudo-element-before", ".x::before{color:red}"),
        ("css-nesting", "p{color:red}"),
        ("html-input-text", '<input type="checkbox">'),
        ("html-anchor-links", '<a href="https://a.example/#top">x</a>'),
        ("html-anchor-links", '<a href="#">x</a>'),
        ("html-abbr", "<abbr>x</abbr>"),
        ("html-lists", "<ol><li>x</li></ol>"),
        ("html-background", '<table background=""></table>'),
        ("image-webp", '<img src="https://a.webp/b.png?as=webp">'),
        ("image-webp", '<a href="https://a.example/b.webp">x</a>'),
        ("image-avif", '<picture><source srcset="a.avif"><img src="a.png" srcset="b.avif 2x"></picture>'),
        ("image-base64", '<img src="https://a.example/data:image/png.png">'),
    ],
)
def test_what_only_looks_like_it_is_not(slug: str, other: str) -> None:
    assert slug not in slugs(page(other))


def test_a_picture_of_a_style_sheet_counts() -> None:
    assert "image-webp" in slugs(page('background: url("a.webp")'))
    assert "image-webp" in slugs(page("p{background:url(a.webp)}"))


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (".other, p", True),
        (".other, p:not(.x, .y)", True),
        (".other, b", False),
        ('[title="a,p"], b', False),
    ],
)
def test_a_rule_counts_where_one_of_its_selectors_fits(selectors: str, expected: bool) -> None:
    assert ("css-border-radius" in slugs(page(f"{selectors}{{border-radius:4px}}"))) is expected


def test_media_of_a_style_element_is_a_condition() -> None:
    html = '<style media="(min-width:9px)">p{border-radius:4px}</style><p>x</p>'

    assert slugs(html) == {"html-style", "css-at-media"}


def test_the_first_element_that_uses_it_is_the_place() -> None:
    html = '<p>a</p><b style="border-radius:4px">b</b><i style="border-radius:9px">c</i>'
    [(_, place)] = used(html)

    assert place is not None
    assert place.tag == "b"


@pytest.mark.parametrize(
    "sheet", ["{" * 5000, "}" * 5000, "(" * 5000, "p{" * 5000, "@media(x){" * 3000, "/*", "\\"]
)
def test_no_style_sheet_is_too_broken(sheet: str) -> None:
    slugs(f"<style>{sheet}</style><p style='{sheet}'>x</p>")
