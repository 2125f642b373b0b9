"""What an editor wrote is saved, or shown until somebody has chosen: never dropped in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from browser.conftest import Site, Visitor

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]


def texts(site: Site) -> str:
    """All that the issue says."""
    return json.dumps(json.loads(site.digest("show", "weekly/1", "--format", "json")), ensure_ascii=False)


def opened(visitor: Visitor, place: int = 0) -> Visitor:
    visitor.page.locator(f"li.row >> nth={place} >> a.story").click()
    visitor.page.locator("#edit-text").wait_for()
    return visitor


def in_conflict(visit: Callable[..., Visitor]) -> tuple[Visitor, Visitor]:
    """Both wrote the lead's text, Bo first."""
    ann, bo = opened(visit().enter("Ann").open()), opened(visit().enter("Bo").open())
    ann.page.click("#edit-text")
    bo.page.fill("#edit-text", "Bo’s words.")
    bo.wait_saved()
    ann.page.fill("#edit-text", "Ann’s words.")
    ann.page.locator(".conflict").wait_for()
    return ann, bo


def take_out(visitor: Visitor, place: int) -> None:
    row = visitor.page.locator(f"li.row >> nth={place}")
    row.locator(".handle").focus()
    visitor.page.keyboard.press("Delete")
    visitor.page.locator("#take-out .filled").click()
    visitor.page.locator("#take-out").wait_for(state="detached")


@pytest.mark.parametrize("field", ["#field-subject", "#edit-headline"])
def test_enter_saves_what_was_typed_a_moment_before(
    site: Site, visit: Callable[..., Visitor], field: str
) -> None:
    ann = opened(visit().enter("Ann").open())
    ann.page.fill(field, "Typed and sent by Enter")
    ann.page.keyboard.press("Enter")
    ann.wait_saved()
    assert "Typed and sent by Enter" in texts(site)


def test_escape_right_after_the_last_key_saves_and_closes(site: Site, visit: Callable[..., Visitor]) -> None:
    ann = opened(visit().enter("Ann").open(), 1)
    ann.page.locator("#edit-headline").press("End")
    ann.page.keyboard.type(" in databases")
    ann.page.keyboard.press("Escape")
    ann.page.locator("#editor").wait_for(state="detached")
    ann.wait_saved()
    ann.look_twice()
    assert ann.page.locator("#editor").count() == 0
    assert " in databases" in texts(site)


def test_going_back_in_the_middle_of_a_save_loses_nothing(site: Site, visit: Callable[..., Visitor]) -> None:
    ann = opened(visit().enter("Ann").open(), 1)
    held: list[Any] = []
    ann.page.route("**/edit*", lambda route: route.continue_() if held else held.append(route))
    ann.page.locator("#edit-headline").press("End")
    ann.page.keyboard.type(" one")
    ann.wait_until(lambda: held)
    ann.page.keyboard.type(" two three")
    ann.page.go_back()
    ann.page.locator("#editor").wait_for(state="detached")
    held[0].continue_()
    ann.wait_saved()
    assert " one two three" in texts(site)
    assert ann.complaints == []


@pytest.mark.parametrize("way", ["escape", "close", "other story", "back", "other field", "plain text"])
def test_a_conflict_stays_until_somebody_has_chosen(visit: Callable[..., Visitor], way: str) -> None:
    ann, _ = in_conflict(visit)
    page = ann.page
    if way == "escape":
        page.locator("#edit-text").press("Escape")
    elif way == "close":
        page.locator("#over .close").click()
    elif way == "other story":
        page.locator("li.row >> nth=3 >> a.story").click()
    elif way == "back":
        page.go_back()
    elif way == "other field":
        page.fill("#field-preheader", "Another field")
    else:
        page.locator(".tabs a:has-text('Plain text')").click()
    ann.look_twice()
    conflict = page.locator(".conflict")
    conflict.wait_for()
    assert "Ann’s words." in conflict.inner_text()
    assert "Bo’s words." in conflict.inner_text()
    assert "Not saved" in page.inner_text("#saved")

    conflict.locator("text=Keep mine").click()
    ann.wait_saved()
    page.locator(".conflict").wait_for(state="detached")
    page.locator("li.row >> nth=0 >> a.story").click()
    ann.wait("document.querySelector('#edit-text')?.value === 'Ann’s words.'")
    assert ann.complaints == []


