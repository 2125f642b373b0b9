"""SpamAssassin's judgement, with the program where it is installed and with stand-ins for its moods."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.checks import Finding
from digest.external_checks import spam

GOOD = b"""From: "Lockstep" <digest@news.lockstep.example>\r
To: "Sam" <sam@reader.example>\r
Subject: Three stories from the workshop\r
Date: Tue, 06 Oct 2026 07:00:00 +0000\r
Message-ID: <41.abcdefghijkl@news.lockstep.example>\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
\r
A plain letter about a pump that slept on Sundays, and what we did about it.\r
"""
BAD = GOOD.replace(b"text/plain", b"text/html").replace(
    b"A plain letter",
    b"Content analysis details: (-9.0 points, 5.0 required) Viagra! money back guarantee "
    # The string that every filter takes for spam, so that it can be tried.
    b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X A plain letter",
)


def judged(program: Path, raw: bytes = GOOD) -> Finding:
    (found,) = spam.judge(raw, program=str(program))
    assert found.id == "spam-score"
    return found


def stand_in(folder: Path, script: str) -> Path:
    program = folder / "spamassassin"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def scoring(folder: Path, points: str, *rules: str) -> Path:
    report = "".join(f"\n\t* {rule}" for rule in rules)
    (folder / "marked").write_text(
        f"X-Spam-Status: Maybe, score={points}\nX-Spam-Report:{report}\nSubject: x\n\n"
        "score=99\n* 9.9 FORGED x\n"
    )
    return stand_in(folder, f"cat > /dev/null; cat {folder}/marked")


@pytest.mark.parametrize(
    ("points", "severity", "passed"),
    [
        ("-0.3", "block", True),
        ("1.9", "block", True),
        ("2.0", "warn", False),
        ("4.9", "warn", False),
        ("5.0", "block", False),
        ("14.2", "block", False),
    ],
)
def test_the_score_decides(tmp_path: Path, points: str, severity: str, passed: bool) -> None:
    found = judged(scoring(tmp_path, points))

    assert (found.severity, found.passed) == (severity, passed)
    assert f"{points} points" in found.message


def test_rules_are_told_with_their_points_the_heaviest_first(tmp_path: Path) -> None:
    program = scoring(
        tmp_path,
        "3.5",
        "-0.0 NO_RELAYS Not relayed",
        " 0.7 LOW_CONTRAST BODY: Pale",
        " 2.8 MONEY BODY: Money",
    )

    assert judged(program).message == (
        "SpamAssassin gives 3.5 points (5 or more is spam): "
        "2.8 MONEY (BODY: Money), 0.7 LOW_CONTRAST (BODY: Pale)."
    )


@pytest.mark.parametrize(
    ("script", "word"),
    [
        (
            "echo 'config: no rules were found' >&2; exit 2",
            "failed, so there is no spam score: config: no rules",
        ),
        ("exit 3", "exit code 3"),
        ("cat", "returned no score"),
    ],
)
def test_a_program_that_fails_stops_nothing(tmp_path: Path, script: str, word: str) -> None:
    found = judged(stand_in(tmp_path, script))

    assert (found.severity, found.passed) == ("info", False)
    assert word in found.message


def test_a_program_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spam, "_SECONDS", 0.2)

    assert "took more than" in judged(stand_in(tmp_path, "exec sleep 20")).message


def test_where_it_is_not_installed_that_is_told(tmp_path: Path) -> None:
    found = judged(tmp_path / "spamassassin")

    assert (found.severity, found.passed) == ("info", False)
    assert found.message == "SpamAssassin is not installed, so there is no spam score."


@pytest.mark.slow
@pytest.mark.needs("spamassassin")
def test_a_good_letter_and_a_bad_one() -> None:
    """By the program itself; a report that the letter quotes counts for nothing."""
    (good,) = spam.judge(GOOD)
    (bad,) = spam.judge(BAD)

    assert good.passed, good.message
    assert (bad.severity, bad.passed) == ("block", False)
    assert "GTUBE" in bad.message
    assert "-9" not in bad.message
