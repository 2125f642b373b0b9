"""What an operator lives through with API tokens, by the command line."""

from __future__ import annotations

import json

from fakes.folders import Command


def test_a_token_is_made_listed_and_removed(digest: Command) -> None:
    assert digest("tokens", "list")[1].startswith("No tokens yet.")

    code, out, told = digest("tokens", "add", "cms", "--role", "editor")
    assert code == 0
    token = out.strip()
    assert token.startswith("dgt_"), "nothing else on standard output, so that a script can keep it"
    assert "not shown again" in told
    assert "/api/docs" in told

    listed = json.loads(digest("tokens", "list", "--json")[1])["tokens"]
    assert [(one["name"], one["role"], one["last_used"]) for one in listed] == [("cms", "editor", None)]
    shown = digest("tokens", "list")[1]
    assert "cms" in shown
    assert token not in shown

    assert digest("tokens", "add", "CMS", "--role", "admin")[0] == 1
    assert json.loads(digest("tokens", "remove", "CMS", "--json")[1]) == {"name": "cms", "removed": True}
    assert digest("tokens", "remove", "cms")[0] == 2
    log = json.loads(digest("editors", "log", "--json")[1])["log"]
    assert [(e["what"], e["subject"], e["where"]) for e in log] == [
        ("API token removed", "cms", "command line"),
        ("API token made with the role editor", "cms", "command line"),
    ]


def test_a_token_has_a_role_that_there_is(digest: Command) -> None:
    assert digest("tokens", "add", "cms", "--role", "owner")[0] == 2
    assert digest("tokens", "add", "cms")[0] == 2
    assert json.loads(digest("tokens", "list", "--json")[1]) == {"tokens": []}
