"""Every page at the widths and in the schemes that people have: axe-core finds nothing serious."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from browser.conftest import Site, Visitor

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]

AXE = Path(__file__).parents[1] / "judges" / "node_modules" / "axe-core" / "axe.min.js"
# No frame of ours runs scripts, so none will ever answer: axe would wait half a second for it on each page.
RUN_AXE = "axe.run({ resultTypes: ['violations'], pingWaitTime: 20 })"
ISSUE = "/desk/weekly/1"
MAIN = ("/desk", ISSUE, f"{ISSUE}?part=outline", f"{ISSUE}?part=checks", f"{ISSUE}?open=edit&story=1")
PAGES = (
    "/desk",
    ISSUE,
    f"{ISSUE}?part=outline",
    f"{ISSUE}?part=checks",
    *(f"{ISSUE}?open={panel}" for panel in ("approve", "proof", "share", "history", "cancel", "keys")),
    f"{ISSUE}?open=edit&story=1&part=outline",
    f"{ISSUE}?open=out&story=1",
    *(f"{ISSUE}?view={view}" for view in ("inbox", "text", "source", "headers", "links")),
    f"{ISSUE}?width=375&scheme=dark",
    f"{ISSUE}?q=cache&part=outline",
    "/",
)  # fmt: skip


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        pytest.skip("axe-core is not installed by npm; ./dev test --all brings it")
    return AXE.read_text()


@pytest.mark.parametrize(
    ("width", "scheme", "pages"),
    [(390, "dark", PAGES), (1440, "light", PAGES), (390, "light", MAIN), (1440, "dark", MAIN)],
)
def test_axe_finds_nothing_serious(
    visit: Callable[..., Visitor], axe: str, width: int, scheme: str, pages: tuple[str, ...]
) -> None:
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    ann = visit(**options)
    found = []
    for path in ("/desk/login", *pages):
        if path == "/desk":
            ann.enter("Ann")
        ann.go(path)
        ann.page.evaluate(f"{axe};0")
        told = ann.page.evaluate(RUN_AXE)
        found += [
            f"{path}: {one['id']}, {one['nodes'][0]['html'][:160]}"
            for one in told["violations"]
            if one["impact"] in {"serious", "critical"}
        ]

    assert found == []


@pytest.mark.parametrize("width", [320, 820])
def test_nothing_is_wider_than_the_screen_and_nothing_complains(
    visit: Callable[..., Visitor], width: int
) -> None:
    ann = visit(viewport={"width": width, "height": 800}).enter("Ann")
    wide = []
    for path in PAGES:
        ann.go(path)
        has = ann.page.evaluate("document.documentElement.scrollWidth")
        wide += [f"{path}: {has}"] if has > width else []

    assert wide == []
    assert ann.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_readers_too(site: Site, visit: Callable[..., Visitor], axe: str, scheme: str) -> None:
    reader = visit(viewport={"width": 390, "height": 800}, color_scheme=scheme, bypass_csp=True)
    mail = site.digest("show", "weekly/1", "--format", "text")
    leave = next(word for word in mail.split() if "/u/" in word and "preferences" not in word)
    for path in ("/", urlsplit(leave).path, "/nowhere", "/share/nothing"):
        reader.go(path)
        reader.page.evaluate(f"{axe};0")
        told = reader.page.evaluate(RUN_AXE)
        assert [one["id"] for one in told["violations"] if one["impact"] in {"serious", "critical"}] == [], (
            path
        )
