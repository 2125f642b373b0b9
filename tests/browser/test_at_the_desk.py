"""What editors live through at the desk, in a real browser, from logging in to the counts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from browser.conftest import PEOPLE, USUAL, Site, Visitor, usual_stories

pytestmark = [pytest.mark.slow, pytest.mark.needs("chromium")]

TITLES = [title for title, _, _ in USUAL]
NOT_PUBLIC = [
    *usual_stories()[:2],
    ("A page of our own network", "Mia Berg", "https://wiki.localhost/x", "Only we can read it.", ""),
    *usual_stories()[2:],
]


@pytest.mark.parametrize("stories", [NOT_PUBLIC], indirect=True)
def test_from_logging_in_to_the_counts(site: Site, visit: Callable[..., Visitor]) -> None:
    site.mail.before_accept = lambda: time.sleep(0.05)  # so that there is something to watch
    ann = visit().log_in("Ann").open()
    page = ann.page

    # A check stops it, and says what can be done.
    assert "Fix 1 blocker to approve" in page.inner_text(".approval")
    finding = page.locator('.finding[data-check="link-url"]')
    assert "A page of our own network" in finding.inner_text()

    # The order, by a real drag.
    lead, first, *_ = ann.order
    last = ann.order[-1]
    ann.lift(last)
    ann.carry(last, 1)
    ann.drop()
    page.locator("#toast:has-text('Undo')").wait_for()
    assert ann.order[:3] == [lead, last, first]

    # A headline, and the preview after it.
    page.locator("li.row", has_text=lead).locator("a.story").click()
    page.locator("#edit-headline").fill("Two regions, one answer")
    page.frame_locator("iframe.mail").locator("h2:has-text('Two regions, one answer')").wait_for()
    ann.wait_saved()
    assert "Two regions, one answer" in page.inner_text("li.row.chosen .title")
    page.keyboard.press("Escape")
    page.locator("#editor").wait_for(state="detached")

    # The block is mended where it is shown.
    finding.locator("text=Remove the story").click()
    page.fill("#reason", "our own network only")
    page.locator("#take-out .filled").click()
    page.locator("text=Fix 1 blocker").wait_for(state="detached")
    assert "Our own network only" in page.inner_text("#left-out")

    # Approved for now; it is watched until everybody has it.
    page.locator(".approval a.filled").click()
    page.locator("#approve [value=now]").check()
    page.locator("#approve .filled").click()
    page.locator("#progress").wait_for()
    ann.finds(".bar .chip:has-text('Sent')")
    shown = re.sub(r"\s+", " ", page.inner_text(".checks"))
    assert f"Accepted by the provider {PEOPLE}" in shown
    assert len(site.mail.taken) == PEOPLE
    assert len({taken.recipients for taken in site.mail.taken}) == PEOPLE
    assert all(b"Two regions, one answer" in taken.content for taken in site.mail.taken)
    assert ann.complaints == []


def test_an_edit_is_in_the_preview_in_a_moment(visit: Callable[..., Visitor]) -> None:
    """Measured in the page and printed; a busy test machine proves no number."""
    ann = visit().enter("Ann").open()
    ann.page.locator("li.row >> nth=1 >> a.story").click()
    field = ann.page.locator("#edit-headline")
    field.wait_for()
    taken = [ann.page.evaluate(_TYPE_AND_WAIT, f"Headline number {number}") for number in range(8)]

    ann.page.frame_locator("iframe.mail").locator("h3:has-text('Headline number 7')").wait_for()
    print(f"\nfrom the last key to the new preview: {', '.join(f'{ms:.0f}' for ms in taken)} ms")
    assert len(taken) == 8


_TYPE_AND_WAIT = """async text => {
  const field = document.querySelector('#edit-headline')
  const shown = document.querySelector('iframe.mail')
  const begin = performance.now()
  field.value = text
  field.dispatchEvent(new Event('input', { bubbles: true }))
  while (document.querySelector('iframe.mail') === shown) await new Promise(requestAnimationFrame)
  const taken = performance.now() - begin
  const isSaved = () => document.querySelector('#saved span').textContent === 'Saved'
  while (!isSaved()) await new Promise(requestAnimationFrame)
  return taken
}"""


def test_two_editors_at_once(visit: Callable[..., Visitor]) -> None:
    ann, bo = visit().enter("Ann").open(), visit().enter("Bo").open()
    ann.finds("#others li:has-text('Bo')")

    # Different things both hold, and each sees the other's.
    title = ann.order[1]
    bo.page.fill("#field-subject", "A week of quorums")
    ann.page.locator("li.row", has_text=title).locator("summary").click(force=True)
    ann.page.locator("li.row", has_text=title).locator("text=Make lead story").first.click()
    ann.sees("document.querySelector('#field-subject').value === 'A week of quorums'")
    bo.sees("title => document.querySelector('ol.stories[data-lead] .title').textContent === title", title)

    # The same text: both are shown, and a person chooses.
    for one in (ann, bo):
        one.page.locator("ol.stories[data-lead] a.story").click()
        one.page.locator("#edit-text").wait_for()
    ann.page.locator("#edit-text").press("End")
    bo.page.fill("#edit-text", "Bo’s words.")
    bo.wait_saved()
    ann.page.fill("#edit-text", "Ann’s words.")
    conflict = ann.page.locator(".conflict")
    conflict.wait_for()
    assert "Bo’s words." in conflict.inner_text()
    assert "Ann’s words." in conflict.inner_text()
    assert "Not saved" in ann.page.inner_text("#saved")

    conflict.locator("text=Keep mine").click()
    conflict.wait_for(state="detached")
    bo.page.locator("#panel-name").focus()
    bo.sees("document.querySelector('#edit-text').value === 'Ann’s words.'")
    ann.page.locator("#edit-text").press("End")  # a field that somebody writes in is left alone
    bo.page.fill("#edit-text", "Bo again.")
    bo.wait_saved()
    ann.page.fill("#edit-text", "Ann again.")
    conflict.locator("text=Use Bo’s").click()
    ann.wait("document.querySelector('#edit-text').value === 'Bo again.'")
    ann.wait_saved()
    assert ann.complaints == bo.complaints == []


def test_undo_by_button_key_and_toast(visit: Callable[..., Visitor]) -> None:
    ann = visit().enter("Ann").open()
    before = ann.order
    for undo in ("#undo button", "key", "#toast button"):
        ann.lift(before[-1])
        ann.carry(before[-1], 1)
        ann.drop()
        ann.wait_for_order(before[0], before[-1], *before[1:-1])
        if undo == "key":
            ann.page.keyboard.press("Control+z")
        else:
            ann.page.click(undo)
        ann.wait_for_order(*before)


def test_all_by_keys(visit: Callable[..., Visitor]) -> None:
    ann = visit().enter("Ann").open()
    page, before = ann.page, ann.order
    page.locator("li.row >> nth=2 >> .handle").focus()

    page.keyboard.press("Alt+ArrowUp")
    ann.wait_for_order(before[0], before[2], before[1], *before[3:])
    ann.wait(
        "title => document.activeElement.closest('.row')?.querySelector('.title').textContent === title",
        before[2],
    )
    page.locator(f"#live:has-text('“{before[2]}”')").wait_for(state="attached")
    assert "Now 1 of" in page.inner_text("#live")
    page.keyboard.press("Alt+ArrowUp")
    ann.wait_for_order(before[2], before[0], before[1], *before[3:])

    page.keyboard.press("Delete")
    page.locator("#take-out").wait_for()
    page.locator("#reason").focus()
    page.keyboard.type("too long")
    page.keyboard.press("Enter")
    ann.wait_for_order(before[0], before[1], *before[3:])
    page.keyboard.press("/")
    page.keyboard.type("cache")
    page.locator("#left-out h2:has-text('Search results')").wait_for()
    assert "/desk/weekly/1" in page.url
    page.locator("#left-out li button").first.focus()
    page.keyboard.press("Enter")
    ann.wait(f"document.querySelectorAll('ol.stories > li.row').length === {len(before)}")


def test_without_javascript_it_is_read_edited_and_approved(site: Site, visit: Callable[..., Visitor]) -> None:
    ann = visit(java_script_enabled=False).log_in("Ann").open()
    page, before = ann.page, ann.order

    page.locator("li.row >> nth=1 >> summary").click(force=True)
    ann.follow("li.row >> nth=1 >> text=Move down")
    assert ann.order == [before[0], before[2], before[1], *before[3:]]
    page.fill("#field-subject", "Without a script")
    ann.follow("#fact-subject button")
    assert page.locator("#field-subject").input_value() == "Without a script"
    ann.follow("li.row >> nth=0 >> a.story")
    page.fill("#edit-headline", "By a form")
    ann.follow("#editor form:has(#edit-headline) button")
    assert ann.order[0] == "By a form"
    ann.follow(".tabs a:has-text('Plain text')")
    assert "By a form" in page.inner_text("pre").replace("\u00a0", " ")

    ann.follow(".approval a:has-text('Approve')")
    ann.follow("#approve .filled")
    assert "Approved by Ann" in page.inner_text(".approval")
    assert '"approved"' in site.digest("show", "weekly/1", "--format", "json")


def test_what_was_written_survives_the_end_of_a_session_and_of_the_server(
    site: Site, visit: Callable[..., Visitor]
) -> None:
    ann = visit().log_in("Ann").open()
    ann.page.locator("#field-subject").focus()
    port = int(site.address.rpartition(":")[2])

    site.stop()
    ann.page.keyboard.type("Written in the dark")
    ann.page.locator("#lost:has-text('No connection')").wait_for()
    assert "Saving" in ann.page.inner_text("#saved")
    site.serve(port)
    ann.sees_saved()
    assert "Written in the dark" in site.digest("show", "weekly/1", "--format", "json")

    site.digest("editors", "role", "Ann", "publisher")  # which ends every session of hers
    ann.page.keyboard.type(" and logged out")
    ann.page.locator("#lost:has-text('You are logged out')").wait_for()
    again = ann.page.context.new_page()
    Visitor(site=site, page=again).log_in("Ann")
    ann.loses("#lost")
