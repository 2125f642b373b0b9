"""What becomes of an article's picture in an issue."""

from __future__ import annotations

import pytest

from digest.model.article import ArticleId, Image
from digest.model.issue import Layout, Section, Teaser
from digest.rules.cleaning.pictures import is_picture
from digest.rules.pictures import (
    CARD,
    LEAD,
    TOO_HEAVY,
    ImageRequest,
    Picture,
    cut_to,
    image_requests,
    linked,
    printed_image,
    with_pictures,
)

PAGE = "https://blog.example.com/story"


@pytest.mark.parametrize(
    ("image", "is_one"),
    [
        (Image(url="https://x.example/a.jpg"), True),
        (Image(url="https://x.example/a.jpg", width=600), True),
        (Image(url="https://x.example/strip.jpg", width=600, height=40), True),
        (Image(url="https://x.example/avatar-of-the-sea.jpg"), True),
        (Image(url="https://x.example/iconic.jpg"), True),
        (Image(url="https://x.example/a.jpg", width=1, height=1), False),
        (Image(url="https://x.example/a.jpg", width=600, height=2), False),
        (Image(url="https://x.example/a.jpg", width=32, height=32), False),
        (Image(url="https://x.example/avatars/ann.jpg"), False),
        (Image(url="https://x.example/favicon-96x96.png"), False),
        (Image(url="https://x.example/favicon.ico"), False),
        (Image(url="https://x.example/logo.svg?v=2"), False),
        (Image(url="https://secure.gravatar.com/avatar/1"), False),
        (Image(url="https://stats.doubleclick.net/a.gif"), False),
        (Image(url=""), False),
    ],
)
def test_what_is_a_picture(image: Image, is_one: bool) -> None:
    assert is_picture(image) is is_one


@pytest.mark.parametrize(
    ("url", "page", "printed"),
    [
        ("http://blog.example.com/a.jpg", PAGE, "https://blog.example.com/a.jpg"),
        # Nobody knows whether another host or port speaks https.
        ("http://img.example.net/a.jpg", PAGE, "http://img.example.net/a.jpg"),
        ("http://blog.example.com:81/a.jpg", PAGE, "http://blog.example.com:81/a.jpg"),
        ("http://blog.example.com/a.jpg", "http://blog.example.com/story", "http://blog.example.com/a.jpg"),
        ("https://img.example.net/a.jpg", PAGE, "https://img.example.net/a.jpg"),
    ],
)
def test_over_https_where_the_article_is(url: str, page: str, printed: str) -> None:
    image = printed_image(Image(url=url), url=page, headline="A story")

    assert image is not None
    assert image.url == printed


@pytest.mark.parametrize(
    ("alt", "spoken"),
    [
        ("Two pumps, one of them under water", "Two pumps, one of them under water"),
        ("Image", ""),
        ("featured image", ""),
        ("Image of a tide table", "Image of a tide table"),
        ("A STORY of pumps ", ""),  # the headline, which follows in the same link
        ("A story of pumps, drawn", "A story of pumps, drawn"),
        ("pump-house.jpg", ""),
        ("IMG_2041.JPG", ""),
        ("pump-house", ""),  # the file's name without its ending
        ("", ""),
    ],
)
def test_a_text_that_says_nothing_is_empty(alt: str, spoken: str) -> None:
    source = Image(url="https://blog.example.com/pump-house.jpg", alt=alt)
    image = printed_image(source, url=PAGE, headline="A story of pumps")

    assert image is not None
    assert image.alt == spoken


def test_a_pixel_that_was_stored_once_is_not_printed() -> None:
    pixel = Image(url="https://x.example/a.gif", width=1, height=1)

    assert printed_image(pixel, url=PAGE, headline="A story") is None
    assert printed_image(None, url=PAGE, headline="A story") is None


@pytest.mark.parametrize(
    ("size", "box", "made"),
    [
        ((2400, 1348), (0, 0, 2400, 1348), (1200, 674)),  # its own shape: nothing is lost
        ((3000, 3000), (0, 657, 3000, 2342), (1200, 674)),  # the middle of a square
        ((4000, 1000), (1110, 0, 2890, 1000), (1200, 674)),  # the middle of a strip
        ((600, 337), (0, 0, 600, 337), (600, 337)),  # never enlarged
        ((300, 300), (0, 66, 300, 234), (300, 168)),
        ((3, 5000), (0, 2499, 3, 2501), (3, 2)),
        ((5000, 3), (2497, 0, 2502, 3), (5, 3)),
    ],
)
def test_the_middle_in_the_frame_s_shape(
    size: tuple[int, int], box: tuple[int, int, int, int], made: tuple[int, int]
) -> None:
    assert cut_to(LEAD, width=size[0], height=size[1]) == (box, made)


def test_frames_have_the_shape_of_what_is_displayed() -> None:
    for frame, shown in ((LEAD, (600, 337)), (CARD, (256, 144))):
        assert frame == (2 * shown[0], 2 * shown[1])


@pytest.mark.parametrize(
    ("size", "note"), [(None, ""), (1_000_000, ""), (1_000_001, TOO_HEAVY), (30_000_000, TOO_HEAVY)]
)
def test_what_is_too_heavy_is_not_linked(size: int | None, note: str) -> None:
    image = Image(url="https://x.example/a.jpg")

    assert linked(image, file_size=size) == Picture(None if note else image, note)


def test_pictures_come_back_to_the_teasers_that_wished_for_them() -> None:
    """The same picture on top and in a section is two copies; an edited layout keeps what is new in it."""
    shared, other = Image(url="https://x.example/a.jpg"), Image(url="https://x.example/b.jpg")
    lead, card, bare = teaser(1, shared), teaser(2, shared), teaser(3, None)
    layout = Layout(lead=lead, sections=(Section(title="", teasers=(card, bare, teaser(4, other))),))
    large, small = Image(url="https://x.example/large.jpg"), Image(url="https://x.example/small.jpg")

    assert list(image_requests(layout).values()) == [
        ImageRequest(shared, LEAD),
        ImageRequest(shared, CARD),
        ImageRequest(other, CARD),
    ]

    made = with_pictures(
        layout,
        {ImageRequest(shared, LEAD): Picture(large), ImageRequest(shared, CARD): Picture(small, "a note")},
    )

    assert [t.image for t in made.teasers] == [large, small, None, other]
    assert [t.image_note for t in made.teasers] == ["", "a note", "", ""]


def teaser(number: int, image: Image | None) -> Teaser:
    return Teaser(
        article_id=ArticleId(number), url=f"{PAGE}-{number}", headline=f"Story {number}", image=image
    )
