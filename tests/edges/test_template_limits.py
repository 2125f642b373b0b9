"""Owners' templates that misbehave: what they cannot reach, how long they may run, and what outlives them."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from data.issues import NEWSLETTER, NOW, SITE, example, of_teasers, teaser
from digest.errors import TemplateError
from digest.model.issue import Issue, IssueId, IssueState
from digest.rendering import sandbox
from digest.workflows.composing.compose import Composer, compiled

FOOTER = (
    "<mj-section><mj-column><mj-text>{}<a href='{{{{ slots.unsubscribe_url }}}}'>x</a></mj-text>"
    "</mj-column></mj-section>"
)
FOR_EVER = "{% for a in range(99999) %}{% for b in range(99999) %}\n{% endfor %}{% endfor %}"
PROC = Path("/proc/self/environ").exists()


def html_with(folder: Path, printed: str, part: str = "footer.mjml.j2") -> str:
    folder.joinpath(part).write_text(FOOTER.format(printed))
    return example("mixed").rendered(folder).html


def process() -> subprocess.Popen[bytes]:
    found = sandbox._CELL._process
    assert found is not None
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("\n" + FOR_EVER, r"footer\.mjml\.j2, line 2: This takes too long"),
        ("\n{{ 9**(9**9) }}", r"footer\.mjml\.j2, line 2: This takes too long"),
        ("\n\n{{ 'a' * 1000000000 }}", r"footer\.mjml\.j2, line 3: This needs too much memory"),
        ("{{ '%1000000000d' % 1 }}", r"footer\.mjml\.j2, line 1: This needs too much memory"),
        ("{{ ''|center(1000000000) }}", r"footer\.mjml\.j2, line 1: This needs too much memory"),
        ("{% for n in range(99999) %}twenty characters...{% endfor %}", r"prints 2,\d+,\d+ characters"),
        (
            "{% macro t(n) %}{{ t(n + 1) }}{% endmacro %}{{ t(1) }}",
            r"footer\.mjml\.j2, line 1: .*endless",
        ),
        ("{% include 'footer.mjml.j2' %}", r"footer\.mjml\.j2, line 1: .*includes itself"),
        ("{{ " + "(" * 9999 + ")" * 9999 + " }}", "nested too deeply"),
        ("<div>" * 60_000, r"footer\.mjml\.j2.* crashed the process"),  # MRML overflows its stack
    ],
)
def test_what_would_never_end_is_named_and_nothing_is_harmed(tmp_path: Path, printed: str, said: str) -> None:
    """A `TemplateError` after seconds; this process stays small, and the next issue is rendered."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TemplateError, match=said):
        html_with(tmp_path, printed)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    assert "honest" in html_with(tmp_path, "honest")


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("{% for a in range(300) %}{% for b in range(300) %}{% endfor %}{% endfor %}done", "done"),
        ("{% for n in range(99999) %}a{% endfor %}", "a" * 99_999),
        (
            "{% macro down(n) %}{{ n }}{% if n %}-{{ down(n - 1) }}{% endif %}{% endmacro %}{{ down(30) }}",
            "30-29-28-",
        ),
        ("{{ 'ab' * 3 }} {{ 2 ** 10 }} {{ '%02d' % 7 }}", "ababab 1024 07"),
        ("{% if sponsor is defined %}{{ sponsor }}{% endif %}{{ patron|default('nobody') }}", "nobody"),
        (
            "{% set x = namespace(n=0) %}{% for s in stories %}{% set x.n = x.n + 1 %}{% endfor %}{{ x.n }}",
            ">9<",
        ),
        ("{% for section in sections %}{{ section is sameas sections[0] }} {% endfor %}", "True "),
    ],
)
def test_what_only_takes_a_while_is_printed(tmp_path: Path, printed: str, shown: str) -> None:
    """Long but finite loops, recursion with an end, sums: all that an honest owner may want."""
    assert shown in html_with(tmp_path, printed)


def test_templates_that_include_each_other_in_a_ring_are_named(tmp_path: Path) -> None:
    (tmp_path / "mine.mjml.j2").write_text("\n{% include 'footer.mjml.j2' %}")
    with pytest.raises(
        TemplateError, match=r"(mine\.mjml\.j2, line 2|footer\.mjml\.j2, line 1): .*includes itself"
    ):
        html_with(tmp_path, "{% include 'mine.mjml.j2' %}")


