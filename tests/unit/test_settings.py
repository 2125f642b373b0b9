"""digest.toml: what it means, and what is said about mistakes in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from digest.errors import SettingsError
from digest.model.newsletter import Mailbox, Policy, Site
from digest.model.theme import DARK, LOOKS, Palette, Theme
from digest.rules.colours import contrast, is_readable, nearest
from digest.setting_types import Table
from digest.settings import Settings
from digest.settings.mistakes import tables_of
from digest.settings.schema import root_table
from digest.transports import BUILT_IN, provider_of
from digest.wiring import read_settings as load

DATA = Path(__file__).parents[1] / "data" / "settings"

LEAST = """
[site]
name = "Example Engineering"
url = "https://blog.example.com"
public_url = "https://news.example.com/"
postal_address = "Example Ltd, 1 Example Street, Example Town"
{site}
[delivery]
{delivery}
[newsletters.weekly]
title = "Example Engineering Weekly"
sender = "Example Engineering <digest@news.example.com>"
{newsletter}
[[newsletters.weekly.sources]]
{source}
"""
FEED = 'kind = "feed"\nurl = "https://blog.example.com/index.xml"'


def read(
    folder: Path,
    *,
    site: str = "",
    delivery: str = "",
    newsletter: str = "",
    source: str = FEED,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Load a file with what is required and these lines."""
    file = folder / "digest.toml"
    file.write_text(
        LEAST.format(site=site, delivery=delivery, newsletter=newsletter, source=source), encoding="utf-8"
    )
    return load(file, environ=environ or {})


