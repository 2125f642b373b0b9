"""What every page of the desk is given, and how its modules are found."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module

from starlette.routing import Route

from digest.application import Application
from digest.web.access import Access
from digest.web.desk.presence import Presence
from digest.web.pages import Pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The parts that pages of the desk share."""

    app: Application
    access: Access
    pages: Pages
    clock: Callable[[], datetime]
    presence: Presence
    read_only: bool = False  # it shows everything and changes nothing


def page_routes(desk: Desk, *, package: str) -> Iterator[Route]:
    """The routes of every module of a package that has a function `routes_of_page`, by the modules' names.

    So a page is a module beside its view and its template, and no list names it.
    """
    folder = import_module(package).__path__
    for module in sorted(pkgutil.iter_modules(folder), key=lambda found: found.name):
        routes = getattr(import_module(f"{package}.{module.name}"), "routes_of_page", None)
        if routes is not None:
            yield from routes(desk)
