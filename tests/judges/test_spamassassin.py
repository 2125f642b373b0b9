"""SpamAssassin, without the network and without anything learned, about every mailing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping

import pytest

from data.issues.mailings import NAMES, mailing

pytestmark = pytest.mark.needs("spamassassin")

STATUS = re.compile(rb"(?ms)^X-Spam-Status: \w+, score=(\S+) required=\S+\s+tests=(.*?)\s+autolearn=")
Scores = Mapping[str, tuple[float, str]]


@pytest.fixture(scope="session")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Scores:
    """Points and the rules that gave them, by message; one process, for its rules take a second to load."""
    folder = tmp_path_factory.mktemp("scored")
    messages = {name: mailing(name).message.raw for name in NAMES} | {"spoiled": spoiled()}
    for name, raw in messages.items():
        (folder / f"{name}.eml").write_bytes(raw)
    done = subprocess.run(
        [
            "spamassassin",
            "-t",
            "-L",
            "-x",
            "--cf=use_bayes 0",
            *(folder / f"{name}.eml" for name in messages),
        ],
        capture_output=True,
        check=True,
        timeout=120,
        env=os.environ | {"HOME": str(folder), "LC_ALL": "C"},
    )
    found = STATUS.findall(done.stdout)
    assert len(found) == len(messages)
    return {
        name: (float(points), rules.decode()) for name, (points, rules) in zip(messages, found, strict=True)
    }


def test_no_points(name: str, scores: Scores) -> None:
    points, rules = scores[name]

    assert points <= 0, rules


def test_points_are_given(scores: Scores) -> None:
    """For a message without date and id, with a preheader in white on white."""
    points, rules = scores["spoiled"]

    assert points > 2
    assert {"MISSING_DATE", "MISSING_MID", "HTML_FONT_LOW_CONTRAST"} <= set(re.split(r"[,\s]+", rules))


def spoiled() -> bytes:
    raw = re.sub(rb"(?m)^(Date|Message-ID): .*\r\n", b"", mailing("mixed").message.raw)
    head, _, body = raw.partition(b"opacity:0;")
    assert body
    return head + body.replace(b"#34383B", b"#FFFFFF", 1)
