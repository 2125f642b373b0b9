"""What Gmail would cut off or throw away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.issues.messages import HTML, MESSAGE, severities, with_html


@pytest.mark.parametrize(
    ("size", "expected"), [(79_999, set()), (80_000, {"warn"}), (99_999, {"warn"}), (100_000, {"block"})]
)
def test_gmail_cuts_at_102_kb(size: int, expected: set[str]) -> None:
    html = HTML.replace("</body>", "x" * (size - len(HTML.encode())) + "</body>")

    assert severities("size-html", replace(MESSAGE, html=html)) == expected


@pytest.mark.parametrize(("rules", "expected"), [(500, set()), (700, {"warn"}), (1400, {"block"})])
def test_gmail_drops_styles_past_16_kb(rules: int, expected: set[str]) -> None:
    assert severities("style-16k", with_html("</style>", ".a{color:red}" * rules + "</style>")) == expected