def findings(folder: Path, **lines: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read(folder, **lines)  # type: ignore[arg-type]
    return [finding.removeprefix("digest.toml: ") for finding in refused.value.findings]


# --- what it means --------------------------------------------------------------------


def test_the_least_file_gives_the_documented_defaults(tmp_path: Path) -> None:
    settings = read(tmp_path)
    weekly = settings.newsletters["weekly"]

    assert settings.site == Site(
        name="Example Engineering",
        url="https://blog.example.com",
        public_url="https://news.example.com",
        postal_address="Example Ltd, 1 Example Street, Example Town",
    )
    assert settings.database_url == f"sqlite:///{tmp_path}/digest.db"
    assert (settings.folder, settings.templates) == (tmp_path, tmp_path / "templates")
    assert (settings.delivery.transport, settings.delivery.tables["outbox"].path) == (
        "outbox",
        tmp_path / "outbox",
    )
    assert settings.delivery.rate_per_second is None
    assert (settings.delivery.tables["smtp"].port, settings.delivery.tables["smtp"].security) == (
        587,
        "starttls",
    )
    assert settings.delivery.tables["sendgrid"].batch_size == 500
    assert weekly.sender == Mailbox("Example Engineering", "digest@news.example.com")
    assert weekly.policy == Policy()
    assert (weekly.schedule.text, weekly.timezone, weekly.language) == ("Tue 09:00", "UTC", "en")
    assert (weekly.collect_every, weekly.late) == (timedelta(hours=1), timedelta(hours=12))
    assert weekly.on_uncertain == "hold"
    assert not weekly.needs_approval
    assert settings.secret_keys == ()
    assert settings.warnings == ()


def test_every_key_of_the_contract_is_understood(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        delivery="""
            transport = "smtp"
            rate_per_second = 50
            [delivery.outbox]
            path = "out"
            [delivery.smtp]
            host = "mail.example.com"
            port = 465
            security = "tls"
            connections = 3
            [delivery.sendgrid]
            batch_size = 100
            host = "http://127.0.0.1:8025"
        """,
        newsletter="""
            reply_to = "editor@example.com"
            language = "pt-BR"
            timezone = "Europe/Berlin"
            schedule = "0 9 * * TUE"
            approval = "required"
            subject = "{{ lead.headline }}"
            collect_every = "1h30m"
            late_hours = 1.5
            on_uncertain = "resend"
            flood_limit = 9
            max_articles = 8
            min_articles = 2
            max_age_days = 30
            future_dated = "send"
            first_issue_days = 7
            subscribers = ["people/a.csv", "/lists/b.csv"]
            include_tags = ["Go", "SRE"]
            exclude_tags = ["Hiring"]
            sections = ["Go", "Storage"]
            accent = "#1d4f91"
            accent_dark = "#9CC0F5"
        """,
    )
    weekly, delivery = settings.newsletters["weekly"], settings.delivery

    assert (delivery.transport, delivery.rate_per_second, delivery.tables["outbox"].path) == (
        "smtp",
        50,
        tmp_path / "out",
    )
    assert (
        delivery.tables["smtp"].host,
        delivery.tables["smtp"].port,
        delivery.tables["smtp"].connections,
    ) == ("mail.example.com", 465, 3)
    assert (delivery.tables["sendgrid"].host, delivery.tables["sendgrid"].batch_size) == (
        "http://127.0.0.1:8025",
        100,
    )
    assert weekly.reply_to == Mailbox("", "editor@example.com")
    assert (weekly.language, weekly.needs_approval, weekly.on_uncertain) == ("pt-BR", True, "resend")
    assert (weekly.collect_every, weekly.late) == (timedelta(minutes=90), timedelta(minutes=90))
    assert weekly.policy == Policy(
        max_articles=8,
        min_articles=2,
        max_age=timedelta(days=30),
        first_issue=timedelta(days=7),
        flood_limit=9,
        sends_future_dated=True,
        include_tags=frozenset({"go", "sre"}),
        exclude_tags=frozenset({"hiring"}),
        section_order=("Go", "Storage"),
    )
    assert weekly.subscriber_files == (tmp_path / "people/a.csv", Path("/lists/b.csv"))
    assert (weekly.accent, weekly.accent_dark) == ("#1D4F91", "#9CC0F5")


def test_what_was_read_cannot_be_changed(tmp_path: Path) -> None:
    settings = read(tmp_path)

    with pytest.raises(FrozenInstanceError):
        settings.database_url = "sqlite:///other.db"  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.newsletters["other"] = settings.newsletters["weekly"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("source", "key", "name", "base_url"),
    [
        (FEED, "feed:https://blog.example.com/index.xml", "blog.example.com/index.xml", ""),
        ('kind = "feed"\npath = "public/index.xml"', "feed:public/index.xml", "index.xml", ""),
        (
            'kind = "listing"\nurl = "https://a.example/blog/"',
            "listing:https://a.example/blog/",
            "a.example/blog",
            "",
        ),
        (
            'kind = "listing"\npath = "page.html"',
            "listing:page.html",
            "page.html",
            "https://blog.example.com",
        ),
        (
            'kind = "markdown"\npath = "posts"\nbase_url = "https://a.example/p/"\nname = "Posts"',
            "markdown:posts",
            "Posts",
            "https://a.example/p/",
        ),
    ],
)
def test_a_source_knows_its_place(tmp_path: Path, *, source: str, key: str, name: str, base_url: str) -> None:
    (spec,) = read(tmp_path, source=source).newsletters["weekly"].sources

    assert (spec.key, spec.name, spec.base_url) == (key, name, base_url)
    assert bool(spec.url) is (spec.path is None)
    assert spec.path is None or spec.path.is_absolute()


def test_a_list_beside_the_file_is_read_without_being_named(tmp_path: Path) -> None:
    """`subscribers/NAME.csv` is the default where it exists; an empty list means none."""
    assert read(tmp_path).newsletters["weekly"].subscriber_files == ()

    usual = tmp_path / "subscribers" / "weekly.csv"
    usual.parent.mkdir()
    usual.write_text("email\n")

    assert read(tmp_path).newsletters["weekly"].subscriber_files == (usual,)
    assert read(tmp_path, newsletter="subscribers = []").newsletters["weekly"].subscriber_files == ()


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("Example <digest@news.example.com>", "Example", "digest@news.example.com"),
        ("'Example, Inc.' <a@example.com>", "'Example, Inc.'", "a@example.com"),
        (r"\"Example, Inc.\" <a@example.com>", "Example, Inc.", "a@example.com"),
        ("Größe <post@größe.example>", "Größe", "post@xn--gre-6ka8i.example"),
        ("Example <Digest@News.Example.com>", "Example", "Digest@news.example.com"),
    ],
)
def test_a_sender_is_a_name_and_an_address(tmp_path: Path, text: str, name: str, address: str) -> None:
    file = tmp_path / "digest.toml"
    whole = LEAST.format(site="", delivery="", newsletter="", source=FEED)
    file.write_text(whole.replace("Example Engineering <digest@news.example.com>", text), encoding="utf-8")

    assert load(file, environ={}).newsletters["weekly"].sender == Mailbox(name, address)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h", 3600), ("1d", 86_400), ("1d12h", 129_600), ("1h 30m", 5400)],
)
def test_durations(tmp_path: Path, text: str, seconds: int) -> None:
    weekly = read(tmp_path, newsletter=f'collect_every = "{text}"').newsletters["weekly"]

    assert weekly.collect_every == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///digest.db", "sqlite:///{folder}/digest.db"),
        ("sqlite:///data/d.db", "sqlite:///{folder}/data/d.db"),
        ("sqlite:////var/lib/d.db", "sqlite:////var/lib/d.db"),
        ("postgresql://digest@db/digest", "postgresql://digest@db/digest"),
    ],
)
def test_a_database_file_starts_at_the_folder(tmp_path: Path, url: str, expected: str) -> None:
    settings = read(tmp_path, environ={"DIGEST_DATABASE__URL": url})

    assert settings.database_url == expected.format(folder=tmp_path)


