"""What an event means: the provider's words, how far they bring a delivery, what they do to a person."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model.delivery import DeliveryEvent, DeliveryId, EventKind
from digest.model.subscriber import SuppressionReason
from digest.rules.feedback import (
    Effect,
    complaint_kind,
    effect_of_event,
    ends_subscription,
    progress,
    reported_kind,
    states_before,
    status_code,
    without_addresses,
)
from digest.transports.sendgrid.events import SENDGRID_WORDS, sendgrid_event

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
TOLD: dict[str, Any] = {
    "email": "Ann@example.org",
    "timestamp": 1795507200,
    "event": "bounce",
    "type": "bounce",
    "reason": "550 5.1.1 <ann@example.org>: user unknown\r\nsee http://mail.example/?to=ann%40example.org",
    "status": "5.1.1",
    "sg_event_id": "one",
    "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
    "category": ["newsletter"],
    "d": "7",
    "b": "00ff00ff00ff00ff",
    "i": "weekly/3",
}


def event(**fields: object) -> DeliveryEvent:
    return sendgrid_event(TOLD | fields, now=NOW)


def of_kind(kind: EventKind, detail: str = "", at: datetime = NOW) -> DeliveryEvent:
    return DeliveryEvent(key="k", provider="sendgrid", kind=kind, at=at, detail=detail)


# -- reading SendGrid's events -------------------------------------------------------


def test_an_event_keeps_its_own_fields_and_no_address() -> None:
    read = event()

    assert read.delivery_id == DeliveryId(7)
    assert (read.batch_id, read.issue_ref, read.address) == (
        "00ff00ff00ff00ff",
        "weekly/3",
        "Ann@example.org",
    )
    assert (read.provider, read.kind, read.at) == ("sendgrid", EventKind.BOUNCED, NOW)
    assert read.detail == "550 5.1.1 <…>: user unknown see http:…"


@pytest.mark.parametrize(
    ("word", "bounce_type", "kind"),
    [
        ("processed", "", "processed"),
        ("deferred", "", "deferred"),
        ("delivered", "", "delivered"),
        ("bounce", "bounce", "bounced"),
        ("bounce", "", "bounced"),
        ("bounce", "blocked", "blocked"),
        ("bounce", "expired", "blocked"),
        ("dropped", "", "dropped"),
        ("open", "", "opened"),
        ("click", "", "clicked"),
        ("spamreport", "", "complained"),
        ("unsubscribe", "", "unsubscribed"),
        ("group_unsubscribe", "", "unsubscribed"),
        ("group_resubscribe", "", "resubscribed"),
        ("teleported", "", "unknown"),
        ("", "", "unknown"),
        ("DELIVERED", "", "unknown"),
    ],
)
def test_every_word_of_sendgrid_has_one_of_ours(word: str, bounce_type: str, kind: str) -> None:
    assert event(event=word, type=bounce_type).kind.value == kind


def test_an_unknown_word_is_kept_in_the_detail() -> None:
    assert event(event="teleported", reason="why not").detail == "teleported: why not"


def test_the_table_has_all_eleven_words() -> None:
    assert len(SENDGRID_WORDS) == 11
    assert EventKind.UNKNOWN not in SENDGRID_WORDS.values()


@pytest.mark.parametrize("told", [None, 7, "delivered", [], [TOLD], True, {}, {"event": None}, {"d": {}}])
def test_what_is_no_event_is_an_unknown_one(told: object) -> None:
    read = sendgrid_event(told, now=NOW)

    assert (read.kind, read.delivery_id, read.batch_id, read.at) == (EventKind.UNKNOWN, None, "", NOW)


@pytest.mark.parametrize("number", ["", "-1", "7.0", "0x7", "seven", "٧", 10**30, 7.5, True, ["7"]])
def test_a_delivery_is_named_by_a_number_or_not_at_all(number: object) -> None:
    assert event(d=number).delivery_id is None


@pytest.mark.parametrize("batch", ["", "a b", "'; --", "x" * 65, None, "ü"])
def test_a_batch_that_cannot_be_ours_is_none(batch: object) -> None:
    assert event(b=batch).batch_id == ""


@pytest.mark.parametrize("moment", [None, "", "soon", -5, 0, 10**15, 10**20, float("nan"), True])
def test_a_time_that_cannot_be_is_the_time_of_hearing(moment: object) -> None:
    assert event(timestamp=moment).at == NOW


def test_a_repeated_post_has_the_same_keys_though_its_ids_are_new() -> None:
    """Retries of SendGrid have been seen to carry a new sg_event_id for the same event."""
    assert event(sg_event_id="another").key == event().key


@pytest.mark.parametrize(
    "other",
    [
        {"event": "deferred"},
        {"timestamp": 1795507201},
        {"email": "bob@example.org"},
        {"d": "8"},
        {"sg_message_id": "other"},
        {"reason": "other"},
        {"attempt": "2"},
        {"url": "https://blog.example.com/1"},
    ],
)
def test_another_event_has_another_key(other: dict[str, object]) -> None:
    assert event(**other).key != event().key


def test_without_a_message_id_the_event_id_counts_and_without_both_the_whole() -> None:
    bare = {"event": "open", "sg_event_id": "one"}
    nothing = {"event": "open", "useragent": "x"}

    assert sendgrid_event(bare, now=NOW).key == sendgrid_event(bare | {"ip": "1"}, now=NOW).key
    assert sendgrid_event(nothing, now=NOW).key == sendgrid_event(dict(nothing), now=NOW).key
    assert sendgrid_event(nothing, now=NOW).key != sendgrid_event(nothing | {"ip": "1"}, now=NOW).key


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*sorted(TOLD), "url", "x"]), _json, max_size=8))
def test_whatever_is_told_can_be_stored(told: dict[str, object]) -> None:
    """No halves of characters, no zero bytes, no times out of range, no address in the words."""
    read = sendgrid_event(told, now=NOW)

    for text in (read.detail, read.address, read.issue_ref, read.batch_id, read.key):
        assert text is not None
        assert "\0" not in text
        text.encode("utf-8")
    assert not re.search(r"\w@\w", read.detail)
    assert read.at <= NOW + timedelta(days=1)


# -- how far it came --------------------------------------------------------------------


@given(st.lists(st.sampled_from(list(EventKind)), max_size=12), st.randoms())
def test_a_row_ends_in_the_same_place_in_any_order(kinds: list[EventKind], order: Any) -> None:
    """Moved only from what is earlier; doubled and shuffled it comes out the same."""

    def ends(told: list[EventKind]) -> str:
        shown = ""
        for kind in told:
            moved = progress(kind)
            if moved is not None and shown in states_before(moved):
                shown = moved.value
        return shown

    shuffled = kinds * 2
    order.shuffle(shuffled)
    assert ends(shuffled) == ends(kinds)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (EventKind.OPENED, EventKind.DELIVERED),
        (EventKind.CLICKED, EventKind.DELIVERED),
        (EventKind.UNSUBSCRIBED, EventKind.DELIVERED),
        (EventKind.RESUBSCRIBED, None),
        (EventKind.UNKNOWN, None),
        (EventKind.BLOCKED, EventKind.BLOCKED),
    ],
)
def test_what_a_reader_does_proves_that_it_arrived(kind: EventKind, shown: EventKind | None) -> None:
    assert progress(kind) is shown


def test_the_way_of_a_delivery() -> None:
    """Everything before a complaint, in the order in which it overrules."""
    assert states_before(EventKind.COMPLAINED) == (
        "",
        "processed",
        "deferred",
        "delivered",
        "dropped",
        "blocked",
        "bounced",
    )


# -- what it does to the person -----------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (EventKind.BOUNCED, Effect(suppresses=SuppressionReason.BOUNCED)),
        (EventKind.COMPLAINED, Effect(suppresses=SuppressionReason.COMPLAINED, ends="complained")),
        (EventKind.UNSUBSCRIBED, Effect(ends="unsubscribed")),
    ],
)
def test_three_kinds_have_an_effect(kind: EventKind, expected: Effect) -> None:
    assert effect_of_event(of_kind(kind)) == expected


@pytest.mark.parametrize(
    "kind", sorted(set(EventKind) - {EventKind.BOUNCED, EventKind.COMPLAINED, EventKind.UNSUBSCRIBED})
)
def test_all_others_are_recorded_only(kind: EventKind) -> None:
    assert effect_of_event(of_kind(kind)) == Effect()


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("Bounced Address", Effect(suppresses=SuppressionReason.BOUNCED)),
        ("Invalid", Effect(suppresses=SuppressionReason.BOUNCED)),
        ("Spam Reporting Address", Effect(suppresses=SuppressionReason.COMPLAINED, ends="complained")),
        ("Unsubscribed Address", Effect(ends="unsubscribed")),
        ("Recipient List over Package Quota", Effect()),
        ("Spam Content (if spam checker app enabled)", Effect()),
        ("Invalid SMTPAPI header", Effect()),
        ("", Effect()),
    ],
)
def test_a_dropped_mail_is_held_against_the_address_only_if_the_reason_is_the_address(
    reason: str, expected: Effect
) -> None:
    assert effect_of_event(event(event="dropped", reason=reason)) == expected


def test_who_has_come_back_is_not_thrown_out_by_late_news() -> None:
    """The unsubscription is older than the subscription; a minute of a slow clock is no difference."""
    left = of_kind(EventKind.UNSUBSCRIBED, at=NOW)

    assert not ends_subscription(left, since=NOW + timedelta(hours=2))
    assert ends_subscription(left, since=NOW + timedelta(minutes=1))
    assert ends_subscription(left, since=None)
    assert not ends_subscription(of_kind(EventKind.BOUNCED), since=None)


def test_a_complaint_counts_whenever_it_arrives() -> None:
    assert ends_subscription(of_kind(EventKind.COMPLAINED, at=NOW), since=NOW + timedelta(days=2))


# -- reports by mail ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "diagnostic", "kind"),
    [
        ("5.1.1", "smtp; 550 5.1.1 unknown", "bounced"),
        ("5.1.2", "", "bounced"),
        ("5.4.4", "X-Postfix; Host not found", "bounced"),
        ("5.2.1", "mailbox disabled", "bounced"),
        ("5.0.0", "smtp; 550 No such user", "bounced"),
        ("", "smtp; 550 No such user", "bounced"),
        ("5.5.0", "smtp; 550 5.5.0 mailbox unavailable", "bounced"),
        ("5.2.2", "", "blocked"),
        ("5.2.3", "too large", "blocked"),
        ("5.3.4", "too large", "blocked"),
        ("5.4.7", "expired", "blocked"),
        ("5.6.0", "content", "blocked"),
        ("5.7.1", "", "blocked"),
        ("5.7.26", "", "blocked"),
        ("5.7.515", "", "blocked"),
        ("5.0.0", "smtp; 554 5.7.1 refused", "blocked"),
        ("4.2.2", "", "blocked"),
        ("4.0.0", "smtp; 450 try again", "blocked"),
        ("", "", "blocked"),
        ("nonsense", "from 192.0.2.5.1 at 5.1.1.1", "blocked"),
    ],
)
def test_a_failure_is_hard_only_where_the_address_is_to_blame(
    status: str, diagnostic: str, kind: str
) -> None:
    assert reported_kind("failed", status, diagnostic).value == kind


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("delayed", "deferred"),
        ("Delivered", "delivered"),
        ("relayed", "processed"),
        ("expanded", "processed"),
        ("exploded", "unknown"),
        ("", "unknown"),
    ],
)
def test_other_actions_do_not_look_at_the_code(action: str, kind: str) -> None:
    assert reported_kind(action, "5.1.1", "").value == kind


def test_the_servers_own_code_is_taken_only_where_the_report_knows_just_the_class() -> None:
    assert status_code("5.1.1", "smtp; 550 5.7.1 x") == "5.1.1"
    assert status_code("5.0.0 (other)", "smtp; 550 5.7.1 x") == "5.7.1"
    assert status_code("4.0.0", "smtp; 550 5.1.1 x") == "4.0.0"


@pytest.mark.parametrize(
    ("word", "kind"),
    [("abuse", "complained"), (" Abuse ", "complained"), ("not-spam", "unknown"), ("fraud", "unknown")],
)
def test_only_abuse_is_a_complaint(word: str, kind: str) -> None:
    assert complaint_kind(word).value == kind


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("550 <ann@example.org>: no", "550 <…>: no"),
        ("to=ann%40example.org&x", "…"),
        ("bounce=ann=40example.org", "…"),
        ("no\r\nsuch\tuser\x00", "no such user"),
        ("x" * 1000, "x" * 299 + "…"),
    ],
)
def test_words_of_servers_become_one_line_without_addresses(words: str, kept: str) -> None:
    assert without_addresses(words) == kept
