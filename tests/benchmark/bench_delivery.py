"""The wire and the ledger, raced against peers in the same run: `./dev bench -k delivery`.

Every figure is the median of interleaved rounds, the ledger is on, and what
counts are the ratios: the machine's speed drifts, and it drifts for all alike.
Rounds and sizes can be made smaller with DIGEST_BENCH=quick.
"""

from __future__ import annotations

import os
import platform
import smtplib
import statistics
import subprocess
import sys
import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from time import perf_counter

import pytest
from delivery import (
    COMPOSER,
    NOW,
    approved_issue,
    content,
    free_port,
    fresh_database,
    program,
    smtp_sink,
    smtp_source,
    wait_for,
)

from benchmark.figures import note
from digest.clock import Clock
from digest.message.compile import Compiled
from digest.message.splice import message_bytes, splice
from digest.model.delivery import Delivery, DeliveryId, DeliveryState, Settlement
from digest.model.issue import Issue
from digest.storage.database import Database
from digest.storage.ledger_sqlite import SqliteLedgerWriter
from digest.transports.sendgrid.transport import SendGrid
from digest.transports.smtp.transport import Smtp
from digest.workflows.composing.compose import EnvelopeFactory, compiled
from digest.workflows.sending.deliver import SendOptions, deliver

QUICK = os.environ.get("DIGEST_BENCH") == "quick"
ROUNDS = 1 if QUICK else 3
LARGE = 60  # kilobytes of a message; only these race against smtplib
HERE = Path(__file__).parent
PATHS = {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}

Row = tuple[str, str, str]  # what, measured, goal


def bench_delivery(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Row] = [personalising()]
    if not program("smtp-sink"):
        rows.append(("smtp-sink is not installed (Debian: postfix)", "a sink of our own takes its place", ""))
    rows += race(tmp_path, kilobytes=LARGE, messages=2_000 if QUICK else 6_000, goal="0.9, stretch 1.05")
    rows += race(tmp_path, kilobytes=10, messages=5_000 if QUICK else 20_000, goal="0.75")[:1]
    rows.append(uncertain_after_kill(tmp_path))
    rows += [sendgrid(tmp_path), ledger_rows(tmp_path), *memory(tmp_path)]
    with capsys.disabled():
        cores = len(os.sched_getaffinity(0))
        print(
            f"\n\n{platform.machine()}, {cores} cores, Python {platform.python_version()}, {ROUNDS} rounds\n"
        )
        width = max(len(row[0]) for row in rows)
        for what, measured, goal in rows:
            print(f"| {what:<{width}} | {measured:<36} | {goal} |")


