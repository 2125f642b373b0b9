"""Accounts by their rules: names, passwords, roles, limits, sessions, forms and addresses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model.editor import Action, EditorId, EditorSession, Role
from digest.rules import accounts as rules

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SESSION = EditorSession(
    token_hash="0" * 64,
    editor_id=EditorId(1),
    generation=3,
    created_at=NOW,
    last_seen=NOW,
    expires=NOW + rules.LONGEST,
)


# --- roles ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        (Role.EDITOR, "look edit proof"),
        (Role.PUBLISHER, "look edit proof approve cancel pause send resolve"),
        (Role.ADMIN, "look edit proof approve cancel pause send resolve editors tokens log"),
    ],
)
def test_a_role_may_do_this_and_no_more(role: Role, actions: str) -> None:
    assert [action.value for action in Action if rules.may(role, action)] == actions.split()


def test_roles_are_a_ladder() -> None:
    assert [[rules.includes(role, least) for least in Role] for role in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


# --- names ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ann", "Ann Example", "ann@example.org", "李雷", "Ünïcödé", "x"])
def test_names_that_will_do(name: str) -> None:
    assert rules.name_problem(name) == ""


@pytest.mark.parametrize("name", ["", " ", " ann", "ann ", "a\nb", "a\x00b", "a\u202eb", "x" * 101, "ﷺ" * 50])
def test_names_that_will_not(name: str) -> None:
    """Too long, also where it only becomes so; or with something that cannot be seen."""
    assert rules.name_problem(name).startswith("A name ")


def test_spellings_of_one_name_are_one_name() -> None:
    assert len({rules.name_key(name) for name in ("Ann", "ann", " ANN ", "\uff21nn")}) == 1


# --- passwords --------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "tin roof, old rain",
        "twelve chars",
        "correcthorsebattery",
        "ümläütß sind gut",
        "字典里没有的一句很长的话",
        "xk-9" * 64,
    ],
)
def test_passwords_that_will_do(password: str) -> None:
    """Any kinds of characters, none of them asked for."""
    assert rules.password_problem(password, name="ann@example.org") == ""


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "at least 12"),
        ("elevenchars", "at least 12"),
        ("x" * 257, "at most 256"),
        ("abcabcabcabcabcabc", "repeats the same"),
        ("            ", "repeats the same"),
        ("ann.example@example.org", "too similar to the name"),
        ("Ann.Example@Example.Org1", "too similar to the name"),
        ("ann.example!!1", "too similar to the name"),
        ("ann.exampleann.example", "too similar to the name"),
    ],
)
def test_passwords_that_will_not(password: str, says: str) -> None:
    """The sentence never holds the password."""
    found = rules.password_problem(password, name="Ann.Example@example.org")

    assert says in found
    assert not password or password not in found


def test_a_short_name_forbids_no_letters() -> None:
    assert rules.password_problem("a little bit of everything", name="li") == ""


def test_two_keyboards_write_one_password() -> None:
    assert rules.prepared("cafe\u0301 noir") == rules.prepared("caf\u00e9 noir")


# --- limits -----------------------------------------------------------------------


def failed(*minutes_ago: float) -> list[datetime]:
    return [NOW - timedelta(minutes=m) for m in minutes_ago]


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [
        ([], 0),
        (failed(4, 3, 2, 1), 0),
        (failed(4, 3, 2, 1, 0), 1),
        (failed(5, 4, 3, 2, 1), 0),
        (failed(5, 4, 3, 2, 1, 0), 2),
        (failed(6, 5, 4, 3, 2, 1, 0), 4),
        (failed(7, 6, 5, 4, 3, 2, 1, 0), 8),
        (failed(8, 7, 6, 5, 4, 3, 2, 1, 0), 15),
        (failed(*([0] * 5000)), 15),
        (failed(20, 19, 18, 17, 16), 0),
    ],
)
def test_waits_grow_up_to_the_window(failures: list[datetime], minutes: int) -> None:
    assert rules.wait(failures, allowed=5, now=NOW) == minutes * MINUTE


def test_the_order_of_failures_does_not_matter() -> None:
    assert rules.wait(failed(0, 3, 1, 4, 2), allowed=5, now=NOW) == MINUTE


@given(st.lists(st.floats(-100_000, 100_000), max_size=60), st.integers(1, 30))
def test_nobody_waits_longer_than_the_window(minutes: list[float], allowed: int) -> None:
    """Also where a clock went backwards; and what was waited for is then over."""
    pause = rules.wait(failed(*minutes), allowed=allowed, now=NOW)

    assert timedelta(0) <= pause <= rules.WINDOW
    if all(m >= 0 for m in minutes):
        assert rules.wait(failed(*minutes), allowed=allowed, now=NOW + pause) == timedelta(0)


# --- sessions ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("later", "seen", "alive"),
    [
        (timedelta(0), timedelta(0), True),
        (timedelta(hours=12, seconds=-1), timedelta(0), True),
        (timedelta(hours=12), timedelta(0), False),
        (timedelta(days=30, seconds=-1), timedelta(days=30, hours=-1), True),
        (timedelta(days=30), timedelta(days=30, hours=-1), False),
    ],
)
def test_a_session_ends_when_idle_and_after_its_time(later: timedelta, seen: timedelta, alive: bool) -> None:
    session = replace(SESSION, last_seen=NOW + seen)

    assert rules.is_alive(session, generation=3, now=NOW + later) is alive


@pytest.mark.parametrize("generation", [2, 4])
def test_a_session_of_another_password_is_dead(generation: int) -> None:
    assert not rules.is_alive(SESSION, generation=generation, now=NOW)


# --- forms ------------------------------------------------------------------------


def test_a_form_token_is_of_one_session_and_one_purpose() -> None:
    token = rules.form_token("session", purpose="desk")

    assert rules.is_form_token(token, "session", purpose="desk")
    assert not rules.is_form_token(token, "another", purpose="desk")
    assert not rules.is_form_token(token, "session", purpose="login")
    assert not rules.is_form_token(token[:-1], "session", purpose="desk")
    assert not rules.is_form_token("ünïcode", "session", purpose="desk")
    assert not rules.is_form_token(rules.form_token("", purpose="desk"), "", purpose="desk")
    assert "session" not in token


@pytest.mark.parametrize(
    ("origin", "site", "host", "own"),
    [
        ("https://news.example.com", "same-origin", "news.example.com", True),
        ("https://news.example.com", "", "127.0.0.1:8000", True),  # a proxy that changes the host
        ("http://127.0.0.1:8000", "same-origin", "127.0.0.1:8000", True),
        ("", "", "news.example.com", True),  # the token has to do
        ("null", "same-origin", "news.example.com", True),
        ("null", "", "news.example.com", False),
        ("https://evil.example", "", "news.example.com", False),
        ("https://news.example.com.evil.example", "", "news.example.com", False),
        ("http://news.example.com", "", "127.0.0.1:8000", False),
        ("https://news.example.com:444", "", "news.example.com", False),
        ("https://evil.example", "cross-site", "news.example.com", False),
        ("https://news.example.com", "cross-site", "news.example.com", False),
        ("https://blog.example.com", "same-site", "news.example.com", False),
        ("", "same-site", "news.example.com", False),
    ],
)
def test_whose_page_sent_a_form(origin: str, site: str, host: str, own: bool) -> None:
    found = rules.is_from_own_page(
        origin=origin, fetch_site=site, host=host, public_url="https://news.example.com"
    )

    assert found is own


@pytest.mark.parametrize(
    ("path", "is_page"),
    [
        ("/desk", True),
        ("/desk/weekly/41", True),
        ("/desk/issues", True),
        ("/desk/weekly/plan", True),
        ("/desk/weekly/draft", False),
        ("/desk/", False),
        ("//evil.example/desk", False),
        ("https://evil.example/desk", False),
        ("/desk/weekly/41\n", False),
        ("/desk/../x/1", False),
        ("/desk/logout", False),
        ("/u/token", False),
        ("", False),
    ],
)
def test_after_logging_in_one_is_led_to_the_desk_only(path: str, is_page: bool) -> None:
    assert rules.is_desk_page(path) is is_page


# --- addresses --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("127.0.0.1", "127.0.0.0/24"),
        ("testclient", ""),
        ("", ""),
    ],
)
def test_only_the_range_of_an_address_is_kept(address: str, network: str) -> None:
    assert rules.network_of(address) == network


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),  # only a web server of this machine is believed
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["10.9.9.9", " 198.51.100.1 "], "198.51.100.1"),  # the first is what the caller claims
        ("::1", ["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", [], "127.0.0.1"),
    ],
)
def test_who_calls(peer: str, forwarded: list[str], caller: str) -> None:
    assert rules.caller(peer, forwarded=forwarded) == caller