# --- the environment and secrets --------------------------------------------------------


def test_the_environment_overrides_single_values_of_every_type(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        environ={
            "DIGEST_SITE__NAME": "2026",
            "DIGEST_DELIVERY__TRANSPORT": "smtp",
            "DIGEST_DELIVERY__RATE_PER_SECOND": "12.5",
            "DIGEST_DELIVERY__SMTP__CONNECTIONS": "4",
            "DIGEST_NEWSLETTERS__WEEKLY__SCHEDULE": "daily 08:00",
            "DIGEST_NEWSLETTERS__WEEKLY__APPROVAL": "required",
            "DIGEST_NEWSLETTERS__WEEKLY__SENDER": "Other <other@example.com>",
            "DIGEST_SITE__URL": "",
            "DIGEST_CONFIG": "elsewhere.toml",
            "PATH": "/bin",
        },
    )

    assert (settings.site.name, type(settings.site.name)) == ("2026", str)
    assert settings.site.url == "https://blog.example.com", "an empty variable counts as not set"
    assert (settings.delivery.transport, type(settings.delivery.transport)) == ("smtp", str)
    assert (settings.delivery.rate_per_second, settings.delivery.tables["smtp"].connections) == (12.5, 4)
    weekly = settings.newsletters["weekly"]
    assert (weekly.schedule.text, weekly.needs_approval) == ("daily 08:00", True)
    assert weekly.sender == Mailbox("Other", "other@example.com")


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("DIGEST_SITE__NMAE", "x", "is not a setting. Did you mean “name”?"),
        (
            "DIGEST_NEWSLETTERS__WEEKY__TITLE",
            "x",
            "there is no such newsletter in the file. Did you mean “weekly”?",
        ),
        (
            "DIGEST_NEWSLETTERS__WEEKLY__SOURCES",
            "x",
            "cannot be set from the environment: it is a list or a table.",
        ),
        ("DIGEST_NEWSLETTERS__WEEKLY__SOURCES__0__URL", "x", "cannot be set from the environment."),
        ("DIGEST_DELIVERY__SMTP__PORT", "many", "must be a whole number, but is “many”."),
        ("DIGEST_DELIVERY__SMTP__PORT", "70000", "must be at most 65535, but is 70000."),
    ],
)
def test_a_wrong_variable_is_named(tmp_path: Path, variable: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, environ={variable: value})

    assert [f for f in refused.value.findings if f.startswith(f"environment: {variable}: {says}")]