def test_a_part_included_twice_is_no_ring(tmp_path: Path) -> None:
    (tmp_path / "mine.mjml.j2").write_text("mine!")
    assert html_with(tmp_path, "{% include 'mine.mjml.j2' %}" * 2).count("mine!") == 2


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("{% if note.signature == 'no' %}\n{{ singature }}{% endif %}", r"line 2: 'singature' is undefined"),
        (
            "{% if 0 %}\n\n{% include 'gone.mjml.j2' %}{% endif %}",
            r"line 3: .*“gone\.mjml\.j2” does not exist",
        ),
        ("{% if 0 %}{{ lipsum() }}{% endif %}", "'lipsum' is undefined"),
    ],
)
def test_unknown_names_are_found_where_nothing_is_printed_yet(
    tmp_path: Path, printed: str, said: str
) -> None:
    """Otherwise the first issue with a note would find them."""
    with pytest.raises(TemplateError, match=rf"footer\.mjml\.j2, {said}|{said}"):
        html_with(tmp_path, printed)
    assert "mended" in html_with(
        tmp_path, "{% if note.signature == 'no' %}{{ note.signature }}{% endif %}mended"
    )


@pytest.mark.parametrize(
    "reach",
    [
        "site.__class__",
        "''.__class__.__mro__",
        "cycler.__init__.__globals__",
        "self.__init__.__globals__",
        "say.__func__.__globals__",
        "say.__self__",
        '"{0.__class__}".format(site)',
        '"{a.__class__}".format_map({"a": site})',
        "site|attr('__class__')",
        "[site]|map(attribute='__class__')|join",
        "range.__class__",
        "range(999999999)",
        "newsletter.subscriber_files",
        "newsletter.sources[0].path.read_text()",
        "environ",
        "os.environ",
        "lead.image._replace",
        "stories.append(1)",
    ],
)
def test_no_template_gets_out_of_its_sandbox(tmp_path: Path, reach: str) -> None:
    """No insides of Python, no file, no environment: neither for a part of the mail nor for the subject."""
    with pytest.raises(TemplateError, match=r"footer\.mjml\.j2, line 1: "):
        html_with(tmp_path, "{{ " + reach + " }}")
    with pytest.raises(TemplateError, match=r"subject of “weekly”, line 1: "):
        of_teasers(teaser(), subject="{{ " + reach.replace("say", "lead") + " }}x").rendered()


@pytest.mark.parametrize("name", ["/etc/passwd", "../footer.mjml.j2", "issue/../../x"])
def test_no_template_includes_what_lies_outside_of_its_folders(tmp_path: Path, name: str) -> None:
    with pytest.raises(TemplateError, match="does not exist"):
        html_with(tmp_path, "{% include '" + name + "' %}")
    with pytest.raises(TemplateError, match="does not exist"):
        html_with(tmp_path, "{% set name = '" + name + "' %}{% include name %}")


@pytest.mark.parametrize(
    "value", ["{address.__class__}", "{address[0]}", "{address:>99999999}", "{address!r}", "{}"]
)
def test_a_phrase_holds_values_and_nothing_else(tmp_path: Path, value: str) -> None:
    """Phrases are filled in outside of the sandbox."""
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "en.toml").write_text(f'why = "{value}"')
    with pytest.raises(TemplateError, match=r"en\.toml: the phrase “why” can only use values by name"):
        example("mixed").rendered(tmp_path)


def test_a_phrase_with_a_brace_and_a_value_is_fine(tmp_path: Path) -> None:
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "en.toml").write_text('why = "{{for}} {address}"')
    assert "{for} " in example("mixed").rendered(tmp_path).html


def test_a_phrase_that_names_a_value_it_does_not_have_is_named(tmp_path: Path) -> None:
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "en.toml").write_text('by_minutes = "{minutes} min"')
    with pytest.raises(TemplateError, match=r"“by_minutes” uses \{minutes\}.*can use: \{n\}"):
        example("mixed").rendered(tmp_path)


def test_an_approved_issue_goes_out_whatever_became_of_the_templates(tmp_path: Path) -> None:
    """A template is wrong at draft and check, never at send: then nothing is printed anew."""
    issue = Issue(
        id=IssueId(1),
        newsletter="weekly",
        number=41,
        state=IssueState.APPROVED,
        reason="",
        created_at=NOW,
        selected_at=NOW,
        layout=example("mixed").layout,
        rendered=example("mixed").rendered(),
    )
    composer = Composer(site=SITE, newsletter=NEWSLETTER, folders=(tmp_path,), secret_keys=("key",))
    (tmp_path / "footer.mjml.j2").write_text("{{ broken")

    assert compiled(composer, issue, now=NOW).content_hash
    with pytest.raises(TemplateError, match=r"footer\.mjml\.j2, line 1"):
        compiled(composer, replace(issue, rendered=None), now=NOW)


# The subject