def race(folder: Path, *, kilobytes: int, messages: int, goal: str) -> list[Row]:
    """Ours with the ledger, Postfix's generator, and smtplib with reused connections, in turn."""
    ours, source, library = [], [], []
    for number in range(ROUNDS):
        database = fresh_database(folder, f"race{kilobytes}-{number}")
        issue = approved_issue(database, recipients=messages, kilobytes=kilobytes)
        octets = len(message_bytes(compiled(COMPOSER, issue, now=NOW), _envelope(issue)))
        with smtp_sink() as port:
            source += peer(port, messages=messages, octets=octets)
            ours.append(send_all(database, issue, port=port))
            source += peer(port, messages=messages, octets=octets)
            library.append(by_smtplib(port, kilobytes=kilobytes, messages=max(100, messages // 30)))
        database.close()
    best, old = statistics.median(ours), statistics.median(library)
    what = f"{kilobytes} KB messages, 10 connections, against smtp-source -d"
    plainly = "the same against smtplib and EmailMessage per recipient"
    beside = f"{best:,.0f}/s, no peer here"
    note(f"delivery: {what}: ours", best, "/s")
    if source:
        theirs = statistics.median(source)
        beside = f"{best / theirs:.2f} ({best:,.0f}/s to {theirs:,.0f}/s)"
        note(f"delivery: {what}", best / theirs, "ratio")
        note(f"delivery: {what}: the peer", theirs, "/s")
    if kilobytes == LARGE:
        note(f"delivery: {plainly}", best / old, "times")
        note(f"delivery: {plainly}: the peer", old, "/s")
    return [(what, beside, goal), (plainly, f"{best / old:.0f} times ({old:,.0f}/s)", "15 times")]


def peer(port: int, *, messages: int, octets: int) -> list[float]:
    """Messages a second of Postfix's generator; nothing where it is not installed."""
    return [smtp_source(port, messages=messages, octets=octets)] if program("smtp-source") else []


def send_all(database: Database, issue: Issue, *, port: int) -> float:
    options = SendOptions(open=lambda: Smtp(host="127.0.0.1", port=port, security="none", connections=10))
    begin = perf_counter()
    sent = deliver(issue, composer=COMPOSER, database=database, options=options, clock=Clock(NOW))
    taken = perf_counter() - begin
    assert sent.state == "sent", sent
    return sent.counts.accepted / taken


def by_smtplib(port: int, *, kilobytes: int, messages: int) -> float:
    """What a plain script does: one reused connection, one EmailMessage for each recipient."""
    rendered = content(kilobytes)
    begin = perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for number in range(messages):
            message = EmailMessage(policy=SMTP)
            message["From"], message["Subject"] = "Weekly <digest@news.example.com>", rendered.subject
            message["To"] = f"Reader {number} <reader{number}@example.org>"
            message.set_content(rendered.text)
            message.add_alternative(rendered.html, subtype="html")
            smtp.send_message(message)
    return messages / (perf_counter() - begin)


def personalising() -> Row:
    """From a ledger row to the buffers of a 60 KB message."""
    made, issue = _compiled(60)
    address = EnvelopeFactory(COMPOSER, issue)
    person = Delivery(
        id=DeliveryId(7),
        address="reader7@example.org",
        name="Reader 7",
        language="",
        subscription_id=7,
        epoch=1,
        attempt=1,
    )
    runs = 5_000
    taken = [
        timeit.timeit(lambda: splice(made, address(person, now=NOW)), number=runs) / runs for _ in range(9)
    ]
    what, median = "personalising one 60 KB message", statistics.median(taken) * 1e6
    note(f"delivery: {what}", median, "µs")
    return what, f"{median:.1f} µs", "20 µs"


def sendgrid(folder: Path) -> Row:
    """Batches with the ledger against one library call per recipient, to a door that takes everything."""
    from python_http_client.client import Client

    recipients, alone = (5_000, 100) if QUICK else (50_000, 500)
    ours, single = [], []
    with sendgrid_sink(folder) as url:
        for number in range(ROUNDS):
            database = fresh_database(folder, f"sendgrid-{number}")
            issue = approved_issue(database, recipients=recipients, kilobytes=10)
            transport = SendGrid(api_key="SG.bench", host=url, batch_size=500)
            options = SendOptions(open=lambda transport=transport: transport, senders=8, per_request=500)
            begin = perf_counter()
            sent = deliver(issue, composer=COMPOSER, database=database, options=options, clock=Clock(NOW))
            ours.append(sent.counts.accepted / (perf_counter() - begin))
            headers = {"Authorization": "Bearer SG.bench", "Content-Type": "application/json"}
            client = Client(host=url, request_headers=headers, version=3, timeout=15)
            rendered = content(10)
            begin = perf_counter()
            for who in range(alone):
                client.mail.send.post(request_body=_one_mail(rendered.html, rendered.text, who))
            single.append(alone / (perf_counter() - begin))
            database.close()
    many, one = statistics.median(ours), statistics.median(single)
    what = "SendGrid door, batches against one library call per recipient"
    note(f"delivery: {what}", many / one, "times")
    note(f"delivery: {what}: ours", many, "/s")
    note(f"delivery: {what}: the peer", one, "/s")
    return what, f"{many / one:.0f} times ({many:,.0f}/s to {one:,.0f}/s)", "50 times"


@contextmanager
def sendgrid_sink(folder: Path) -> Iterator[str]:
    port = free_port()
    door = subprocess.Popen(_command("sendgrid", folder, str(port)), env=os.environ | PATHS)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        door.terminate()
        door.wait(10)


def _one_mail(html: str, text: str, who: int) -> dict[str, object]:
    return {
        "personalizations": [{"to": [{"email": f"reader{who}@example.org"}]}],
        "from": {"email": "digest@news.example.com"},
        "subject": "What is new",
        "content": [{"type": "text/plain", "value": text}, {"type": "text/html", "value": html}],
    }


def ledger_rows(folder: Path) -> Row:
    """Claim, intent and settle, in batches of 500."""
    recipients = 20_000 if QUICK else 100_000
    rates = []
    for number in range(ROUNDS):
        database = fresh_database(folder, f"ledger-{number}")
        issue = _sending(database, recipients)
        rows = SqliteLedgerWriter(database, issue.id, owner="bench")
        begin = perf_counter()
        known: list[Settlement] = []
        while claimed := rows.claim(500, now=NOW, lease_until=NOW):
            going = rows.exchange(known, claimed, now=NOW)
            known = [Settlement(delivery_id=i, state=DeliveryState.ACCEPTED) for i in going]
        rows.exchange(known, (), now=NOW)
        rates.append(recipients / (perf_counter() - begin))
        rows.close()
        database.close()
    what, rate = "ledger: claim, intent and settle in batches", statistics.median(rates)
    note(f"delivery: {what}", rate, "/s")
    return what, f"{rate:,.0f} rows/s", "50,000 rows/s"


def _sending(database: Database, recipients: int) -> Issue:
    from digest.model.issue import IssueState
    from digest.storage import issues

    issue = approved_issue(database, recipients=recipients, kilobytes=1)
    with database.write() as connection:
        issues.move(connection, issue.id, to=IssueState.SENDING, among=[IssueState.APPROVED])
    return issue


def memory(folder: Path) -> list[Row]:
    """Peak memory of a process that sends to so many, each in a process of its own."""
    few, many = (10_000, 50_000) if QUICK else (100_000, 1_000_000)
    small, large = (_child("memory", folder, str(count)) for count in (few, many))
    peak, beyond = f"peak memory at {many:,} recipients", f"the same beyond that at {few:,}"
    note(f"delivery: {peak}", large, "MB")
    note(f"delivery: {beyond}", large - small, "MB")
    return [(peak, f"{large:.0f} MB", "120 MB"), (beyond, f"{large - small:+.0f} MB", "10 MB")]


def uncertain_after_kill(folder: Path) -> Row:
    kills = 2 if QUICK else 8
    most = max(_child("kill", folder, str(number)) for number in range(kills))
    what = f"uncertain after kill -9, 10 connections, most of {kills}"
    note(f"delivery: {what}", most, "")
    return what, f"{most:.0f}", "10"


def _child(what: str, folder: Path, argument: str) -> float:
    """Run one of the scripts of `child.py`; the number that it prints last."""
    done = subprocess.run(
        _command(what, folder, argument),
        capture_output=True,
        text=True,
        check=True,
        timeout=900,
        env=os.environ | PATHS,
    )
    return float(done.stdout.split()[-1])


def _command(what: str, folder: Path, argument: str) -> list[str]:
    return [sys.executable, str(HERE / "child.py"), what, str(folder), argument]


def _compiled(kilobytes: int) -> tuple[Compiled, Issue]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        database = fresh_database(Path(folder), "compiled")
        issue = approved_issue(database, recipients=1, kilobytes=kilobytes)
        database.close()
    return compiled(COMPOSER, issue, now=NOW), issue


def _envelope(issue: Issue):
    from digest.workflows.composing.compose import sample

    return sample(COMPOSER, issue, now=NOW)
