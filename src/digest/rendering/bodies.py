"""Turns templates and variables into the two bodies of a mail: Jinja2, MJML, inlining.

The steps are the same for the bundled templates, in this process, and for an owner's
templates, in the sandbox process.  Importing this module loads premailer, which is heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from digest.errors import TemplateError
from digest.rendering.inlining import inline
from digest.rendering.mjml import to_html
from digest.rendering.templates import environment, fill


def bodies(path: tuple[Path, ...], variables: Mapping[str, object], unsubscribe: str) -> tuple[str, str]:
    """HTML and plain text; both must contain `unsubscribe`.

    Raises:
        TemplateError: a template does not work (with file and line), or a body has no unsubscribe link.
    """
    made = environment(path)
    html = inline(to_html(fill(made, "issue.mjml.j2", variables)))
    text = fill(made, "issue.txt.j2", variables).strip("\n") + "\n"
    for name, body in (("issue.mjml.j2", html), ("issue.txt.j2", text)):
        if unsubscribe not in body:
            raise TemplateError(
                f"{name} has no unsubscribe link.",
                mend="Print {{ slots.unsubscribe_url }} where subscribers look for it.",
            )
    return html, text
