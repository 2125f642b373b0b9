"""Sizes of pictures from the first bytes of their files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.rules.image_size import Pixels, pixels_of
from fakes.picture_heads import extended, jpeg, lossless, lossy, png, webp

EXAMPLES = Path(__file__).parents[2] / "src" / "digest" / "example" / "site" / "images"


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (png(1200, 630), ("png", 1200, 630)),
        (b"GIF89a" + struct.pack("<HH", 320, 200), ("gif", 320, 200)),
        (b"GIF87a" + struct.pack("<HH", 1, 2), ("gif", 1, 2)),
        (jpeg(1200, 630), ("jpeg", 1200, 630)),
        (jpeg(1200, 630, frame=0xC2), ("jpeg", 1200, 630)),  # progressive
        (jpeg(1200, 630, profile=60_000), ("jpeg", 1200, 630)),
        (lossy(1200, 630), ("webp", 1200, 630)),
        (lossless(1200, 630), ("webp", 1200, 630)),
        (extended(70_000, 630), ("webp", 70_000, 630)),
    ],
)
def test_each_kind_says_its_size(start: bytes, expected: tuple[str, int, int]) -> None:
    assert pixels_of(start) == Pixels(*expected)
    assert pixels_of(start + b"more of the file") == Pixels(*expected)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>",
        b"<!DOCTYPE html><title>Not found</title>",
        png(0, 10),
        b"\xff\xd8\xff\xda\x00\x08" + b"\0" * 40,  # a scan without a frame: its data are no markers
        b"RIFF\0\0\0\0WAVEfmt ",
        webp(b"ALPH", b"\0" * 20),
    ],
)
def test_anything_else_has_none(start: bytes) -> None:
    assert pixels_of(start) is None


@pytest.mark.parametrize("whole", [png(9, 9), jpeg(9, 9), lossy(9, 9), lossless(9, 9), extended(9, 9)])
def test_a_start_that_is_cut_off_has_none_or_the_same(whole: bytes) -> None:
    full = pixels_of(whole)

    assert {pixels_of(whole[:length]) for length in range(len(whole))} <= {None, full}


@given(st.sampled_from([b"", b"\xff\xd8", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"RIFF0000WEBPVP8X"]), st.binary())
def test_no_bytes_break_it(kind: bytes, rest: bytes) -> None:
    found = pixels_of(kind + rest)

    assert found is None or (found.width > 0 and found.height > 0)


def test_pictures_that_a_program_has_written() -> None:
    """Those of the bundled example site."""
    for picture in sorted(EXAMPLES.glob("*.png")):
        found = pixels_of(picture.read_bytes()[:64])
        assert found is not None
        assert found.kind == "png"
        assert found.width > 100