def test_secrets_come_from_the_environment_and_show_nowhere(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        environ={
            "DIGEST_DELIVERY__SMTP__PASSWORD": "canary-password",
            "DIGEST_DELIVERY__SENDGRID__API_KEY": "canary-key",
            "DIGEST_SECRET_KEYS": "canary-new-signing-key, canary-old-signing-key,",
            "DIGEST_DATABASE__URL": "postgresql://digest:canary-db@db/digest",
        },
    )

    assert settings.delivery.tables["smtp"].password.get_secret_value() == "canary-password"
    assert settings.delivery.tables["sendgrid"].api_key.get_secret_value() == "canary-key"
    assert settings.secret_keys == ("canary-new-signing-key", "canary-old-signing-key")
    assert "canary" not in repr(settings)


def test_secrets_come_from_files_too_and_the_environment_wins(tmp_path: Path) -> None:
    secret = tmp_path / "smtp-password"
    secret.write_text("from a file\n")
    secret.chmod(0o600)
    lines = '[delivery.smtp]\nusername = "digest"\npassword_file = "smtp-password"'

    by_file = read(tmp_path, delivery=lines)
    by_both = read(tmp_path, delivery=lines, environ={"DIGEST_DELIVERY__SMTP__PASSWORD": "from outside"})

    assert by_file.delivery.tables["smtp"].password.get_secret_value() == "from a file"
    assert by_both.delivery.tables["smtp"].password.get_secret_value() == "from outside"


DKIM = '[delivery.dkim]\ndomain = "{domain}"\nselector = "digest1"\nkey_file = "dkim.pem"'


def dkim_key(folder: Path, mode: int = 0o600) -> None:
    (folder / "dkim.pem").write_text("-----BEGIN PRIVATE KEY-----\ncanary\n")
    (folder / "dkim.pem").chmod(mode)


@pytest.mark.parametrize(
    "domain", ["news.example.com", "example.com", "Example.COM", "mail.news.example.com"]
)
def test_messages_are_signed_for_the_senders_domain_or_one_in_line_with_it(
    tmp_path: Path, domain: str
) -> None:
    dkim_key(tmp_path)
    signed = read(tmp_path, delivery=DKIM.format(domain=domain)).delivery.dkim

    assert signed is not None
    assert (signed.domain, signed.selector) == (domain.lower(), "digest1")
    assert "canary" in signed.key.get_secret_value()
    assert "canary" not in repr(signed)


def test_without_a_table_nothing_is_signed(tmp_path: Path) -> None:
    assert read(tmp_path).delivery.dkim is None


@pytest.mark.parametrize("domain", ["example.org", "com", "other.example.com", "xnews.example.com"])
def test_a_signature_that_speaks_for_nobody_is_a_mistake(tmp_path: Path, domain: str) -> None:
    """Receivers would count the mail as unsigned (DMARC)."""
    dkim_key(tmp_path)
    [finding] = findings(tmp_path, delivery=DKIM.format(domain=domain))

    assert finding.startswith(f"delivery.dkim.domain: “{domain}”")
    assert "is not a domain" in finding or "does not authenticate digest@news.example.com" in finding


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('domain = "example.com"\nkey_file = "dkim.pem"', ["delivery.dkim: has no selector"]),
        ('selector = "s"\nkey_file = "dkim.pem"', ["delivery.dkim: has no domain"]),
        ('domain = "example.com"\nselector = "s"', ["delivery.dkim: has no key_file"]),
        (
            'key_file = "dkim.pem"',
            ["delivery.dkim: has no domain", "delivery.dkim: has no selector"],
        ),
        (
            'domain = "example.com"\nselector = "a b"\nkey_file = "dkim.pem"',
            ["delivery.dkim.selector: “a b” is not a selector"],
        ),
        (
            'domain = "example.com"\nselector = "s"\nkey = "canary"\nkey_file = "dkim.pem"',
            ["delivery.dkim.key: is a secret and is not allowed in this file"],
        ),
    ],
)
def test_half_a_signature_is_a_mistake(tmp_path: Path, lines: str, says: list[str]) -> None:
    dkim_key(tmp_path)
    found = findings(tmp_path, delivery=f"[delivery.dkim]\n{lines}")

    assert [any(finding.startswith(one) for finding in found) for one in says] == [True] * len(says)
    assert len(found) == len(says)
    assert "canary" not in repr(found)


