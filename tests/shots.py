"""Screenshots of the mails and of the desk for the documentation: `./dev shots`.

Every look, at the widths and in the schemes that readers have, taken by
Chromium of real issues: that of the example newsletter, and of the fixtures in
other languages.  Look at them before you commit them.
"""

from __future__ import annotations

import base64
import html
import mimetypes
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

BRICK = """
accent = "#A63A1E"
accent_dark = "#F0997C"
[newsletters.weekly.theme]
cards = "grid"
light = { sheet = "#FFFDF8", paper = "#F4EFE3" }
"""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A mail in a window of so many pixels, printed at `scale`."""

    mail: str
    caption: str
    width: int = 600
    height: int = 1500
    is_dark: bool = False
    scale: float = 0.5


def main() -> None:
    if not (chromium := shutil.which("chromium")):
        raise SystemExit("Chromium is not installed. On Debian: apt-get install chromium")
    magazine, grid, plain, compact = map(issue, ("", BRICK, look("plain"), look("compact")))
    sheets = {
        "mail": [
            Frame(mail=magazine, caption="", width=600, height=1160, scale=0.95),
            Frame(mail=magazine, caption="", width=320, height=1060, scale=0.95, is_dark=True),
        ],
        "looks": [
            Frame(mail=magazine, caption="magazine", height=2000),
            Frame(mail=grid, caption="magazine: grid, own colours", height=2000),
            Frame(mail=plain, caption="plain", height=2000),
            Frame(mail=compact, caption="compact", height=2000),
        ],
        "states": list(states(magazine, plain, compact)),
        "languages": list(languages()),
    }
    for name, frames in sheets.items():
        take(chromium, frames, IMAGES / f"{name}.png")
        print(IMAGES / f"{name}.png")
    desk(chromium, IMAGES / "desk.png")
    print(IMAGES / "desk.png")


def desk(chromium: str, target: Path) -> None:
    """The page of the example's first issue, as an editor has it open."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise SystemExit("Playwright is not installed; ./dev test --all brings it.") from None
    from digest.example import write_demo

    with tempfile.TemporaryDirectory() as folder:
        write_demo(Path(folder), now=NOW)
        file = Path(folder) / "digest.toml"
        for words in (["collect"], ["draft"]):
            digest(file, *words)
        pictures = Path(folder) / "site" / "images"
        command = [sys.executable, "-m", "digest", "--config", str(file), "serve", "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process, sync_playwright() as p:
            assert process.stderr is not None
            said = ""
            while not (found := re.search(r"(http://\S+/desk)/enter/\S+", said)):
                said += process.stderr.readline()
            browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.route(
                re.compile("^https://.*/images/"),
                lambda route: route.fulfill(path=pictures / route.request.url.rpartition("/")[2]),
            )
            page.goto(found[0])
            page.goto(f"{found[1]}/weekly/1")
            page.locator("li.row >> nth=2 >> a.story").click()
            page.locator("#editor").wait_for()
            page.wait_for_timeout(800)
            page.screenshot(path=target)
            browser.close()
            process.terminate()


def states(magazine: str, plain: str, compact: str) -> Iterator[Frame]:
    for width, scale in ((320, 0.6), (600, 0.5), (1000, 0.4)):
        for is_dark in (False, True):
            caption = f"{width} px, {'dark' if is_dark else 'light'}"
            yield Frame(
                mail=magazine, caption=caption, width=width, scale=scale, is_dark=is_dark, height=1300
            )
    yield Frame(mail=without_images(magazine), caption="images off", height=1300)
    yield Frame(mail=without_images(magazine), caption="images off, dark", height=1300, is_dark=True)
    yield Frame(mail=without_styles(magazine), caption="style block dropped", height=1300)
    for name, mail in (("plain", plain), ("compact", compact)):
        yield Frame(
            mail=mail, caption=f"{name}, 320 px, dark", width=320, scale=0.6, height=1300, is_dark=True
        )


def languages() -> Iterator[Frame]:
    sys.path[:0] = [str(ROOT / "tests")]
    from dataclasses import replace

    from data.issues import example
    from digest.model.theme import LOOKS

    for name in ("german", "arabic"):
        for theme in (LOOKS["magazine"], LOOKS["compact"]):
            it = example(name)
            mail = replace(it, newsletter=replace(it.newsletter, theme=theme)).rendered().html
            yield Frame(mail=with_plates(mail), caption=f"{name}, {theme.look}", height=1500)


def issue(settings: str) -> str:
    """The HTML of the example's first issue, printed with these settings; its pictures are in it."""
    from digest.example import write_demo

    with tempfile.TemporaryDirectory() as folder:
        write_demo(Path(folder), now=NOW)
        file = Path(folder) / "digest.toml"
        text = file.read_text("utf-8").replace("\nmax_articles", f"\n{top(settings)}\nmax_articles", 1)
        file.write_text(text + below(settings), "utf-8")
        for words in (["collect"], ["draft"]):
            digest(file, *words)
        mail = digest(file, "show", "weekly/latest")
        pictures = Path(folder) / "site" / "images"
        return with_pictures(mail, {path.name: path for path in pictures.iterdir()})


def look(name: str) -> str:
    return f'[newsletters.weekly.theme]\nlook = "{name}"\n'


def top(settings: str) -> str:
    return settings.partition("[")[0]


def below(settings: str) -> str:
    return "\n" + settings[len(top(settings)) :]


def digest(file: Path, *words: str) -> str:
    command = [sys.executable, "-m", "digest", "--config", str(file), "--now", NOW.isoformat(), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def with_pictures(mail: str, files: dict[str, Path]) -> str:
    """Every picture that lies here as data: nothing is fetched for a screenshot."""

    def inside(found: re.Match[str]) -> str:
        file = files.get(found[1].rpartition("/")[2])
        if file is None:
            return found[0]
        kind = mimetypes.guess_type(file.name)[0]
        return f'src="data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"'

    return re.sub(r'src="([^"]+)"', inside, mail)


def with_plates(mail: str) -> str:
    """A grey picture in place of each that does not exist."""
    grey = "data:image/svg+xml;base64," + base64.b64encode(
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 9">'
        b'<rect width="16" height="9" fill="#9AA7A9"/></svg>'
    ).decode("ascii")
    return re.sub(r'src="https?://[^"]+"', f'src="{grey}"', mail)


def without_images(mail: str) -> str:
    return re.sub(r' src="[^"]+"', ' src="about:blank"', mail)


def without_styles(mail: str) -> str:
    """As Gmail shows it to people with accounts of other providers."""
    return re.sub(r"<style.*?</style>", "", mail, flags=re.DOTALL)


def take(chromium: str, frames: Sequence[Frame], target: Path) -> None:
    """All frames on one sheet."""
    figures = "".join(figure(frame) for frame in frames)
    width = 40 + sum(round(frame.width * frame.scale) + 40 for frame in frames[:6])
    rows = [frames[first : first + 6] for first in range(0, len(frames), 6)]
    height = 40 + sum(max(round(f.height * f.scale) for f in row) + 76 for row in rows)
    page = f"""<!DOCTYPE html><meta charset="utf-8"><style>
    body{{margin:0;padding:40px 0 0 40px;background:#D9D5CA;width:{width}px;color:#34383B;
      font:600 15px/20px system-ui,sans-serif;box-sizing:border-box;
      display:flex;flex-wrap:wrap;align-items:flex-start;gap:36px 40px}}
    figure{{margin:0}} figcaption{{padding:0 0 8px;min-height:20px}}
    .window{{overflow:hidden;border-radius:8px;box-shadow:0 12px 32px rgba(27,29,31,.14)}}
    iframe{{border:0;display:block;transform-origin:0 0}}</style>{figures}"""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sheet.html"
        file.write_text(page, "utf-8")
        flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars"
        flags += " --disable-background-networking --disable-component-update --disable-sync"
        command = [
            chromium,
            *flags.split(),
            f"--user-data-dir={folder}/profile",
            f"--window-size={width},{height}",
        ]
        command += [f"--screenshot={target}", "--virtual-time-budget=3000", file.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def figure(frame: Frame) -> str:
    wide, high = round(frame.width * frame.scale), round(frame.height * frame.scale)
    scheme = "dark" if frame.is_dark else "light"
    style = (
        f"color-scheme:{scheme};width:{frame.width}px;height:{frame.height}px;transform:scale({frame.scale})"
    )
    return (
        f'<figure style="width:{wide}px"><figcaption>{html.escape(frame.caption)}</figcaption>'
        f'<div class="window" style="width:{wide}px;height:{high}px">'
        f'<iframe scrolling="no" style="{style}" srcdoc="{html.escape(frame.mail)}"></iframe></div></figure>'
    )


if __name__ == "__main__":
    main()
