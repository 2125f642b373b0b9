"""Linking and copying pictures, against a real blog on the loopback and the real fetch client."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from digest.errors import FetchError, StorageError
from digest.fetch import Fetcher
from digest.media.folder import MediaFolder
from digest.model.article import ArticleId, Image
from digest.model.issue import Layout, Section, Teaser
from digest.model.newsletter import Site, SourceSpec
from digest.rules.pictures import TOO_HEAVY, notes_of
from digest.rules.pictures import with_pictures as pictured
from digest.workflows.composing import images
from fakes.pictures import declared, photograph

PUBLIC = "https://news.example.com/media"
SOURCE = SourceSpec(
    kind="feed", key="feed", name="Blog", url="http://localhost/feed.xml", allow_private_addresses=True
)
SITE = Site(
    name="Blog", url="https://blog.example.com", public_url="https://news.example.com", postal_address="x"
)
PHOTO = photograph(1280, 960)


@pytest.fixture
def folder(tmp_path: Path) -> MediaFolder:
    return MediaFolder(tmp_path / "media")


def copied(
    image: Image,
    folder: MediaFolder,
    *,
    source: SourceSpec = SOURCE,
    limit: int = 10 * 1024 * 1024,
    patience: float = 20,
) -> Teaser:
    """The teaser of a lead after its picture was copied."""
    with Fetcher() as fetcher:

        def fetch(url: str, spec: SourceSpec) -> bytes:
            return fetcher.get(url, allow_private=spec.allow_private_addresses, limit=limit).body

        return looked_after(
            image,
            source,
            partial(
                images.copy,
                fetch=fetch,
                keep=lambda content, kind: f"{PUBLIC}/{folder.keep(content, kind=kind)}",
                patience=patience,
            ),
        )


def linked(image: Image, *, source: SourceSpec = SOURCE, site: Site = SITE) -> Teaser:
    with Fetcher() as fetcher:

        def measure(url: str, spec: SourceSpec) -> int | None:
            return fetcher.size_of(url, allow_private=spec.allow_private_addresses)

        return looked_after(image, source, partial(images.link, site=site, measure=measure))


def looked_after(image: Image, source: SourceSpec, decide: images.ChooseImages) -> Teaser:
    layout = layout_of(image)
    found = pictured(layout, decide(layout, {ArticleId(1): source}))
    return cast("Teaser", found.lead)


def layout_of(image: Image) -> Layout:
    return Layout(
        lead=Teaser(article_id=ArticleId(1), url="https://blog.example.com/1", headline="Pumps", image=image)
    )


def serve(
    server: HTTPServer, content: bytes, *, path: str = "/a.jpg", status: int = 200, slow: float = 0
) -> Image:
    def answer(_: Request) -> Response:
        time.sleep(slow)
        return Response(content, status=status, content_type="image/jpeg")

    server.expect_request(path).respond_with_handler(answer)
    return Image(url=server.url_for(path), alt="Two pumps", width=2000)


# --- copies


def test_a_copy_is_kept_and_named_by_its_content(httpserver: HTTPServer, folder: MediaFolder) -> None:
    teaser = copied(serve(httpserver, PHOTO), folder)

    assert teaser.image is not None
    assert teaser.image.url.startswith(f"{PUBLIC}/")
    assert (teaser.image.alt, teaser.image.width, teaser.image.height) == ("Two pumps", 1200, 674)
    content, kind = folder.read(teaser.image.url.rpartition("/")[2]) or (b"", "")
    assert kind == "image/jpeg"
    assert len(content) == teaser.image.file_size
    assert teaser.image_note == ""
    assert copied(serve(httpserver, PHOTO), folder) == teaser  # the same once more, under the same name


def test_each_place_gets_a_copy_of_its_size(httpserver: HTTPServer, folder: MediaFolder) -> None:
    image = serve(httpserver, PHOTO)
    lead = cast("Teaser", layout_of(image).lead)
    cards = Section(title="", teasers=(replace(lead, article_id=ArticleId(2)),))
    layout = Layout(lead=lead, sections=(cards,))
    with Fetcher() as fetcher:
        found = images.copy(
            layout,
            {ArticleId(1): SOURCE, ArticleId(2): SOURCE},
            fetch=lambda url, spec: fetcher.get(url, allow_private=True).body,
            keep=lambda content, kind: f"{PUBLIC}/{folder.keep(content, kind=kind)}",
        )

    widths = [teaser.image.width for teaser in pictured(layout, found).teasers if teaser.image]
    assert widths == [1200, 512]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (declared(30_000, 30_000), "has too many pixels."),
        (b"<html>Please log in</html>", "is not a JPEG, PNG, GIF, WebP or AVIF."),
        (PHOTO[:3000], "is broken."),
    ],
)
def test_what_is_no_picture_is_left_out(
    httpserver: HTTPServer, folder: MediaFolder, content: bytes, why: str
) -> None:
    teaser = copied(serve(httpserver, content), folder)

    assert teaser.image is None
    assert teaser.image_note == f"its image is left out: {httpserver.url_for('/a.jpg')} {why}"


def test_thirty_megabytes_are_left_out(httpserver: HTTPServer, folder: MediaFolder) -> None:
    teaser = copied(serve(httpserver, b"\xff\xd8" + bytes(30_000_000)), folder)

    assert teaser.image is None
    assert "is too large (limit " in teaser.image_note


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_left_out(httpserver: HTTPServer, folder: MediaFolder, status: int) -> None:
    image = serve(httpserver, b"", status=status)

    assert copied(image, folder).image is None
    assert linked(image).image is None
    assert linked(image).image_note.startswith("its image is left out: ")


@pytest.mark.parametrize("status", [403, 500, 503])
def test_what_fails_for_now_is_linked(httpserver: HTTPServer, folder: MediaFolder, status: int) -> None:
    image = serve(httpserver, b"", status=status)
    teaser = copied(image, folder)

    assert teaser.image == image
    assert teaser.image_note.startswith("its image is linked, not copied: ")
    assert linked(image) == replace(teaser, image_note="")


def test_who_is_too_slow_is_not_waited_for(httpserver: HTTPServer, folder: MediaFolder) -> None:
    begun = time.monotonic()
    teaser = copied(serve(httpserver, PHOTO, slow=2.0), folder, patience=0.3)

    assert time.monotonic() - begun < 1.5
    assert "took too long" in teaser.image_note


def test_private_addresses_are_the_guard_s_to_refuse(httpserver: HTTPServer, folder: MediaFolder) -> None:
    """A feed on the web cannot make digest look into the network that it runs in."""
    teaser = copied(serve(httpserver, PHOTO), folder, source=replace(SOURCE, allow_private_addresses=False))

    assert teaser.image is None
    assert teaser.image_note
    assert not httpserver.log


def test_a_full_disk_stops_nothing(httpserver: HTTPServer, tmp_path: Path) -> None:
    (tmp_path / "media").write_text("no folder")
    image = serve(httpserver, PHOTO)
    teaser = copied(image, MediaFolder(tmp_path / "media"))

    assert teaser.image == image
    assert "cannot be written" in teaser.image_note


def test_a_fetch_that_stumbles_stops_nothing() -> None:
    def fetch(url: str, spec: SourceSpec) -> bytes:
        raise ZeroDivisionError

    layout = layout_of(Image(url="https://x.example/a.jpg"))
    found = images.copy(layout, {ArticleId(1): SOURCE}, fetch=fetch, keep=lambda *_: "")

    assert ["ZeroDivisionError" in note for note in notes_of(pictured(layout, found))] == [True]


# --- links


@pytest.mark.parametrize(("size", "is_in"), [(1_000_000, True), (1_000_001, False)])
def test_what_is_too_heavy_is_not_linked(httpserver: HTTPServer, size: int, is_in: bool) -> None:
    """The server is asked for the size alone."""
    image = serve(httpserver, bytes(size), path=f"/{size}.jpg")
    teaser = linked(image)

    assert (teaser.image == image) is is_in
    assert teaser.image_note == ("" if is_in else TOO_HEAVY)
    # By its path: what an earlier test gave up is answered, and noted, only now.
    asked = [request.method for request, _ in httpserver.log if request.path == f"/{size}.jpg"]
    assert asked == ["HEAD"]


@pytest.mark.parametrize(
    "source",
    [
        replace(SOURCE, url="https://elsewhere.example/feed.xml"),  # not the site's own
        replace(SOURCE, url="", path=Path("index.xml")),  # never goes to the network
    ],
)
def test_nobody_else_is_asked(httpserver: HTTPServer, source: SourceSpec) -> None:
    image = serve(httpserver, bytes(2_000_000))

    assert linked(image, source=source).image == image
    assert linked(replace(image, file_size=2_000_000), source=source).image is None  # as the source says
    assert not httpserver.log


def test_no_pictures_at_all() -> None:
    teaser = looked_after(Image(url="https://x.example/a.jpg"), SOURCE, images.no_images)

    assert (teaser.image, teaser.image_note) == (None, "")


def test_an_article_whose_source_is_gone_keeps_its_picture() -> None:
    layout = layout_of(Image(url="https://x.example/a.jpg"))
    nobody: Mapping[ArticleId, SourceSpec] = {}

    assert pictured(layout, images.copy(layout, nobody, fetch=lambda *_: b"", keep=lambda *_: "")) == layout


# --- the size, asked by the fetch client


def test_size_of(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/moved").respond_with_data("", 302, headers={"Location": "/a.jpg"})
    serve(httpserver, bytes(12_345))
    with Fetcher() as fetcher:
        assert fetcher.size_of(httpserver.url_for("/moved"), allow_private=True) == 12_345
        with pytest.raises(FetchError, match=r"\(500\)"):
            fetcher.size_of(httpserver.url_for("/nothing"), allow_private=True)


# --- the folder


@pytest.mark.parametrize(
    "name",
    [
        f"{'0' * 64}.jpg",  # unknown
        "../digest.toml",
        "..%2fdigest.toml",
        "/etc/hostname",
        f"{'0' * 64}.svg",
        f"{'0' * 63}/.jpg",
        f"{'0' * 64}.jpg\n",
        "",
        ".",
    ],
)
def test_the_folder_gives_nothing_but_copies(folder: MediaFolder, tmp_path: Path, name: str) -> None:
    (tmp_path / "digest.toml").write_text("secret")
    folder.keep(b"a copy", kind="jpg")

    assert folder.read(name) is None


def test_a_file_is_whole_or_not_there(
    folder: MediaFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("digest.media.folder.os.fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        folder.keep(b"a copy", kind="jpg")

    assert list((tmp_path / "media").iterdir()) == []


def test_other_users_may_read_what_is_served(folder: MediaFolder, tmp_path: Path) -> None:
    name = folder.keep(b"a copy", kind="png")

    assert (tmp_path / "media" / name).stat().st_mode & 0o777 == 0o644
    assert folder.read(name) == (b"a copy", "image/png")