def test_a_signing_key_that_all_can_read_is_refused(tmp_path: Path) -> None:
    dkim_key(tmp_path, mode=0o644)
    [finding] = findings(tmp_path, delivery=DKIM.format(domain="example.com"))

    assert finding.startswith("delivery.dkim.key_file: ")
    assert "can be read by everyone" in finding


def test_no_mistake_prints_a_secret(tmp_path: Path) -> None:
    """Whatever else is wrong around it."""
    with pytest.raises(SettingsError) as refused:
        load(
            DATA / "wrong.toml",
            environ={"DIGEST_DELIVERY__SMTP__PASSWORD": "correct-horse", "DIGEST_A__B": "x"},
        )

    assert "correct-horse" not in repr(refused.value.findings)
    assert "correct-horse" not in str(refused.value)
    for url in ("ftp://me:correct-horse@a.example/", "https://me:correct-horse@a.example:99999/"):
        assert "correct-horse" not in repr(findings(tmp_path, source=f'kind = "feed"\nurl = "{url}"'))


# --- mistakes ---------------------------------------------------------------------------


def test_all_mistakes_are_found_at_once_in_the_order_of_the_file() -> None:
    with pytest.raises(SettingsError) as refused:
        load(DATA / "wrong.toml", environ={"DIGEST_SITE__NAM": "x"})

    expected = (DATA / "wrong.txt").read_text(encoding="utf-8").splitlines()
    assert list(refused.value.findings) == expected
    assert str(refused.value) == f"wrong.toml has {len(expected)} mistakes."


