"""Templates, style sheets and scripts of the pages, and the headers of every page."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from digest.model.newsletter import Site
from digest.views import formatting, home
from digest.views.public import ACCENT, ACCENT_DARK

_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}

# Issues contain outside content: allow no script or form, and fetch nothing but pictures.
MAIL_POLICY = (
    "default-src 'none'; img-src 'self' https: data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)

# Its links may open new windows; it still cannot run scripts or send forms.
LINKED_MAIL_POLICY = (
    f"sandbox allow-popups allow-popups-to-escape-sandbox; {MAIL_POLICY}; frame-ancestors 'none'"
)


class Pages:
    """Renders the templates of one folder; style sheets and scripts are versioned by their content."""

    def __init__(self, *, site: Site, clock: Callable[[], datetime], folder: Path | None = None) -> None:
        self._site = site
        folder = folder or bundled()
        self._files = {
            file.name: file.read_bytes()
            for file in (folder / "static").rglob("*")
            if file.suffix in _MEDIA_TYPES
        }
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(
            asset=self._address,
            words=formatting,
            home_words=home,
            clock=clock,
            accent=ACCENT,
            accent_dark=ACCENT_DARK,
        )
        self._environment.filters.update(web_only=_web_only, colour=_colour)

    def page(
        self,
        template: str,
        context: Mapping[str, Any],
        *,
        status: int = 200,
        frames: str = "'none'",
        pictures: str = "data:",
        scripts: bool = False,
    ) -> HTMLResponse:
        """Render one page.  `frames` and `pictures` are CSP sources it may embed.

        `scripts` lets this site's scripts run and call this site.
        """
        nonce = secrets.token_urlsafe(16)
        html = self._environment.get_template(template).render(
            {"site": self._site, "nonce": nonce, **context}
        )
        policy = (
            f"default-src 'none'; style-src 'self' 'nonce-{nonce}'; img-src {pictures}; "
            f"frame-src {frames}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        if scripts:
            policy += "; script-src 'self'; connect-src 'self'"
        return HTMLResponse(html, status_code=status, headers={"Content-Security-Policy": policy})

    def message(self, title: str, text: str, *, status: int) -> HTMLResponse:
        """A page with one message, which loads nothing else."""
        return self.page("message.html", {"title": title, "text": text}, status=status)

    def file(self, request: Request) -> Response:
        """Serve a style sheet or script; one requested with its content hash is cached for a year."""
        name = request.path_params["name"]
        if name not in self._files:
            return self.message(
                "There is no page here",
                "The address may have been cut off. Check it and try again.",
                status=404,
            )
        is_named = request.query_params.get("v") == _fingerprint(self._files[name])
        lasting = "public, max-age=31536000, immutable" if is_named else "no-cache"
        kind = _MEDIA_TYPES[PurePath(name).suffix]
        return Response(self._files[name], media_type=kind, headers={"Cache-Control": lasting})

    def _address(self, name: str) -> str:
        return f"/static/{name}?v={_fingerprint(self._files[name])}"


def bundled() -> Path:
    """The folder of the page templates, in the installed package or the checkout."""
    inside = Path(str(files("digest"))) / "_data" / "templates" / "pages"
    return inside if inside.exists() else Path(__file__).parents[3] / "templates" / "pages"


def mail(html: str, *, policy: str) -> HTMLResponse:
    """An issue's HTML, under a policy that lets it show itself and nothing else."""
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


def _fingerprint(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _web_only(url: str) -> str:
    """The URL if it is http or https, or empty."""
    return url if urlsplit(url).scheme in {"http", "https"} else ""


def _colour(value: str, otherwise: str) -> str:
    """The value if it is a hex colour that is safe in a style sheet, or `otherwise`."""
    return value if re.fullmatch(r"#[0-9A-Fa-f]{6}", value) else otherwise
