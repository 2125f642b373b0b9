"""Public pages: unsubscribe with one click, resubscribe, manage preferences, read old issues.

A GET or HEAD changes nothing, because mail scanners open every link.  A POST
needs no cookie or login: the token in its URL identifies the subscription.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from digest.application import Application
from digest.rules import unsubscribe_probe
from digest.views.public import PreferencesView, PublicViews, ReaderView
from digest.web.pages import LINKED_MAIL_POLICY, Pages, mail

# A picture is named after its content, so it can be cached for a year; any mail app may show it.
_LASTING = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "cross-origin",
}

_ROBOTS = (
    "User-agent: *\nDisallow: /u/\nDisallow: /share/\nDisallow: /desk\nDisallow: /hooks/\nDisallow: /api/\n"
)


def routes(*, app: Application, pages: Pages) -> list[Route]:
    """The routes of all public pages."""
    return [
        *_for_everybody(readers=app.public, pages=pages),
        *_for_one(app=app, pages=pages),
        Route("/static/{name}", pages.file),
    ]


def _for_everybody(*, readers: PublicViews, pages: Pages) -> list[Route]:
    def front(_: Request) -> Response:
        return pages.page("front.html", {"newsletters": readers.newsletters()})

    def archive(request: Request) -> Response:
        html = readers.archive(request.path_params["newsletter"], request.path_params["number"])
        if html is None:
            return _unknown_issue(pages)
        kept = mail(html, policy=LINKED_MAIL_POLICY)
        kept.headers["Cache-Control"] = "public, max-age=300"
        return kept

    def picture(request: Request) -> Response:
        found = readers.picture(request.path_params["name"])
        if found is None:
            return pages.message("There is no such picture", "Its address may have been cut off.", status=404)
        return Response(found[0], media_type=found[1], headers=_LASTING)

    def robots(_: Request) -> Response:
        return PlainTextResponse(_ROBOTS)

    return [
        Route("/", front),
        Route("/archive/{newsletter}/{number:int}", archive),
        Route("/media/{name}", picture),
        Route("/robots.txt", robots),
    ]


def _for_one(*, app: Application, pages: Pages) -> list[Route]:
    """The routes behind the personal links in a mail."""
    readers = app.public

    def ask(request: Request) -> Response:
        token = request.path_params["token"]
        if readers.is_probe(token):
            return pages.message("This link belongs to nobody", unsubscribe_probe.ANSWER, status=200)
        return _ask(readers.subscription(token), pages=pages)

    async def answer(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=8, max_part_size=1024)
        token = request.path_params["token"]
        return await run_in_threadpool(_answered, token, form=form, app=app, pages=pages)

    def preferences(request: Request) -> Response:
        return _preferences(readers.preferences(request.path_params["token"]), pages=pages)

    async def chosen(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=200, max_part_size=1024)
        wanted = {str(name) for name in form.getlist("newsletter")}
        name = str(form.get("name") or "")
        found = await run_in_threadpool(app.choose, request.path_params["token"], wanted=wanted, name=name)
        return _preferences(found, pages=pages, is_saved=True)

    return [
        Route("/u/{token}", ask, methods=["GET"]),
        Route("/u/{token}", answer, methods=["POST"]),
        Route("/u/{token}/preferences", preferences, methods=["GET"]),
        Route("/u/{token}/preferences", chosen, methods=["POST"]),
    ]


def _ask(view: ReaderView | None, *, pages: Pages) -> Response:
    if view is None:
        return _unknown_link(pages)
    return _shown(pages, "unsubscribe.html" if view.is_active else "left.html", view)


def _answered(token: str, *, form: FormData, app: Application, pages: Pages) -> Response:
    readers = app.public
    if _is_one_click(form):
        if readers.is_probe(token):
            return PlainTextResponse(f"{unsubscribe_probe.ANSWER}\n")
        return _one_click(app.unsubscribe(token, how="one-click"), pages=pages)
    answers: dict[str, tuple[Callable[[], ReaderView | None], str]] = {
        "leave": (lambda: app.unsubscribe(token, how="page"), "left.html"),
        "return": (lambda: app.resubscribe(token), "back.html"),
    }
    if (asked := form.get("do")) not in answers:
        return _ask(readers.subscription(token), pages=pages)
    change, template = answers[str(asked)]
    view = change()
    return _unknown_link(pages) if view is None else _shown(pages, template, view)


def _is_one_click(form: FormData) -> bool:
    """RFC 8058, 3.1: the one pair, in either encoding of a form."""
    return any(
        key.casefold() == "list-unsubscribe" and str(value).strip().casefold() == "one-click"
        for key, value in form.multi_items()
    )


def _one_click(view: ReaderView | None, *, pages: Pages) -> Response:
    """Mail services only read the status: 200, no redirect, no cookie."""
    return _unknown_link(pages) if view is None else PlainTextResponse("You have been unsubscribed.\n")


def _shown(pages: Pages, template: str, view: ReaderView) -> Response:
    colours = {"accent": view.accent, "accent_dark": view.accent_dark}
    return pages.page(template, {"view": view, "site": view.site, **colours})


def _preferences(found: PreferencesView | None, *, pages: Pages, is_saved: bool = False) -> Response:
    if found is None:
        return _unknown_link(pages)
    view = found.view
    return pages.page(
        "preferences.html",
        {
            "view": view,
            "site": view.site,
            "name": found.name,
            "preferences": found.preferences,
            "is_saved": is_saved,
            "accent": view.accent,
            "accent_dark": view.accent_dark,
        },
    )


def _unknown_link(pages: Pages) -> Response:
    """The same page for a token that is truncated, forged or erased."""
    return pages.message(
        "This link doesn’t work",
        "It may have been cut off in your mail app. Use the Unsubscribe link at the foot of any issue, "
        "or reply to that issue.",
        status=404,
    )


def _unknown_issue(pages: Pages) -> Response:
    return pages.message("There is no such issue", "It may not have been sent yet.", status=404)