@pytest.mark.parametrize(
    ("where", "line", "says"),
    [
        ("site", "logo = 1", "site.logo: is not a setting. It belongs in [newsletters.NAME]"),
        ("newsletter", 'title = "twice"', "line 13, column 16: "),
        (
            "newsletter",
            "accent = 5",
            "newsletters.weekly.accent: must be text in quotes, but is the number 5.",
        ),
        ("newsletter", "schedule = 9", "newsletters.weekly.schedule: must be text in quotes."),
        (
            "newsletter",
            'collect_every = "0s"',
            "newsletters.weekly.collect_every: “0s” is not a duration.",
        ),
        (
            "newsletter",
            'on_deadline = "skip"',
            (
                "newsletters.weekly.on_deadline: only applies to issues that need approval. "
                'Set approval = "required" too.'
            ),
        ),
        (
            "newsletter",
            'approval = "required"\non_deadline = "send"',
            "newsletters.weekly.on_deadline: leaves no time to approve a draft. Set draft_ahead too",
        ),
        ("newsletter", 'editors = ["ann"]', "newsletters.weekly.editors"),
        ("newsletter", 'collect_every = ""', "newsletters.weekly.collect_every: “” is not a duration."),
        ("newsletter", 'timezone = "America/New York"', "Did you mean “America/New_York”?"),
        ("newsletter", 'timezone = "../etc/passwd"', "There is no time zone “../etc/passwd”."),
        ("newsletter", 'language = "english"', "“english” is not a language tag"),
        ("newsletter", "max_articles = true", "must be a whole number, without quotes, but is true"),
        ("newsletter", 'max_articles = "12"', "must be a whole number, without quotes, but is “12”."),
        (
            "newsletter",
            "max_articles = 12.5",
            "must be a whole number, without quotes, but is the number 12.5.",
        ),
        (
            "newsletter",
            'subject = "a\\r\\nBcc: b@c.example"',
            "subject: contains a line break or a control character",
        ),
        (
            "newsletter",
            'description = "a\\u2028b"',
            "description: contains a line break or a control character",
        ),
        ("newsletter", 'reply_to = "a@b"', "reply_to: “a@b” is not an email address."),
        ("newsletter", 'reply_to = "é@example.com"', "reply_to: “é@example.com” has letters before the @"),
        ("newsletter", 'reply_to = "A <a@example.com>, b@example.com"', "is not an address."),
        ("newsletter", 'sections = [""]', "newsletters.weekly.sections[1]: is empty."),
        ("delivery", "[delivery.smpt]\nport = 1", "delivery.smpt: is not a setting. Did you mean “smtp”?"),
        ("delivery", "rate_per_second = 0", "delivery.rate_per_second: must be more than 0, but is 0."),
        ("source", 'kind = "feed"\nurl = "file:///etc/passwd"', "Start it with https:// or http://."),
        ("source", 'kind = "markdown"\nurl = "https://a.example/"', "cannot be used with Markdown"),
        ("source", 'url = "https://a.example/"', "newsletters.weekly.sources[1].kind: is missing. `feed`"),
        (
            "source",
            f"{FEED}\npages = 0",
            "newsletters.weekly.sources[1].pages: must be at least 1, but is 0.",
        ),
        (
            "source",
            f"{FEED}\nselectors = {{ card = 1 }}",
            "selectors.card: must be text in quotes, but is the number 1.",
        ),
    ],
)
def test_a_mistake_says_where_and_what_to_do(tmp_path: Path, where: str, line: str, says: str) -> None:
    (finding,) = findings(tmp_path, **{where: line})

    assert says in finding


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://a@b/c", "“mysql” is not a supported database."),
        ("postgres://a@b/c", "Did you mean “postgresql”?"),
    ],
)
def test_a_database_must_be_one_that_lasts(tmp_path: Path, url: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, environ={"DIGEST_DATABASE__URL": url})

    assert says in refused.value.findings[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[site\nname = 1", "digest.toml: line 1, column 6: "),
        ("a = 1\na = 2", "digest.toml: end of document: "),
        ("a = ", "digest.toml: "),
        ("", "digest.toml: site: is missing."),
        ("site = 5\nnewsletters = []", "digest.toml: site: must be a table, but is the number 5."),
    ],
)
def test_broken_toml_is_placed(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "digest.toml"
    file.write_text(text)

    with pytest.raises(SettingsError) as refused:
        load(file, environ={})

    assert refused.value.findings[0].startswith(says)


# --- warnings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (
            {"newsletter": 'timezone = "Europe/Berlin"\nschedule = "Sun 02:30"'},
            "“Sun 02:30” is near the hour",
        ),
        (
            {"newsletter": 'timezone = "Europe/Berlin"\nschedule = "Tue 03:59"'},
            "“Tue 03:59” is near the hour",
        ),
        (
            {"newsletter": 'timezone = "Asia/Beirut"\nschedule = "daily 00:10"'},
            "“daily 00:10” is near the hour",
        ),
        ({"delivery": 'transport = "sendgrid"'}, "delivery.sendgrid: has no API key"),
        (
            {"delivery": 'transport = "smtp"\n[delivery.smtp]\nusername = "a"'},
            "has a username but no password",
        ),
    ],
)
def test_what_works_but_will_hurt_is_a_warning(tmp_path: Path, lines: dict[str, str], says: str) -> None:
    (warning,) = read(tmp_path, **lines).warnings  # type: ignore[arg-type]

    assert says in warning


@pytest.mark.parametrize(
    "newsletter",
    [
        'timezone = "Europe/Berlin"\nschedule = "Tue 04:00"',
        'timezone = "Asia/Kathmandu"\nschedule = "Tue 02:30"',
        'timezone = "Europe/Berlin"\nschedule = "*/15 * * * *"',
    ],
)
def test_a_schedule_that_no_clock_change_touches_is_no_warning(tmp_path: Path, newsletter: str) -> None:
    assert read(tmp_path, newsletter=newsletter).warnings == ()


def test_a_public_address_without_https_is_a_warning(tmp_path: Path) -> None:
    outside = read(tmp_path, environ={"DIGEST_SITE__PUBLIC_URL": "http://news.example.com"})
    here = read(tmp_path, environ={"DIGEST_SITE__PUBLIC_URL": "http://127.0.0.1:8000"})

    assert "is not https" in outside.warnings[0]
    assert here.warnings == ()


# --- colours ----------------------------------------------------------------------------

LIGHT_GROUNDS, DARK_GROUNDS = ("#FFFFFF", "#F4F2ED"), ("#191B1E", "#111315")


