"""The plan of a newsletter's next issue, and the editors' marks on articles.

Each mark is its own form.  The URL it redirects to says what it did, so that it
can be undone there, even without scripts.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digest.application import Application
from digest.errors import DigestError, NotAllowed, NotFound
from digest.model.article import Mark
from digest.model.editor import Action
from digest.rules.cleaning import plain
from digest.rules.marks import mark_of
from digest.web.access import FORM_HEADERS, DeskRequest, desk_context
from digest.web.desk.page import Desk
from digest.web.pages import Pages

_SHOWN = 100  # articles left out, at first
_LONGEST_WHY = 300  # characters
_DIGITS = 15  # of an article's number


def routes_of_page(desk: Desk) -> list[Route]:
    """The page, and its form if the desk is not read-only."""
    app, door, pages, clock = desk.app, desk.access, desk.pages, desk.clock
    read_only = desk.read_only

    def shown(visit: DeskRequest, trouble: DigestError | None = None) -> Response:
        asked = visit.request.query_params
        name, marked = visit.request.path_params["newsletter"], _number(asked.get("marked", ""))
        plan = app.desk.plan(name, marked=marked)
        if plan is None:
            return no_newsletter(pages)
        context = desk_context(
            visit,
            plan=plan,
            now=clock(),
            here=address(name),
            may_mark=not read_only,
            most=len(plan.left_out) if asked.get("all") == "1" else _SHOWN,
            before=_mark(asked.get("before", "")),
            why_before=asked.get("why", "")[:_LONGEST_WHY],
            trouble=trouble,
            typed=visit.form.get("url", ""),
        )
        status = 200 if trouble is None else 404 if isinstance(trouble, NotFound) else 409
        page = pages.page("desk/plan.html", context, status=status)
        page.headers.update(FORM_HEADERS)
        return page

    here = "/desk/{newsletter}/plan"
    made = [Route(here, door.require(Action.LOOK)(shown), methods=["GET"])]
    if read_only:
        return made

    @door.require(Action.EDIT)
    def mark(visit: DeskRequest) -> Response:
        try:
            return RedirectResponse(_marked(visit, app), status_code=303)
        except (NotAllowed, NotFound) as trouble:
            return shown(visit, trouble)

    return [*made, Route(f"{here}/mark", mark, methods=["POST"])]


def address(newsletter: str) -> str:
    """The URL of a newsletter's plan."""
    return f"/desk/{quote(newsletter)}/plan"


def no_newsletter(pages: Pages) -> Response:
    return pages.message("There is no such newsletter", "The home page lists all newsletters.", status=404)


def _marked(visit: DeskRequest, app: Application) -> str:
    """Apply the mark; returns the URL of the page that confirms it."""
    form, name = visit.form, visit.request.path_params["newsletter"]
    how = _mark(form.get("mark", ""))
    url = form.get("url", "").strip()
    if how is None:
        raise NotAllowed("The form did not say how to mark it.", mend="Reload the page.")
    if not url:
        raise NotAllowed("No article was given.", mend="Paste the article's URL.")
    why = plain(form.get("why", ""), limit=_LONGEST_WHY)
    article = app.mark(url, how, newsletter=name, by=visit.who, why=why)[0]
    told = {"marked": str(article.id), "before": mark_of(article).value}
    if article.excluded_why and mark_of(article) is Mark.EXCLUDED:
        told["why"] = article.excluded_why
    return f"{address(name)}?{urlencode(told)}"


def _mark(word: str) -> Mark | None:
    return Mark(word) if word in set(Mark) else None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else 0
