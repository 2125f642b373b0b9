"""Styles into elements, by premailer, without what premailer breaks by default.

Mail programs that drop `<style>` (Gmail with other people's accounts) then still
see the mail.  Nothing is ever fetched here.
"""

from __future__ import annotations

import logging
from typing import Any

import cssutils
from premailer.premailer import Premailer

# MRML's first block resets every table and cell. Inlined, it makes a mail a sixth bigger for nothing:
# the programs it is meant for (Outlook) read it in the head.
_RESET = '<style type="text/css">\n#outlook a'
_KEPT_RESET = '<style type="text/css" data-premailer="ignore">\n#outlook a'

# These stay as the template set them: `width:100%` in a style must not become `width="100%"` of an
# image, which Outlook takes at its word.
_UNTOUCHED = ["width", "height", "bgcolor", "align", "valign"]

_Premailer: Any = Premailer  # it carries no types
cssutils.log.setLevel(logging.CRITICAL)


def _nothing(url: str) -> tuple[None, bytes]:  # noqa: ARG001
    return None, b""


# `allow_network=False` does not stop cssutils from following `@import`.
vars(cssutils.util)["_defaultFetcher"] = _nothing


def inline(html: str) -> str:
    """Move styles into the elements; media queries, `!important`, classes and doctype stay alive."""
    # premailer knows only the upper-case doctype, and drops MRML's.
    prepared = html.replace("<!doctype html>", "<!DOCTYPE html>", 1).replace(_RESET, _KEPT_RESET, 1)
    premailer: Any = _Premailer(
        prepared,
        keep_style_tags=True,
        strip_important=False,
        remove_classes=False,
        allow_network=False,
        align_floating_images=False,
        disable_validation=True,
        disable_basic_attributes=_UNTOUCHED,
        cssutils_logging_level=logging.CRITICAL,
    )
    return str(premailer.transform(pretty_print=False))
