"""docs/settings.md and the code name the same keys, types and defaults."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from digest.settings.reference import rows
from digest.settings.schema import root_table
from digest.transports import BUILT_IN, provider_of

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROWS = tuple(rows(root_table({name: provider_of(name).table for name in BUILT_IN})))
ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \| (.+) \| (.+) \|$", flags=re.MULTILINE)


def documented() -> dict[str, tuple[str, str, str]]:
    keys = PAGE.read_text(encoding="utf-8").partition("## All keys")[2]
    return {key: (kind, default.strip("`"), sentence) for key, kind, default, sentence in ROW.findall(keys)}


def test_every_key_is_documented_and_no_other() -> None:
    """Both ways: a key of the code is on the page, and a key of the page is in the code."""
    assert sorted(documented()) == sorted(key for key, *_ in ROWS)


def test_the_page_says_what_the_code_does() -> None:
    """Type, default and sentence are the same on both sides."""
    assert documented() == {key: (kind, default, sentence) for key, kind, default, sentence in ROWS}


def test_the_keys_of_the_contract_are_all_there() -> None:
    """A sample of names that outside checks rely on, with the defaults that they assume."""
    defaults = {key: default for key, (_, default, _) in documented().items()}

    assert defaults["newsletters.NAME.schedule"] == '"Tue 09:00"'
    assert [
        defaults[f"newsletters.NAME.{key}"] for key in ("max_articles", "max_age_days", "flood_limit")
    ] == [
        "12",
        "60",
        "25",
    ]
    assert defaults["delivery.transport"] == '"outbox"'
    assert [key for key, default in defaults.items() if default == "required"] == [
        "site.name",
        "site.url",
        "site.public_url",
        "site.postal_address",
        "newsletters.NAME.title",
        "newsletters.NAME.sender",
        "newsletters.NAME.sources[].kind",
    ]


def test_documented_defaults_are_toml() -> None:
    """Each default can be copied into the file as it stands."""
    for key, (_, default, _) in documented().items():
        if default not in {"required", "none"}:
            assert tomllib.loads(f"x = {default}"), key
