"""What becomes of a stranger's file: a small picture that is what a person saw, or a sentence."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageCms

from digest.media.shrinking import HEAVIEST, Copy, NotAPicture, shrunk
from digest.rules.pictures import CARD, LEAD, Frame, cut_to
from fakes.pictures import declared, halves, photograph, written

RED, GREEN = (220, 30, 30), (30, 160, 60)


def copy(content: bytes, frame: Frame = LEAD) -> Copy:
    return shrunk(content, cut=lambda width, height: cut_to(frame, width=width, height=height))


def opened(made: Copy) -> Image.Image:
    """The copy as a mail program sees it: the format that its name says, with nothing but pixels."""
    image = Image.open(BytesIO(made.content))
    assert image.format == {"jpg": "JPEG", "png": "PNG"}[made.kind]
    assert image.size == (made.width, made.height)
    assert not image.getexif()
    assert not {"icc_profile", "comment", "xmp", "photoshop"} & image.info.keys()
    return image


def near(pixel: object, colour: tuple[int, int, int], *, within: int = 24) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= within for a, b in zip(pixel, colour, strict=False))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("frame", [LEAD, CARD])
def test_a_photograph_of_any_kind_is_a_small_jpeg(kind: str, frame: Frame) -> None:
    speed = {"speed": 10} if kind == "AVIF" else {}
    made = copy(photograph(1280, 960, kind=kind, **speed), frame)

    assert (made.kind, (made.width, made.height)) == ("jpg", frame)
    assert len(made.content) <= HEAVIEST
    assert opened(made).info["progressive"]


def test_what_is_small_is_not_enlarged() -> None:
    made = copy(photograph(320, 180))

    assert (made.width, made.height) == (320, 180)


def test_noise_is_made_small_enough_all_the_same() -> None:
    """Nothing compresses less; at the end it loses pixels rather than the limit."""
    noise = Image.merge("RGB", [Image.effect_noise((1200, 675), 250) for _ in range(3)])
    made = copy(written(noise, "PNG"))

    assert len(made.content) <= HEAVIEST
    assert made.width >= 600


def test_a_telephone_s_picture_stands_upright() -> None:
    """EXIF 6: shown turned by a quarter to the right. What was left is on top, and the note of it is gone."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A telephone"
    lying = halves("#dc1e1e", "#1ea03c", size=(1600, 1200))
    made = copy(written(lying, "JPEG", exif=exif, quality=95))

    image = opened(made)
    assert near(image.getpixel((made.width // 2, 20)), RED)
    assert near(image.getpixel((made.width // 2, made.height - 20)), GREEN)


def test_of_an_animation_the_first_frame() -> None:
    frames = [Image.new("P", (640, 360), number) for number in (0, 1, 2)]
    for frame in frames:
        frame.putpalette([*RED, *GREEN, 0, 0, 255])
    moving = written(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80)

    image = opened(copy(moving))
    assert getattr(image, "n_frames", 1) == 1
    assert near(image.convert("RGB").getpixel((300, 100)), RED)


def test_what_is_transparent_stays_so() -> None:
    drawn = halves("#dc1e1eff", "#00000000", mode="RGBA")
    made = copy(written(drawn, "PNG"))

    image = opened(made).convert("RGBA")
    assert made.kind == "png"
    assert near(image.getpixel((100, 200)), RED)
    assert image.getpixel((700, 200))[3] == 0  # type: ignore[index]


def test_an_alpha_channel_that_hides_nothing_is_no_reason_for_a_png() -> None:
    assert copy(photograph(1400, 900, kind="PNG", mode="RGBA")).kind == "jpg"


def test_a_transparent_photograph_gives_up_what_it_must() -> None:
    photo = Image.open(BytesIO(photograph(1280, 720)))
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    made = copy(written(photo, "PNG"))

    assert len(made.content) <= HEAVIEST


def test_a_diagram_keeps_its_edges() -> None:
    made = copy(written(halves("#dc1e1e", "#1ea03c").quantize(4), "PNG"))

    assert made.kind == "png"
    assert len(opened(made).convert("RGB").getcolors() or ()) <= 8


def test_a_grey_photograph_is_no_diagram() -> None:
    assert copy(photograph(1280, 720, kind="PNG", mode="L")).kind == "jpg"


def test_print_colours_become_those_of_screens() -> None:
    cmyk = halves("#dc1e1e", "#1ea03c").convert("CMYK")
    image = opened(copy(written(cmyk, "JPEG", quality=95)))

    assert image.mode == "RGB"
    assert near(image.getpixel((100, 200)), RED, within=40)


def test_a_colour_profile_is_applied_and_dropped() -> None:
    """In a profile whose red and green are swapped the picture comes out swapped: it was heeded."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    image = opened(copy(written(halves("#dc1e1e", "#1ea03c"), "JPEG", quality=95, icc_profile=swapped)))

    red, green, _ = image.getpixel((100, 200))  # type: ignore[misc]
    assert green > red


def test_a_profile_that_is_none_is_passed_over() -> None:
    image = opened(copy(written(halves("#dc1e1e", "#1ea03c"), "JPEG", quality=95, icc_profile=b"no profile")))

    assert near(image.getpixel((100, 200)), RED)


def test_sixteen_bits_of_grey() -> None:
    grey = Image.new("I;16", (640, 360), 32768)

    assert near((opened(copy(written(grey, "PNG"))).convert("RGB").getpixel((100, 100))), (128, 128, 128))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (declared(30_000, 30_000), "has too many pixels"),
        (declared(12_000, 8_000), "has too many pixels"),  # where Pillow itself would only warn
        (declared(6_000, 4_500), "has too many pixels"),  # and where it says nothing
        (declared(800, 450), "is broken"),
        (photograph()[:20_000], "is broken"),
        (written(Image.new("RGB", (1, 1)), "GIF"), "is a tracking pixel"),
        (written(Image.new("RGB", (600, 2)), "PNG"), "is a tracking pixel"),
        (b"Not a picture at all.\n", "is not a JPEG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400"/>', "is not a JPEG"),
        (written(Image.new("RGB", (600, 400)), "TIFF"), "is not a JPEG"),  # not of the web
        (written(Image.new("RGB", (600, 400)), "BMP"), "is not a JPEG"),
        (b"", "is not a JPEG"),
    ],
)  # fmt: skip
def test_what_is_no_picture(content: bytes, why: str) -> None:
    with pytest.raises(NotAPicture, match=why):
        copy(content)
