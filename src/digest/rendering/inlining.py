"""Styles into elements, by premailer, without what premailer breaks by default.

Mail programs that drop `<style>` (Gmail with other people's accounts) then still
see the mail.  Nothing is ever fetched here.
"""

from __future__ import annotations

import inspect
import logging
from functools import lru_cache
from typing import Any

import cssutils
from premailer import merge_style, premailer

# MRML's first block resets every table and cell. Inlined, it makes a mail a sixth bigger for nothing:
# the programs it is meant for (Outlook) read it in the head.
_RESET = '<style type="text/css">\n#outlook a'
_KEPT_RESET = '<style type="text/css" data-premailer="ignore">\n#outlook a'

# These stay as the template set them: `width:100%` in a style must not become `width="100%"` of an
# image, which Outlook takes at its word.
_UNTOUCHED = ["width", "height", "bgcolor", "align", "valign"]

_OPTIONS = {
    "keep_style_tags": True,
    "strip_important": False,
    "remove_classes": False,
    "allow_network": False,
    "align_floating_images": False,
    "disable_validation": True,
    "cache_css_parsing": False,  # we keep what it makes of a sheet, below
    "disable_basic_attributes": _UNTOUCHED,
    "cssutils_logging_level": logging.CRITICAL,
}

_Rules = tuple[list[Any], list[Any]]
_Untyped: Any = premailer.Premailer  # it carries no types
cssutils.log.setLevel(logging.CRITICAL)


def _nothing(url: str) -> tuple[None, bytes]:  # noqa: ARG001
    return None, b""


# `allow_network=False` does not stop cssutils from following `@import`.
vars(cssutils.util)["_defaultFetcher"] = _nothing

_parse_pairs: Any = inspect.unwrap(merge_style.csstext_to_pairs)


@lru_cache(maxsize=1024)
def _pairs(csstext: str, validate: bool = False) -> list[tuple[str, str]]:  # noqa: ARG001
    """The declarations of a style, not judged by cssutils, whose findings nobody reads.

    premailer's own cache holds 128 texts of every kind under one key: an element with the style `p`
    got the selector `p`.
    """
    return _parse_pairs(csstext, validate=False)  # type: ignore[no-any-return]


vars(_pairs)["_lock"] = vars(merge_style.csstext_to_pairs)["_lock"]  # it asks for the lock by its own name
vars(merge_style)["csstext_to_pairs"] = vars(premailer)["csstext_to_pairs"] = _pairs


def inline(html: str) -> str:
    """Move styles into the elements; media queries, `!important`, classes and doctype stay alive."""
    # premailer knows only the upper-case doctype, and drops MRML's.
    prepared = html.replace("<!doctype html>", "<!DOCTYPE html>", 1).replace(_RESET, _KEPT_RESET, 1)
    inliner: Any = _Inliner(prepared, **_OPTIONS)
    return str(inliner.transform(pretty_print=False))


class _Inliner(_Untyped):  # type: ignore[misc]  # its base is untyped
    """Premailer caches a parsed sheet, but writes each of its rules out again for every mail."""

    def _parse_style_rules(self, css_body: str | None, ruleset_index: int) -> _Rules:
        return _rules(css_body or "", ruleset_index)


@lru_cache(maxsize=32)
def _rules(css_body: str, ruleset_index: int) -> _Rules:
    """What a sheet says, for all mails that carry it; the options are those of `inline`."""
    return _Untyped(**_OPTIONS)._parse_style_rules(css_body, ruleset_index)  # type: ignore[no-any-return]
