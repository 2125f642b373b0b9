"""The detector's weights and the command that scores them over the pages in tests/data/listings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from digest.sources.cards import WEIGHTS
from score_listings import PAGES, REACH, Fixture, load, main, scan


@pytest.fixture(scope="module")
def fixtures() -> dict[str, Fixture]:
    return {fixture.name: fixture for fixture in load()}


def test_every_page_is_right_with_the_weights_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} >= {page.stem for page in PAGES.glob("*.html")}
    assert not any("WRONG" in line for line in lines)


@pytest.mark.parametrize("setting", ["enough=20", "sign_dated=-5", "sign_unlikely_url=5"])
def test_a_spoiled_weight_makes_a_page_wrong(setting: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--set", setting]) == 1
    wrong = [line for line in capsys.readouterr().out.splitlines() if "WRONG" in line]
    assert len(wrong) > 1, "a page and the total"
    assert any(line.startswith("total") and "precision" in line for line in wrong)


@pytest.mark.parametrize("name", [name for name, _, _ in WEIGHTS.provenance()])
def test_the_table_names_the_pages_that_go_wrong_first(name: str, fixtures: dict[str, Fixture]) -> None:
    """A new page may pin more closely; `tests/score_listings.py --scan` shows what to write."""
    pinned = next(source.pinned_by for known, _, source in WEIGHTS.provenance() if known == name)
    moved = scan([fixtures[page] for page in pinned], name)
    assert set(pinned) == {*moved.wrong_below, *moved.wrong_above}

    value = getattr(WEIGHTS, name)
    for edge in (max(moved.low, value - REACH), min(moved.high, value + REACH)):
        changed = replace(WEIGHTS, **{name: edge})
        assert [page for page, fixture in fixtures.items() if not fixture.score(changed).is_right] == []


def test_a_scan_stops_where_the_first_page_goes_wrong(fixtures: dict[str, Fixture]) -> None:
    moved = scan(list(fixtures.values()), "sign_read_more")
    assert moved.low <= WEIGHTS.sign_read_more <= moved.high
    assert moved.wrong_below
    for value, are_right in ((moved.low, True), (moved.low - 0.1, False)):
        changed = replace(WEIGHTS, sign_read_more=value)
        assert all(fixtures[page].score(changed).is_right is are_right for page in moved.wrong_below)


def test_missed_and_invented_articles_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One card is not expected, and one expected article is missing."""
    beside = json.loads((PAGES / "named_list.json").read_text(encoding="utf-8"))
    count = len(beside["articles"])
    beside["articles"][0] = {**beside["articles"][0], "url": "https://site.example/never-written"}
    (tmp_path / "named_list.html").write_bytes((PAGES / "named_list.html").read_bytes())
    (tmp_path / "named_list.json").write_text(json.dumps(beside), encoding="utf-8")

    assert main(["--folder", str(tmp_path)]) == 1

    first = capsys.readouterr().out.splitlines()[1].split()
    share = f"{(count - 1) / count:.3f}"
    assert first == ["named_list", str(count - 1), str(count), str(count), share, share, "WRONG"]


@pytest.mark.parametrize("setting", ["no_such_weight=1", "enough=much", "enough=nan", "enough"])
def test_a_wrong_setting_is_refused(setting: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--set", setting])
    assert stopped.value.code == 2
    assert setting.partition("=")[0] in capsys.readouterr().err
