"""CSS taken apart as browsers do it, also where it is broken."""

from __future__ import annotations

import time

import pytest

from digest.checks.stylesheet import Declaration, StyleRule, declarations, rules


def test_rules_know_what_they_stand_under() -> None:
    found = rules("a{b:c} @media (x){ d { e:f } @supports (y){g{h:i}} }")

    assert [rule for rule in found if rule.selector] == [
        StyleRule((), "a", (Declaration("b", "c"),)),
        StyleRule(("@media (x)",), "d", (Declaration("e", "f"),)),
        StyleRule(("@media (x)", "@supports (y)"), "g", (Declaration("h", "i"),)),
    ]


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        ('@import "a;b{}.css"; p{a:b}', ["@import"]),
        ("@font-face{src:url(x)}", ["@font-face"]),
        ("@keyframes x{from{a:b}}", ["@keyframes"]),
    ],
)
def test_at_rules_are_rules(css: str, expected: list[str]) -> None:
    assert [rule.conditions[0].split()[0] for rule in rules(css) if not rule.selector] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("COLOR : Red !important;", [("color", "red")]),
        ("a:b;;c:d", [("a", "b"), ("c", "d")]),
        ("a:'x;y:z'", [("a", "'x;y:z'")]),
        ("a:url(data:x;y,{z}) 1px", [("a", "url(data:x;y,{z}) 1px")]),
        ("a:/* b:c; */d", [("a", "d")]),
        ("a:calc(1px + (2px*3))", [("a", "calc(1px + (2px*3))")]),
        ("--x:1", [("--x", "1")]),
        ("no colon; 1a:b; a b:c", []),
        ("}}a:b", []),
    ],
)
def test_declarations(text: str, expected: list[tuple[str, str]]) -> None:
    assert [tuple(declaration) for declaration in declarations(text)] == expected


def test_what_is_left_open_is_closed_by_the_end() -> None:
    assert rules("@media (x){p{a:b;c:d")[0] == StyleRule(
        ("@media (x)",), "p", (Declaration("a", "b"), Declaration("c", "d"))
    )


@pytest.mark.parametrize("piece", ["(", "{", "}", '"', "/*", "url(", "\\", "a:b;", "a(", "<!--"])
def test_broken_css_takes_time_in_proportion(piece: str) -> None:
    began = time.process_time()
    rules(piece * 20_000)

    assert time.process_time() - began < 2
