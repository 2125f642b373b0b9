"""What API tokens promise, on every kind of database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from digest.errors import NotAllowed, NotFound
from digest.model.editor import Role
from digest.passwords import Cost, Passwords
from digest.rules import api_tokens as rules
from digest.storage.database import Database
from digest.workflows.operating import accounts, tokens
from fakes.activity import actor, logged
from fakes.databases import NOW

HOME = "203.0.113.9"
MINUTE = timedelta(minutes=1)


def add(database: Database, name: str = "cms", role: Role = Role.EDITOR) -> str:
    return tokens.add(name, role=role, database=database, by=actor("root"), now=NOW)


def test_a_token_is_shown_once_and_kept_as_a_hash(database: Database) -> None:
    token = add(database)

    assert token.startswith("dgt_")
    assert len(token) == 47  # 256 bits in base64url
    assert rules.is_shaped(token)
    [known] = tokens.all_of(database=database)
    assert (known.name, known.role, known.created_at, known.last_used_at) == ("cms", Role.EDITOR, NOW, None)
    if database.sqlite_file:
        engine = create_engine(f"sqlite:///{database.sqlite_file}")
        with engine.connect() as connection:
            everything = str(connection.execute(text("SELECT * FROM api_token")).all())
        engine.dispose()
        assert rules.kept(token) in everything
        assert token not in everything


def test_no_two_tokens_are_alike_and_no_name_is_used_twice(database: Database) -> None:
    assert add(database, "cms") != add(database, "script")

    for name in ("cms", "CMS"):
        with pytest.raises(NotAllowed, match="already"):
            add(database, name)
    for name in ("", " cms", "a\x00b"):
        with pytest.raises(NotAllowed):
            add(database, name)
    assert [t.name for t in tokens.all_of(database=database)] == ["cms", "script"]


def test_the_use_of_a_token_is_written_down_once_a_minute(database: Database) -> None:
    token = add(database)
    for seconds, seen in ((0, 0), (59, 0), (60, 60), (90, 60)):
        now = NOW + timedelta(seconds=seconds)
        shown = tokens.show(token, address=HOME, database=database, now=now)
        assert shown.token is not None
        [known] = tokens.all_of(database=database)
        assert known.last_used_at == NOW + timedelta(seconds=seen)


def test_a_removed_token_is_worth_nothing_and_both_are_in_the_log(database: Database) -> None:
    token = add(database)
    assert tokens.remove("CMS", database=database, by=actor("root"), now=NOW + MINUTE) == "cms"

    assert tokens.show(token, address=HOME, database=database, now=NOW).token is None
    with pytest.raises(NotFound):
        tokens.remove("cms", database=database, by=actor("root"), now=NOW)
    told = [(e.who, e.detail, e.subject) for e in logged(database, limit=10)]
    assert told == [
        ("root", "API token removed", "cms"),
        ("root", "API token made with the role editor", "cms"),
    ]


def test_wrong_tokens_are_slowed_for_their_network_and_right_ones_never(database: Database) -> None:
    token = add(database)
    for _ in range(20):
        assert tokens.show("dgt_wrong", address=HOME, database=database, now=NOW) == tokens.TokenCheck()

    for wrong in ("dgt_wrong", rules.token_of(b"x" * 32), ""):
        assert tokens.show(wrong, address=HOME, database=database, now=NOW).wait == MINUTE
    assert tokens.show(wrong, address="198.51.100.7", database=database, now=NOW).wait == timedelta(0)
    assert tokens.show(token, address=HOME, database=database, now=NOW).token is not None
    assert tokens.show(wrong, address=HOME, database=database, now=NOW + MINUTE).wait == timedelta(0)


def test_a_script_with_an_old_token_locks_no_editor_out(database: Database) -> None:
    cheap = Passwords(Cost(memory=64, rounds=1, lanes=1))
    password = "tin roof, old rain"
    accounts.add(
        "Ann",
        role=Role.EDITOR,
        password=password,
        database=database,
        passwords=cheap,
        by=actor("root"),
        now=NOW,
    )
    for _ in range(30):
        tokens.show("dgt_old", address=HOME, database=database, now=NOW)

    came = accounts.log_in("Ann", password, address=HOME, database=database, passwords=cheap, now=NOW)
    assert came.session


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer dgt_a", "dgt_a"),
        ("bearer  dgt_a ", "dgt_a"),
        ("Basic dgt_a", ""),
        ("dgt_a", ""),
        ("", ""),
    ],
)
def test_a_bearer_header_is_read_as_rfc_6750_writes_it(header: str, token: str) -> None:
    assert rules.bearer(header) == token
