"""Settings and the file system: missing, unreadable and careless files; and files of any shape."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.errors import SettingsError
from digest.settings.cross_checks import crossings
from digest.settings.loading import _validated
from digest.settings.mistakes import written
from digest.settings.schema import root_table
from digest.transports import BUILT_IN, provider_of
from digest.wiring import read_settings as load

ROOT = root_table({name: provider_of(name).table for name in BUILT_IN})
WITH_KEY_FILE = """
[site]
name = "Example"
url = "https://blog.example.com"
public_url = "https://news.example.com"
postal_address = "1 Example Street"
[delivery.sendgrid]
api_key_file = "key"
[newsletters.weekly]
title = "Weekly"
sender = "Example <digest@news.example.com>"
[[newsletters.weekly.sources]]
kind = "feed"
url = "https://blog.example.com/index.xml"
"""


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path / "digest.toml", environ={})

    assert str(refused.value) == f"There is no digest.toml in {tmp_path}. Create one with `digest init DIR`."


def test_a_folder_is_not_a_file_of_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load(tmp_path, environ={})


def test_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "digest.toml"
    file.write_bytes(b'[site]\nname = "Gr\xfc\xdfe"\n')

    with pytest.raises(SettingsError) as refused:
        load(file, environ={})

    assert refused.value.findings == (
        "digest.toml: line 2: is not in UTF-8. Save the file in that encoding.",
    )


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "digest.toml"
    file.write_text(
        WITH_KEY_FILE.replace('[delivery.sendgrid]\napi_key_file = "key"\n', ""), encoding="utf-8-sig"
    )

    assert load(file, environ={}).site.name == "Example"


@pytest.mark.parametrize(
    ("mode", "content", "says"),
    [
        (0o644, "k", "can be read by everyone on this machine. Run: chmod 600"),
        (0o604, "k", "can be read by everyone on this machine. Run: chmod 600"),
        (0o600, " \n", "is empty."),
        (None, "", "cannot be read: No such file or directory."),
    ],
)
def test_a_careless_secret_file_is_refused(tmp_path: Path, mode: int | None, content: str, says: str) -> None:
    (tmp_path / "digest.toml").write_text(WITH_KEY_FILE)
    if mode is not None:
        (tmp_path / "key").write_text(content)
        (tmp_path / "key").chmod(mode)

    with pytest.raises(SettingsError) as refused:
        load(tmp_path / "digest.toml", environ={})

    (finding,) = refused.value.findings
    assert finding.startswith("digest.toml: delivery.sendgrid.api_key_file: ")
    assert says in finding


def test_relative_paths_start_at_the_file_and_not_where_the_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the file itself is named relatively."""
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "digest.toml").write_text(WITH_KEY_FILE)
    (folder / "key").write_text("SG.x")
    (folder / "key").chmod(0o600)
    monkeypatch.chdir(tmp_path)

    settings = load(Path("letters/digest.toml"), environ=os.environ)

    assert settings.delivery.tables["outbox"].path == folder / "outbox"
    assert settings.database_url == f"sqlite:///{folder}/digest.db"
    assert settings.delivery.tables["sendgrid"].api_key.get_secret_value() == "SG.x"


KEYS = st.sampled_from(
    [
        "site",
        "delivery",
        "newsletters",
        "weekly",
        "sources",
        "smtp",
        "url",
        "path",
        "kind",
        "name",
        "database",
        "pages",
    ]
)
SHAPES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(tables=st.dictionaries(KEYS, SHAPES, max_size=4))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_tables_of_any_shape_give_sentences_and_never_a_traceback(tables: dict[str, Any]) -> None:
    """Each finding is one line that names its place."""
    root, wrong = _validated(ROOT, tables, folder=Path())
    lines = written(
        [*crossings(tables, transports=list(BUILT_IN), source_kinds=["feed"]), *wrong],
        file="digest.toml",
        tables=tables,
        variables={},
    )

    assert root is not None or lines
    for line in lines:
        assert line.startswith("digest.toml: ")
        assert "\n" not in line