@pytest.mark.slow
@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (FOR_EVER, "line 1: This takes too long"),
        ("{{ 'a' * 1000000000 }}", "line 1: This needs too much memory"),
        ("{% if count > 99 %}{{ oops }}{% endif %}News", "line 1: 'oops' is undefined"),
        ("{% include 'footer.mjml.j2' %}", "line 1: "),
    ],
)
def test_a_subject_that_misbehaves_is_refused(subject: str, said: str) -> None:
    with pytest.raises(TemplateError, match=f"subject of “weekly”, {said}"):
        of_teasers(teaser(), subject=subject).rendered()


def test_a_subject_may_loop_and_choose() -> None:
    subject = "{% for n in range(3) %}{{ n }}{% endfor %} {{ 'one' if count == 1 else 'many' }}"
    assert of_teasers(teaser(), subject=subject).rendered().subject == "012 one"


# The process


def test_the_bundled_templates_need_no_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nor does a subject that only prints values, nor a folder with nothing but phrases."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    (tmp_path / "phrases").mkdir()
    (tmp_path / "phrases" / "en.toml").write_text('unsubscribe = "Leave"')

    assert "Leave" in example("mixed").rendered(tmp_path).html
    assert of_teasers(teaser(), subject="{{ count }} from {{ site.name }}").rendered()


def test_one_process_serves_all_and_is_replaced_when_it_dies(tmp_path: Path) -> None:
    html_with(tmp_path, "one")
    first = process()
    html_with(tmp_path, "two")
    assert process() is first

    first.kill()
    first.wait()
    assert "three" in html_with(tmp_path, "three")
    assert process() is not first


def test_a_process_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox._CELL.close()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(TemplateError, match="does not start"):
        html_with(tmp_path, "x")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    with pytest.raises(TemplateError, match="does not start"):
        html_with(tmp_path, "x")
    monkeypatch.undo()
    assert "again" in html_with(tmp_path, "again")


@pytest.mark.slow
def test_what_no_signal_reaches_is_stopped_by_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    html_with(tmp_path, "warm")
    monkeypatch.setattr(sandbox, "_WALL_SECONDS", 0.2)
    with pytest.raises(TemplateError, match=r"footer\.mjml\.j2 took more than 0\.2 seconds"):
        html_with(tmp_path, FOR_EVER)
    monkeypatch.undo()
    assert "again" in html_with(tmp_path, "again")


def test_threads_get_each_their_own_answer(tmp_path: Path) -> None:
    got: dict[int, bool] = {}

    def ask(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        got[number] = all(f"from {number}." in html_with(folder, f"from {number}.") for _ in range(5))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == dict.fromkeys(range(6), True)


@pytest.mark.skipif(not PROC, reason="no /proc here")
def test_the_process_has_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever got out of the sandbox would still find no password there."""
    monkeypatch.setenv("DIGEST_SECRET_KEYS", "open-sesame")
    sandbox._CELL.close()
    html_with(tmp_path, "x")
    environ = Path(f"/proc/{process().pid}/environ").read_bytes()

    assert b"PYTHONPATH=" in environ
    assert b"sesame" not in environ
    assert Path(f"/proc/{process().pid}/limits").read_text().count(str(sandbox.MEMORY)) == 2


STORY = """
import os, sys
from pathlib import Path
from data.issues import example
from digest.model.issue import Issue, IssueId, IssueState
from digest.rendering import sandbox
from digest.workflows.composing.compose import Composer, compiled
folder = Path(sys.argv[1])
assert "mine" in example("mixed").rendered(folder).html
print(sandbox._CELL._process.pid, flush=True)
"""


def run(tmp_path: Path, more: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "footer.mjml.j2").write_text(FOOTER.format("mine"))
    tests = str(Path(__file__).parent.parent)
    command = [sys.executable, "-W", "error", "-c", STORY + more, str(tmp_path)]
    return subprocess.run(
        command,
        check=False,
        env={**os.environ, "PYTHONPATH": tests},
        text=True,
        capture_output=True,
        timeout=60,
    )


def is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if PROC and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), 9)", "os._exit(0)", "raise SystemExit(1)"])
def test_the_process_ends_with_the_one_that_asked(tmp_path: Path, end: str) -> None:
    """Also after `kill -9`: nobody is left to ask."""
    done = run(tmp_path, end)

    assert done.returncode in {0, 1, -signal.SIGKILL}
    assert not done.stderr
    assert is_gone(int(done.stdout))


@pytest.mark.slow
def test_a_fork_gets_a_process_of_its_own(tmp_path: Path) -> None:
    """Two that talk into one wire would get each other's answers."""
    done = run(
        tmp_path,
        """
if not (child := os.fork()):
    assert "mine" in example("mixed").rendered(folder).html
    print(sandbox._CELL._process.pid, flush=True)
    sandbox._CELL.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert "mine" in example("mixed").rendered(folder).html
print(sandbox._CELL._process.pid, flush=True)
""",
    )
    first, of_fork, again = done.stdout.split()

    assert not done.stderr
    assert first == again != of_fork