@pytest.mark.parametrize("grounds", [LIGHT_GROUNDS, DARK_GROUNDS])
@pytest.mark.parametrize("colour", ["#FFCC00", "#FFFFFF", "#808080", "#FF0000", "#00AAFF", "#000000"])
def test_the_nearest_colour_passes_and_the_step_before_does_not(
    colour: str, grounds: tuple[str, ...]
) -> None:
    """4.5 to 1 on all grounds (WCAG 2.2, 1.4.3), and moved no further than it must be."""
    shade = nearest(colour, grounds)

    assert is_readable(shade, grounds)
    if shade != colour:
        assert min(contrast(shade, ground) for ground in grounds) < 4.8


def test_contrasts_are_those_of_the_standard() -> None:
    """Known ratios: black on white is 21, and the bundled accents are 6.6 and 9.0 or better."""
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert min(contrast("#0B5F6B", ground) for ground in LIGHT_GROUNDS) == pytest.approx(6.6, abs=0.06)
    assert min(contrast("#7CC7D0", ground) for ground in DARK_GROUNDS) == pytest.approx(9.0, abs=0.06)
    assert nearest("#0B5F6B", LIGHT_GROUNDS) == "#0B5F6B"


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_bundled_look_can_be_read(look: str, scheme: str) -> None:
    palette: Palette = getattr(LOOKS[look], scheme)

    for word in (palette.ink, palette.body, palette.muted, palette.accent):
        assert is_readable(word, (palette.sheet, palette.paper))
    assert is_readable(palette.on_accent, (palette.accent,))
    assert is_readable(palette.body, (palette.plate,)), "alternative texts stand on the plate"


def theme_of(folder: Path, lines: str) -> Theme:
    return read(folder, newsletter=lines).newsletters["weekly"].theme


def test_a_theme_is_what_the_settings_say_over_the_look(tmp_path: Path) -> None:
    theme = theme_of(
        tmp_path,
        """
        accent = "#A63A1E"
        [newsletters.weekly.theme]
        look = "compact"
        radius = 0
        heading_font = "'Source Serif 4', Georgia, serif"
        light = { sheet = "#fffdf8" }
        """,
    )

    assert (theme.look, theme.radius, theme.cards) == ("compact", 0, "list")
    assert (theme.light.accent, theme.light.sheet) == ("#A63A1E", "#FFFDF8")
    assert theme.light.paper == LOOKS["compact"].light.paper
    assert theme.dark == LOOKS["compact"].dark
    assert theme.heading_font == "'Source Serif 4', Georgia, serif"
    assert theme.font == LOOKS["compact"].font


def test_without_settings_a_theme_is_the_looks_own(tmp_path: Path) -> None:
    assert theme_of(tmp_path, "") == LOOKS["magazine"]
    assert theme_of(tmp_path, 'theme = { look = "plain" }') == LOOKS["plain"]


def test_a_bright_accent_gets_dark_words_on_its_button(tmp_path: Path) -> None:
    assert theme_of(tmp_path, 'accent_dark = "#FFE9A8"').dark.on_accent == DARK.on_accent
    assert theme_of(tmp_path, 'accent = "#0B5F6B"').light.on_accent == "#FFFFFF"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            'theme = { light = { muted = "#AAAAAA" } }',
            (
                "newsletters.weekly.theme.light.muted: “#AAAAAA” is unreadable on the light background: its "
                "contrast is under 4.5. The nearest readable colour is “#6E6E6E”."
            ),
        ),
        (
            'theme = { dark = { sheet = "#FFFFFF" } }',
            (
                "newsletters.weekly.theme.dark.sheet: “#FFFFFF” as sheet leaves ink, body, muted, accent "
                "with a contrast under 4.5. Choose another background, or set ink as well."
            ),
        ),
        (
            'theme = { font = "Arial}body{color:red" }',
            (
                "newsletters.weekly.theme.font: is not a list of font families. "
                "Write it like “'Source Sans 3', Arial, sans-serif”."
            ),
        ),
        (
            'theme = { look = "magazin" }',
            (
                "newsletters.weekly.theme.look: “magazin” is not allowed. Use one of “magazine”, “plain”, "
                "“compact”. Did you mean “magazine”?"
            ),
        ),
    ],
)
def test_a_theme_that_cannot_be_read_is_refused(tmp_path: Path, lines: str, told: str) -> None:
    assert findings(tmp_path, newsletter=lines) == [told]


