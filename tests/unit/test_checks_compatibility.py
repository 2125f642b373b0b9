"""What each mail program shows differently: only what is true of it, and no alarm for what was meant so."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.issues import NAMES, example, of_teasers, teaser
from data.issues.messages import MESSAGE, findings, with_html
from digest.checks import FAMILIES
from digest.checks.compatibility import (
    ACCEPTED,
    PROGRAMS,
    RenderingDifference,
    caniemail,
    compared,
    differences,
)
from digest.checks.features import FEATURES
from digest.model.article import Image
from digest.model.issue import Layout, Section

DATA = Path(__file__).parents[2] / "src" / "digest" / "checks" / "caniemail"


def found(html: str, client: str, platform: str) -> dict[str, RenderingDifference]:
    [program] = [p for p in differences(html) if (p.client, p.platform) == (client, platform)]
    return {difference.feature: difference for difference in program.different}


def known(answer: str, **notes: str) -> dict[str, Any]:
    """Data in which Gmail on the web answers so about rounded corners."""
    stats = {"gmail": {"desktop-webmail": {"2020-01": "y", "2019-01": answer}}}
    return {"css-border-radius": {"title": "border-radius", "stats": stats, "notes_by_num": notes}}


ROUND = '<p style="border-radius:4px">x</p>'


class TestAnswers:
    def of_gmail(self, data: dict[str, Any], html: str = ROUND) -> tuple[RenderingDifference, ...]:
        return compared(html, data)[0].different

    def test_the_last_version_wins(self) -> None:
        """In the order of the data, whatever the versions are called."""
        assert [d.support.value for d in self.of_gmail(known("n"))] == ["none"]
        assert self.of_gmail(known("y #1", **{"1": "Supported so far."})) == ()

    def test_unknown_is_not_different(self) -> None:
        assert self.of_gmail(known("u")) == ()
        assert compared(ROUND, known("n"))[1].different == ()
        assert compared(ROUND, {})[0].different == ()

    def test_a_note_comes_as_plain_text(self) -> None:
        [difference] = self.of_gmail(known("a #2", **{"2": "Only `x`, see [there](https://a.example)."}))

        assert (difference.support.value, difference.note) == ("partly", "Only x, see there.")

    def test_an_exception_that_is_not_met_is_no_difference(self) -> None:
        slash = known("a #1", **{"1": "Elliptical borders with the slash are not supported."})

        assert self.of_gmail(slash) == ()
        assert len(self.of_gmail(slash, '<p style="border-radius:4px/2px">x</p>')) == 1

    def test_partly_without_a_note_is_told(self) -> None:
        assert len(self.of_gmail(known("a"))) == 1


class TestPrograms:
    def test_classic_outlook_has_square_corners(self) -> None:
        html = f"<h2>A story</h2>{ROUND}"

        assert found(html, "Outlook", "Windows, classic")["css-border-radius"].effect == "Corners are square."
        assert found(html, "Apple Mail", "iOS") == {}

    def test_the_story_is_named(self) -> None:
        message = with_html(
            '<img src="https://img.lockstep.example/2.png"', '<img src="https://a.example/2.webp"'
        )
        difference = found(message.html, "Outlook", "Windows, classic")["image-webp"]

        assert difference.where == "Story number 2 of the week"

    def test_what_is_not_for_word_does_not_trouble_word(self) -> None:
        html = f"<!--[if !mso]><!-->{ROUND}<!--<![endif]--><p>x</p>"

        assert found(html, "Outlook", "Windows, classic") == {}
        assert "css-border-radius" in found(html, "GMX", "web")

    def test_dark_colours_say_what_the_program_does_instead(self) -> None:
        html = "<style>@media (prefers-color-scheme:dark){p{color:red}}</style><p>x</p>"
        slug = "css-at-media-prefers-color-scheme"

        assert found(html, "Gmail", "iOS")[slug].effect.endswith("Gmail inverts light and dark by itself.")
        assert slug not in found(html, "Apple Mail", "macOS")

    def test_colours_for_outlook_alone_are_nobodys_loss(self) -> None:
        assert all(
            {difference.feature for difference in program.different} <= {"html-style"}
            for program in differences("<style>[data-ogsc] p{color:rgba(0,0,0,.5)}</style><p>x</p>")
        )

    def test_a_hidden_table_is_seen_in_classic_outlook(self) -> None:
        """And a hidden line is not: a preheader has no table in it."""
        table = '<div style="display:none"><table><tr><td>x</td></tr></table></div>'

        assert "css-display-none" in found(table, "Outlook", "Windows, classic")
        assert found('<div style="display:none">x</div>', "Outlook", "Windows, classic") == {}


class TestCheck:
    def test_what_the_templates_give_up_is_accepted(self) -> None:
        assert findings("compatibility", with_html("<p>", '<p style="border-radius:4px">')) == []

    def test_anything_else_is_one_sentence_and_never_stops_an_issue(self) -> None:
        html = MESSAGE.html.replace(
            "<p>",
            '<p style="display:flex;gap:4px;box-shadow:0 0 4px red;background:linear-gradient(red,blue)">',
        )
        [finding] = findings("compatibility", replace(MESSAGE, html=html))

        assert finding.severity.value == "info"
        assert finding.message.startswith("Outlook (Windows, classic) shows ")
        assert "flexible rows" in finding.message
        assert "other apps show" in finding.message

    def test_it_has_its_own_family(self) -> None:
        assert [check.id for check in FAMILIES["Mail apps"].CHECKS] == ["compatibility"]

    def test_the_baseline_is_what_the_templates_use_and_no_more(self) -> None:
        """A feature that they stop using leaves it; one that they begin to use is a decision."""
        lost = {
            difference.feature
            for name in NAMES
            for program in differences(example(name).rendered().html)
            for difference in program.different
        }

        assert lost == ACCEPTED


class TestData:
    def test_they_are_as_they_were_published(self) -> None:
        """Edited by nobody: the file says what it holds."""
        facts = json.loads((DATA / "features.json").read_text("utf-8"))
        canonical = json.dumps(facts["features"], sort_keys=True).encode()

        assert hashlib.sha256(canonical).hexdigest() == facts["sha256"]
        assert (facts["package"], facts["licence"]) == ("caniemail", "MIT")
        assert re.fullmatch(r"\d+\.\d+\.\d+", facts["version"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", facts["date"])
        assert re.fullmatch(r"[0-9a-f]{64}", facts["source_sha256"])

    def test_their_licence_goes_with_them(self) -> None:
        licence = (DATA / "LICENSE").read_text("utf-8")

        assert licence.startswith("MIT License")
        assert "Permission is hereby granted, free of charge" in licence
        assert "HTeuMeuLeu" in (DATA / "README.md").read_text("utf-8")

    def test_every_feature_and_program_of_ours_is_in_them(self) -> None:
        """A slug with a mistake would be silent for ever."""
        assert {feature.slug for feature in FEATURES} - set(caniemail()) == set()
        stats = caniemail()["css-border-radius"]["stats"]
        assert [p for p in PROGRAMS if p.system not in stats.get(p.family, {})] == []

    def test_help_does_not_load_them(self) -> None:
        program = (
            "import sys\nfrom digest.cli import main\n"
            "try: main()\nexcept SystemExit: pass\n"
            "assert 'digest.checks' not in sys.modules\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=False
        )

        assert done.returncode == 0, done.stderr


def ten_cards() -> str:
    """What the templates show in full, with its pictures; further stories they only list."""
    pictured = [
        teaser(n, image=Image(url=f"https://a.example/{n}.png", alt="x", width=640, height=360))
        for n in range(1, 12)
    ]
    sections = (Section(title="All", teasers=tuple(pictured[1:])),)
    issue = replace(of_teasers(pictured[0]), layout=Layout(lead=pictured[0], sections=sections))
    return issue.rendered().html


def test_sixty_cards_take_no_time() -> None:
    caniemail()
    before, body = ten_cards().split("<body", 1)
    took = []
    for number in range(3):  # another page each time, so that nothing is remembered
        html = f"{before}<body{body * 6}<!--{number}-->"
        assert html.count("<img") >= 60
        began = time.process_time()
        differences(html)
        took.append(time.process_time() - began)

    assert min(took) < 0.1


@pytest.mark.parametrize("html", ["", "<p>", "\x00", "<style>", "<style>}{</style><p style='{'>"])
def test_broken_html_has_an_answer(html: str) -> None:
    assert len(differences(html)) == len(PROGRAMS)