def test_theirs_can_be_chosen_after_the_panel_was_closed(visit: Callable[..., Visitor]) -> None:
    ann, _ = in_conflict(visit)
    ann.page.locator("#over .close").click()
    ann.page.locator("#editor").wait_for(state="detached")
    ann.page.locator(".conflict >> text=Use Bo’s").click()
    ann.wait_saved()
    opened(ann)
    assert ann.page.input_value("#edit-text") == "Bo’s words."


def test_what_was_written_offline_is_saved_although_its_panel_was_left(
    site: Site, visit: Callable[..., Visitor]
) -> None:
    ann = opened(visit().enter("Ann").open(), 1)
    ann.page.context.set_offline(True)
    ann.page.locator("#edit-headline").press("End")
    ann.page.keyboard.type(" offline")
    ann.page.locator("#lost").wait_for()
    ann.page.keyboard.press("Enter")
    ann.page.go_back()
    ann.page.context.set_offline(False)
    ann.loses("#lost")
    ann.sees_saved()
    ann.wait_until(lambda: " offline" in texts(site))


def test_what_was_written_for_a_story_that_is_gone_is_shown(
    site: Site, visit: Callable[..., Visitor]
) -> None:
    ann, bo = opened(visit().enter("Ann").open(), 1), visit().enter("Bo").open()
    ann.page.click("#edit-text")
    site.digest("editors", "role", "Ann", "publisher")  # which ends every session of hers
    ann.page.keyboard.type("Ann’s words.")
    ann.page.locator("#lost:has-text('You are logged out')").wait_for()
    take_out(bo, 1)
    again = ann.page.context.new_page()
    Visitor(site=site, page=again).log_in("Ann")
    conflict = ann.finds(".conflict")
    assert "Ann’s words." in conflict.inner_text()
    assert "is no longer in this issue" in conflict.inner_text()
    assert conflict.locator("text=Keep mine").count() == 0  # there is nowhere to keep it
    conflict.locator("a").click()
    conflict.wait_for(state="detached")
    ann.wait_saved()
    assert ann.page.url.partition("?")[0].endswith("/desk/weekly/1")


def test_what_was_written_while_it_is_sent_is_shown(site: Site, visit: Callable[..., Visitor]) -> None:
    ann, bo = visit().enter("Ann").open(), visit().enter("Bo").open("?open=approve")
    ann.page.context.set_offline(True)
    ann.page.click("#field-subject")
    ann.page.keyboard.type("Too late")
    ann.page.locator("#lost").wait_for()
    bo.page.locator("#approve [value=now]").check()
    bo.page.locator("#approve .filled").click()
    bo.finds(".bar .chip:has-text('Sent')")
    ann.page.context.set_offline(False)
    error = ann.finds(".card.error")
    assert "Too late" in error.inner_text()
    ann.look_twice()  # it is not taken away by what comes next
    assert "Too late" in error.inner_text()
    error.locator("a").click()
    error.wait_for(state="detached")
    assert ann.page.url.partition("?")[0].endswith("/desk/weekly/1")


def test_a_headline_that_was_cleared_comes_back(visit: Callable[..., Visitor]) -> None:
    ann, bo = opened(visit().enter("Ann").open()), visit().enter("Bo").open()
    before = ann.page.input_value("#edit-headline")
    held: list[Any] = []
    is_holding = [True]

    def hold(route: Any) -> None:
        if is_holding:
            held.append(route)
        else:
            route.continue_()

    ann.page.route("**/pulse", hold)  # what it answers would have the headline written back
    ann.page.fill("#edit-headline", "")
    ann.page.wait_for_timeout(300)
    assert "Not saved" in ann.page.inner_text("#saved")
    is_holding.clear()  # and not `unroute`, which may itself let go what is held
    for route in held:
        route.continue_()
    bo.page.fill("#field-subject", "A week of quorums")
    ann.sees("document.querySelector('#field-subject').value === 'A week of quorums'")
    ann.page.keyboard.press("Tab")
    ann.wait_saved()
    assert ann.page.input_value("#edit-headline") == before
    assert "the previous one was kept" in ann.page.inner_text("#toast")