def test_colours_that_suit_each_other_pass_on_any_ground(tmp_path: Path) -> None:
    """A newsletter that is dark in both schemes is no mistake."""
    dark = 'sheet = "#101418", paper = "#0A0D10", ink = "#FFFFFF", body = "#DDDDDD", muted = "#AAAAAA"'

    assert (
        theme_of(tmp_path, f'accent = "#7CC7D0"\ntheme = {{ light = {{ {dark} }} }}').light.ink == "#FFFFFF"
    )


# --- every setting has an effect -----------------------------------------------------


PACKAGE = Path(__file__).parents[2] / "src" / "digest"
TEMPLATES = PACKAGE.parents[1] / "templates" / "issue"
LOADING = PACKAGE / "settings" / "loading.py"


def all_fields() -> list[tuple[str, str, bool]]:
    """Heading, key, and whether it is a secret, of every table of digest.toml."""
    root = root_table({name: provider_of(name).table for name in BUILT_IN})
    return [
        (heading, key, field.annotation is SecretStr)
        for heading, table in [("", root), *tables_of(root)]
        for key, field in table.model_fields.items()
        if not _holds_a_table(field.annotation)
    ]


def _holds_a_table(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Table)


def names_read(source: str) -> set[str]:
    """The names of the attributes that a module reads; what it assigns does not count."""
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


def frozen_as(loading: str) -> dict[str, set[str]]:
    """For each attribute that loading copies, the keyword under which the frozen value has it."""
    copies: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(loading)):
        if isinstance(node, ast.keyword) and node.arg:
            for name in names_read(ast.unparse(node.value)):
                copies.setdefault(name, set()).add(node.arg)
    return copies


def unread(fields: list[tuple[str, str, bool]], *, read: set[str], copies: dict[str, set[str]]) -> list[str]:
    """The settings that nothing reads, under their own name or under that of their frozen copy.

    `password_file` is read for the sake of the secret `password` of its table.
    """
    secrets = {(heading, f"{key}_file") for heading, key, is_secret in fields if is_secret}
    return [
        f"{heading}.{key}".lstrip(".")
        for heading, key, _ in fields
        if (heading, key) not in secrets and not read & {key, *copies.get(key, ())}
    ]


def read_in_src() -> set[str]:
    """What any module outside the settings' own room reads, and what the mail's templates do: its colours."""
    rooms = [path for path in PACKAGE.rglob("*.py") if LOADING.parent not in path.parents]
    templates = [path.read_text("utf-8") for path in TEMPLATES.rglob("*.j2")]
    tags = [tag for text in templates for tag in re.findall(r"\{[{%].*?[%}]\}", text, re.DOTALL)]
    asked_by_tags = {name for tag in tags for name in re.findall(r"\.(\w+)", tag)}
    return asked_by_tags.union(*(names_read(path.read_text("utf-8")) for path in rooms))


def test_every_setting_is_read_somewhere() -> None:
    """A key that is parsed, documented and copied, but that nothing asks for, would change nothing."""
    fields = all_fields()

    assert len(fields) > 60
    assert unread(fields, read=read_in_src(), copies=frozen_as(LOADING.read_text("utf-8"))) == []


def test_a_setting_that_is_only_copied_is_found_unread() -> None:
    fields = [("newsletters.NAME", "colour_of_the_moon", False), ("newsletters.NAME", "tide_days", False)]
    fields += [("delivery.carrier", "token", True), ("delivery.carrier", "token_file", False)]
    copies = frozen_as("Newsletter(moon=table.colour_of_the_moon, tide=timedelta(days=table.tide_days))")
    asked = names_read("newsletter.tide\nnewsletter.moon = 1\ncarrier.token")

    assert unread(fields, read=asked, copies=copies) == ["newsletters.NAME.colour_of_the_moon"]
