"""Moves styles into the elements with premailer, avoiding what premailer breaks by default.

Mail apps that drop `<style>` (Gmail with accounts from other providers) then still show
the mail as designed.  Nothing is ever loaded from the network here.
"""

from __future__ import annotations

import inspect
import logging
from functools import lru_cache
from typing import Any

import cssutils
from premailer import merge_style, premailer

# MRML's first block resets every table and cell.  Inlining it would enlarge a mail by a sixth for no
# benefit: the app it is meant for (Outlook) reads it in the head.
_RESET = '<style type="text/css">\n#outlook a'
_KEPT_RESET = '<style type="text/css" data-premailer="ignore">\n#outlook a'

# These stay as the template set them: `width:100%` in a style must not become `width="100%"` of an
# image, which Outlook takes literally.
_UNTOUCHED = ["width", "height", "bgcolor", "align", "valign"]

_OPTIONS = {
    "keep_style_tags": True,
    "strip_important": False,
    "remove_classes": False,
    "allow_network": False,
    "align_floating_images": False,
    "disable_validation": True,
    "cache_css_parsing": False,  # we cache parsed sheets ourselves, below
    "disable_basic_attributes": _UNTOUCHED,
    "cssutils_logging_level": logging.CRITICAL,
}

_Rules = tuple[list[Any], list[Any]]
_Untyped: Any = premailer.Premailer  # it has no type annotations
cssutils.log.setLevel(logging.CRITICAL)


def _nothing(url: str) -> tuple[None, bytes]:  # noqa: ARG001
    return None, b""


# `allow_network=False` does not stop cssutils from following `@import`.
vars(cssutils.util)["_defaultFetcher"] = _nothing

_parse_pairs: Any = inspect.unwrap(merge_style.csstext_to_pairs)


@lru_cache(maxsize=1024)
def _pairs(csstext: str, validate: bool = False) -> list[tuple[str, str]]:  # noqa: ARG001
    """The declarations of a style, without cssutils' validation, whose findings are not used.

    premailer's own cache keeps 128 texts of every kind under one key: an element with the style `p`
    got the selector `p`.
    """
    return _parse_pairs(csstext, validate=False)  # type: ignore[no-any-return]


vars(_pairs)["_lock"] = vars(merge_style.csstext_to_pairs)["_lock"]  # looked up under that name
vars(merge_style)["csstext_to_pairs"] = vars(premailer)["csstext_to_pairs"] = _pairs


def inline(html: str) -> str:
    """Move styles into the elements; keeps media queries, `!important`, classes and the doctype."""
    # premailer only recognises the upper-case doctype, and drops MRML's.
    prepared = html.replace("<!doctype html>", "<!DOCTYPE html>", 1).replace(_RESET, _KEPT_RESET, 1)
    inliner: Any = _Inliner(prepared, **_OPTIONS)
    return str(inliner.transform(pretty_print=False))


class _Inliner(_Untyped):  # type: ignore[misc]  # its base class is untyped
    """Premailer with cached rules: it caches a parsed sheet itself, but rebuilds its rules for every mail."""

    def _parse_style_rules(self, css_body: str | None, ruleset_index: int) -> _Rules:
        return _rules(css_body or "", ruleset_index)


@lru_cache(maxsize=32)
def _rules(css_body: str, ruleset_index: int) -> _Rules:
    """The rules of a sheet, shared by all mails that use it; the options are those of `inline`."""
    return _Untyped(**_OPTIONS)._parse_style_rules(css_body, ruleset_index)  # type: ignore[no-any-return]
