"""A page of the desk is a view, a module beside the others, and a template: no list names it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from digest.clock import Clock
from digest.views.desk import DeskViews
from digest.web.desk import page
from digest.web.pages import Pages
from digest.wiring import Container
from fakes.databases import NOW, make_template
from web.fake_application import FakeApplication
from web.test_home import SETTINGS

ONE_MORE = """
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def routes_of_page(desk):
    return [Route("/desk/one-more", lambda _: PlainTextResponse(f"{desk.read_only}"))]
"""


def test_a_module_with_routes_is_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "pages_of_a_test"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one_more.py").write_text(ONE_MORE)
    (package / "no_page.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    app = FakeApplication()
    desk = page.Desk(
        app=app,  # type: ignore[arg-type]
        access=None,  # type: ignore[arg-type]
        pages=Pages(site=app.settings.site, clock=app.clock),
        clock=app.clock,
        presence=None,  # type: ignore[arg-type]
        read_only=True,
    )

    try:
        found = list(page.page_routes(desk, package="pages_of_a_test"))
    finally:
        for name in [name for name in sys.modules if name.startswith("pages_of_a_test")]:
            del sys.modules[name]

    assert [route.path for route in found] == ["/desk/one-more"]


def test_every_page_of_the_desk_is_found() -> None:
    """What editors could open before a page found itself, they can open now."""
    from digest.web.desk import all_issues, home_forms, issue_routes, plan, source

    modules = (all_issues, home_forms, issue_routes, plan, source)

    assert all(hasattr(module, "routes_of_page") for module in modules)


def test_pages_are_served(editor: TestClient) -> None:
    for path in ("/desk/issues", "/desk/weekly/plan", "/desk/weekly/41"):
        assert editor.get(path).status_code == 200, path
    routes = editor.app.routes  # type: ignore[attr-defined]
    paths = [route.path for route in routes if isinstance(route, Route)]
    assert paths.index("/desk/issues") < paths.index("/desk/{rest:path}"), "the last one takes what is left"


def test_views_of_one_kind_are_made_once_over_the_common_cache(tmp_path: Path) -> None:
    class Counts:
        def __init__(self, parts: Container, *, cache: object) -> None:
            self.parts, self.cache = parts, cache

    (tmp_path / "digest.toml").write_text(SETTINGS)
    make_template(tmp_path).rename(tmp_path / "digest.db")
    parts = Container.from_file(tmp_path / "digest.toml", environ={}, clock=Clock(NOW))
    try:
        desk = DeskViews(parts)
        first = desk.of(Counts)

        assert desk.of(Counts) is first
        assert (first.parts, first.cache) == (parts, desk._cache)
    finally:
        parts.close()
