"""The example newsletter of an invented company, dated so that it is always fresh.

The files beside this one are the finished site except for its dates: a placeholder
such as `@@-3d iso@@` gives the offset from today in days, and the format.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from email.utils import format_datetime
from pathlib import Path

from digest.package_data import example_subscribers

_HERE = Path(__file__).resolve().parent
_PUBLISHED_AT = time(7, 30, tzinfo=UTC)  # of each day


def write_demo(folder: Path, *, now: datetime) -> None:
    """Make `folder` a newsletter folder: digest.toml, the site and its subscribers.

    Existing files are kept, so that a second run sees the same articles with the same
    dates, and anything the owner has changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "site").exists():
        unfinished = folder / ".site-unfinished"
        write_site(unfinished, now=now)
        unfinished.rename(folder / "site")  # so that an interrupted run leaves no half-written site

    subscribers = folder / "subscribers" / "example.csv"
    if not subscribers.exists():
        subscribers.parent.mkdir(exist_ok=True)
        shutil.copyfile(example_subscribers(), subscribers)

    if not (folder / "digest.toml").exists():
        shutil.copyfile(_HERE / "digest.toml", folder / "digest.toml")


def write_site(folder: Path, *, now: datetime) -> None:
    """Write the example site: a feed, a listing page, a folder of Markdown, images.

    Its dates are relative to `now`, which must be aware.
    """
    for path in sorted((_HERE / "site").rglob("*")):
        target = folder / path.relative_to(_HERE / "site")
        if path.is_dir():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in {".html", ".md", ".xml"}:
            target.write_text(_dated(path.read_text("utf-8"), now=now), "utf-8")
        else:
            shutil.copyfile(path, target)


def _dated(text: str, *, now: datetime) -> str:
    today = datetime.combine(now.astimezone(UTC), _PUBLISHED_AT)

    def date(found: re.Match[str]) -> str:
        return _FORMATS[found["format"]](today + timedelta(days=int(found["days"])))

    return re.sub(r"@@(?P<days>[+-]\d+)d (?P<format>\w+)@@", date, text)


def _as_people_write(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


_FORMATS: dict[str, Callable[[datetime], str]] = {
    "rfc822": format_datetime,  # as RSS has it
    "iso": datetime.isoformat,
    "day": _as_people_write,
}
