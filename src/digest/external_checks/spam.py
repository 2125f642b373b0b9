"""Scores the message with SpamAssassin, if it is installed.  It makes no network requests.

The score is read from the headers it adds, never from the report it prints: a
story may quote such a report, and SpamAssassin first removes headers of that name.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from email.parser import BytesHeaderParser
from typing import NamedTuple

from digest.checks import Finding, Problem, Severity, verdict

ID = "spam-score"
SPAM = 5.0  # SpamAssassin's own threshold
SUSPECT = 2.0

_SECONDS = 60
_PROGRAM = "spamassassin"
_OPTIONS = (
    "--test-mode",
    "--local",  # no look-ups
    "-x",  # no preferences of a user
    "--cf=use_bayes 0",  # what this machine has learned says nothing about other receivers
    "--cf=report_safe 0",
    "--cf=required_score 5",
    "--cf=add_header all Status _YESNO_, score=_SCORE_",
    "--cf=add_header all Report _REPORT_",
)
_SCORE = re.compile(r"score=(-?\d+(?:\.\d+)?)")
_RULE = re.compile(r"^[ \t]*\* {1,2}(-?\d+(?:\.\d+)?) ([A-Z][A-Z0-9_]+) (.*)$", re.MULTILINE)


class SpamRule(NamedTuple):
    points: float
    name: str
    meaning: str


class Score(NamedTuple):
    points: float
    rules: tuple[SpamRule, ...]  # those that count, the heaviest first


def judge(raw: bytes, *, program: str = _PROGRAM) -> tuple[Finding, ...]:
    """The score of one whole message; if there is none, a finding says so and blocks nothing."""
    if shutil.which(program) is None:
        return _missing("SpamAssassin is not installed, so there is no spam score.")
    try:
        marked = _run(raw, program)
    except subprocess.TimeoutExpired:
        return _missing(f"SpamAssassin took more than {_SECONDS} seconds, so there is no spam score.")
    except (OSError, subprocess.CalledProcessError) as error:
        return _missing(f"SpamAssassin failed, so there is no spam score: {_reason(error)}.")
    score = score_in(marked)
    if score is None:
        return _missing("SpamAssassin returned no score.")
    return tuple(verdict(ID, Severity.BLOCK, f"SpamAssassin gives {_account(score)}", _problems(score)))


def score_in(marked: bytes) -> Score | None:
    """The score in the headers of a message that came back from SpamAssassin."""
    headers = BytesHeaderParser().parsebytes(marked)
    found = _SCORE.search(str(headers.get("X-Spam-Status", "")))
    if not found:
        return None
    report = str(headers.get("X-Spam-Report", ""))
    rules = [
        SpamRule(float(points), name, meaning.strip()) for points, name, meaning in _RULE.findall(report)
    ]
    counting = [rule for rule in rules if rule.points]
    return Score(float(found[1]), tuple(sorted(counting, key=lambda rule: -rule.points)))


def _run(raw: bytes, program: str) -> bytes:
    # It creates a folder in the user's home, so it gets a temporary one.
    with tempfile.TemporaryDirectory(prefix="digest-") as home:
        done = subprocess.run(  # noqa: S603 - a fixed program, the message on its standard input
            [program, *_OPTIONS],
            input=raw,
            capture_output=True,
            check=True,
            timeout=_SECONDS,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "LC_ALL": "C"},
        )
    return done.stdout


def _problems(score: Score) -> list[Problem]:
    if score.points < SUSPECT:
        return []
    severity = Severity.BLOCK if score.points >= SPAM else Severity.WARN
    return [Problem(f"SpamAssassin gives {_account(score)}", severity=severity)]


def _account(score: Score) -> str:
    total = f"{score.points:.1f} points ({SPAM:g} or more is spam)"
    rules = ", ".join(f"{rule.points:g} {rule.name} ({rule.meaning})" for rule in score.rules)
    return f"{total}: {rules}." if rules else f"{total}."


def _missing(message: str) -> tuple[Finding, ...]:
    return tuple(verdict(ID, Severity.INFO, "", [Problem(message)]))


def _reason(error: OSError | subprocess.CalledProcessError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    lines: list[str] = error.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else f"exit code {error.returncode}"