def test_undo_in_a_toast_undoes_nobody_else_s_step(site: Site, visit: Callable[..., Visitor]) -> None:
    ann, bo = visit().enter("Ann").open(), visit().enter("Bo").open()
    title = ann.order[2]
    ann.page.locator("li.row", has_text=title).locator("summary").click(force=True)
    ann.page.locator("li.row", has_text=title).locator("text=Make lead story").first.click()
    ann.page.locator("#toast button").wait_for()
    bo.page.fill("#field-subject", "A week of quorums")
    ann.sees("document.querySelector('#field-subject').value === 'A week of quorums'")
    assert ann.page.locator("#toast button:visible").count() == 0
    assert "A week of quorums" in texts(site)


def test_a_field_that_shows_what_is_not_so_any_more_says_so(visit: Callable[..., Visitor]) -> None:
    ann, bo = visit().enter("Ann").open(), visit().enter("Bo").open()
    bo.page.click("#field-subject")
    bo.page.keyboard.type("Bo wrote")
    bo.wait_saved()
    ann.sees("document.querySelector('#field-subject').value === 'Bo wrote'")
    ann.page.locator("#undo button").click()
    bo.finds("#saved:has-text('Changed by someone else')")
    assert bo.page.input_value("#field-subject") == "Bo wrote"
    bo.page.locator("#outline").click()
    bo.sees("document.querySelector('#field-subject').value === ''")
    bo.sees_saved()


def test_a_reset_right_after_typing_is_no_conflict_with_oneself(visit: Callable[..., Visitor]) -> None:
    ann = opened(visit().enter("Ann").open())
    before = ann.page.input_value("#edit-text")
    ann.page.fill("#edit-text", "First words")
    ann.wait_saved()
    held: list[Any] = []
    ann.page.route("**/edit*", lambda route: route.continue_() if held else held.append(route))
    ann.page.click("#edit-text")
    ann.page.keyboard.type(" and more")
    ann.page.locator("form.source:has([value=text]) button").click()
    ann.wait_until(lambda: held)
    ann.page.wait_for_timeout(200)
    held[0].continue_()
    ann.wait(f"document.querySelector('#edit-text').value === {json.dumps(before)}")
    assert ann.page.locator(".conflict").count() == 0


def test_an_open_story_that_is_taken_out_is_told(visit: Callable[..., Visitor]) -> None:
    ann, bo = opened(visit().enter("Ann").open(), 1), visit().enter("Bo").open()
    ann.page.locator("#panel-name").focus()
    take_out(bo, 1)
    ann.finds("#toast:has-text('was removed')")
    assert "open=edit" not in ann.page.url


def test_a_link_that_was_made_stays_while_others_edit(visit: Callable[..., Visitor]) -> None:
    ann, bo = visit().enter("Ann").open("?open=share"), visit().enter("Bo").open()
    ann.page.locator("#share .filled").click()
    ann.page.locator("#link").wait_for()
    link = ann.page.input_value("#link")
    bo.page.fill("#field-subject", "A week of quorums")
    bo.wait_saved()
    ann.look_twice()
    assert ann.page.input_value("#link") == link


def test_escape_puts_a_dragged_story_back(visit: Callable[..., Visitor]) -> None:
    ann = visit().enter("Ann").open()
    before = ann.order
    for _ in range(2):
        ann.lift(before[4])
        ann.carry(before[4], 1)
        ann.page.keyboard.press("Escape")
        ann.wait_for_order(*before)
        ann.drop()
    ann.look_twice()
    assert ann.order == before
    ann.lift(before[4])  # and the next one is carried out
    ann.carry(before[4], 1)
    ann.drop()
    ann.wait_for_order(before[0], before[4], *before[1:4], *before[5:])
