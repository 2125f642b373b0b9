"""Answers that come late, twice or never: the page shows what is so, and nobody's panel is taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from browser.conftest import Visitor

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]


def test_a_field_shows_what_undo_brought_back(visit: Callable[..., Visitor]) -> None:
    ann = visit().enter("Ann").open()
    ann.page.click("#field-subject")
    ann.page.keyboard.type("Typed by Ann")
    ann.wait_saved()
    ann.page.locator("#undo button").click()
    ann.page.locator("#toast:has-text('Undid')").wait_for()
    ann.wait("document.querySelector('#field-subject').value === ''")


def test_a_field_shows_what_a_reset_brought_back(visit: Callable[..., Visitor]) -> None:
    ann = visit().enter("Ann").open()
    title = ann.order[1]
    ann.page.locator("li.row >> nth=1 >> a.story").click()
    ann.page.fill("#edit-headline", "Another headline")
    ann.wait_saved()
    ann.page.locator("text=Reset to source").first.click()
    ann.wait("title => document.querySelector('#edit-headline').value === title", title)


def test_what_was_typed_stays_with_its_story(visit: Callable[..., Visitor]) -> None:
    ann = visit().enter("Ann").open()
    ann.page.locator("li.row >> nth=1 >> a.story").click()
    ann.page.click("#edit-topic")
    ann.page.keyboard.type("Databases")
    ann.wait_saved()
    second = ann.order[2]
    ann.page.locator("li.row >> nth=2 >> a.story").click()
    ann.wait("title => document.querySelector('#edit-headline').value === title", second)
    assert ann.page.input_value("#edit-topic") == ""


def test_a_drag_that_did_not_arrive_does_not_stay_on_the_page(visit: Callable[..., Visitor]) -> None:
    ann = visit().enter("Ann").open()
    before = ann.order
    ann.page.context.set_offline(True)
    ann.lift(before[4])
    ann.carry(before[4], 1)
    ann.drop()
    ann.page.locator("#lost").wait_for()
    ann.page.context.set_offline(False)
    ann.loses("#lost")
    ann.wait_for_order(*before)


def test_a_panel_stays_when_a_save_comes_back_later(visit: Callable[..., Visitor]) -> None:
    ann = visit().enter("Ann").open()
    held: list[Any] = []
    ann.page.route("**/edit*", lambda route: route.continue_() if held else held.append(route))
    ann.page.click("#field-subject")
    ann.page.keyboard.type("Some")
    ann.wait_until(lambda: held)
    ann.page.keyboard.type(" words")  # while the first save is on its way
    ann.page.locator(".approval a.filled").click()
    held[0].continue_()
    ann.wait_saved()
    ann.look_twice()
    assert ann.page.input_value("#field-subject") == "Some words"
    assert ann.page.locator("#approve").count() == 1


def test_a_double_click_on_approve_is_one_approval(visit: Callable[..., Visitor]) -> None:
    ann = visit().enter("Ann").open("?open=approve")
    ann.page.locator("#approve .filled").dblclick()
    ann.page.locator(".approval:has-text('Approved by Ann')").wait_for()
    ann.look_twice()
    assert ann.page.locator(".card.error").count() == 0


def test_an_answer_takes_nothing_out_of_the_hand(visit: Callable[..., Visitor]) -> None:
    ann, bo = visit().enter("Ann").open(), visit().enter("Bo").open()
    before = ann.order
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    ann.page.route("**/desk/weekly/1", hold)  # what Ann's window asks for once Bo has changed it
    bo.page.fill("#field-subject", "A week of quorums")
    bo.wait_saved()
    ann.wait_until(lambda: held, looks=True)
    ann.lift(before[4])
    held[0].continue_()
    ann.page.wait_for_timeout(700)  # it is there by now, and waits
    assert ann.page.input_value("#field-subject") == ""
    ann.page.unroute("**/desk/weekly/1")
    ann.carry(before[4], 1)
    ann.drop()
    ann.sees("document.querySelector('#field-subject').value === 'A week of quorums'")
    ann.wait_for_order(before[0], before[4], *before[1:4], *before[5:])
    assert ann.complaints == []


def test_a_field_somebody_sits_in_shows_what_others_wrote_once_it_is_left(
    visit: Callable[..., Visitor],
) -> None:
    ann, bo = visit().enter("Ann").open(), visit().enter("Bo").open()
    for one in (ann, bo):
        one.page.locator("ol.stories[data-lead] a.story").click()
        one.page.locator("#edit-text").wait_for()
    stood = bo.page.input_value("#edit-text")
    bo.page.click("#edit-text")
    ann.page.fill("#edit-text", "Ann’s words.")
    ann.page.fill("#field-subject", "A week of quorums")
    bo.sees("document.querySelector('#field-subject').value === 'A week of quorums'")
    bo.look_twice()
    assert bo.page.input_value("#edit-text") == stood  # nothing changes under the hand
    bo.page.locator("#panel-name").focus()
    bo.sees("document.querySelector('#edit-text').value === 'Ann’s words.'")


def test_what_is_written_over_a_text_that_others_changed_is_a_conflict(visit: Callable[..., Visitor]) -> None:
    ann, bo = visit().enter("Ann").open(), visit().enter("Bo").open()
    bo.page.click("#field-preheader")
    ann.page.fill("#field-preheader", "Ann’s words")
    ann.page.fill("#field-subject", "A week of quorums")
    bo.sees("document.querySelector('#field-subject').value === 'A week of quorums'")
    bo.page.keyboard.type("Bo’s words")
    conflict = bo.page.locator(".conflict")
    conflict.wait_for()
    assert "Ann’s words" in conflict.inner_text()


def test_what_was_unfolded_stays_unfolded(visit: Callable[..., Visitor]) -> None:
    ann, bo = visit().enter("Ann").open(), visit().enter("Bo").open()
    checks = bo.page.locator(".checks details:not([id]) >> nth=0")
    menu = bo.page.locator("details.row-menu >> nth=2")
    for details in (checks, menu):  # a click elsewhere closes a menu
        details.locator("summary").click(force=True)
    ann.page.fill("#field-subject", "A week of quorums")
    bo.sees("document.querySelector('#field-subject').value === 'A week of quorums'")
    assert checks.get_attribute("open") is not None
    assert menu.get_attribute("open") is not None
