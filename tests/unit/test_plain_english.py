"""Turns of phrase that read as translated stay out of everything that people read.

The texts are those of the templates, the documentation and the strings and docstrings of the
code.  Each habit has the wording that brought it here, a better one, and sentences that are fine.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Rooms whose wording has not been revised yet: prefixes of paths.  Revise one, then drop its line.
NOT_YET: tuple[str, ...] = (
    "src/digest/storage/migrations/versions/0009_activity.py",  # quotes sentences of stored rows
)


@dataclass(frozen=True, kw_only=True)
class Habit:
    """A turn of phrase to avoid: how to recognise it, why, and what to write instead."""

    name: str
    pattern: str
    why: str
    met: str
    better: str
    fine: tuple[str, ...]


START = r"(?:^|(?<=[.!?:;] )|(?<=\*\*)|(?<=“))"
VERBS = "has|had|is|was|wants|gets|got|leaves|left|reads|uses|asks|changes|came|comes|knows|runs|stays"

HABITS = (
    Habit(
        name="who-subject",
        pattern=rf"{START}Who (?:{VERBS})\b(?![^.!?]*\?)",
        why="English does not use “who …” as the subject of a statement.",
        met="Who has forgotten it gets a new one.",
        better="Forgotten your password? Ask for a new one.",
        fine=("Who is it for?", "Anyone who has forgotten it gets a new one.", "Who did what, and when."),
    ),
    Habit(
        name="for-who",
        pattern=rf"\b(?:for|to|from|with|by|than|under) who (?:{VERBS}|have|are|does|did|works|writes)\b",
        why="A preposition needs a noun: “for people who …”, “for anyone who …”.",
        met="The desk answers anywhere, to who has logged in.",
        better="The desk is reachable from anywhere after login.",
        fine=("For those who have an account.", "A record of who approved it."),
    ),
    Habit(
        name="what-subject",
        pattern=rf"{START}What (?![^.?!]* is what )(?:is|was|has|had|stays|stands|comes|came|cannot be)\b"
        r"[^.?!:;,]{3,90}? (?:is|are|was|were|goes|stays|comes|becomes|counts|leads)\b",
        why="The sentence begins with its longest part; name the thing, then say what happens to it.",
        met="What is struck out is cut.",
        better="Struck-through text is cut off.",
        fine=(
            "What was approved is what is sent.",
            "What is stored about editors: name, role and when they were last seen.",
            "What is it?",
        ),
    ),
    Habit(
        name="what-becomes-of",
        pattern=r"\b[Ww]hat (?:becomes|became|has become) of\b",
        why="Too literary for a count or a setting.",
        met="What becomes of a mail, the provider tells later.",
        better="The provider reports later what happened to a message.",
        fine=("What happens to the draft is a setting.",),
    ),
    Habit(
        name="participle-first",
        pattern=rf"{START}(?:Read|Kept|Stored|Shown|Asked|Counted|Listed|Tried|Taken|Refused) (?:are|is)\b",
        why="The object comes first; the sentence needs a subject.",
        met="Read are JPEG, PNG, GIF and WebP.",
        better="JPEG, PNG, GIF and WebP are accepted.",
        fine=("Read the page once.", "What you read is stored."),
    ),
    Habit(
        name="anew",
        pattern=r"\b[Aa]new\b",
        why="Archaic.",
        met="Open the page anew and do it again there.",
        better="Reload the page and try again.",
        fine=("A new page opens.",),
    ),
    Habit(
        name="as-long-as",
        pattern=r"(?:^|[.:;,(] )[Aa]s long as\b",
        why="“As long as” sets a condition; a span of time is “while”.",
        met="As long as the transport is the outbox, nothing leaves.",
        better="While the transport is the outbox, nothing leaves.",
        fine=("It draws a line as long as the text.", "It takes twice as long as before."),
    ),
    Habit(
        name="is-none",
        pattern=r"\b(?!there\b|There\b)\w+ (?:is|was|are) none\b(?! of| the)",
        why="“None” counts; “is none” for “is not one” is a calque.",
        met="It refuses an address that is none.",
        better="It refuses anything that is not an address.",
        fine=("There is none.", "Of the ten, there are none left.", "It is none of our business."),
    ),
    Habit(
        name="nobodys",
        pattern=r"\b(?:is|are|was|be) (?:nobody|everybody)['’]s\b(?! fault| business)"
        r"|\b[Ee]verybody['’]s own\b",
        why="These are not adjectives.",
        met="A link that is nobody’s.",
        better="A link that belongs to nobody.",
        fine=("It is nobody’s fault.", "It is somebody else’s text."),
    ),
    Habit(
        name="of-whom",
        pattern=r"\bof whom\b|\bof which (?:nobody|no one|it|they|we|you|one|the)\b",
        why="Start a new clause with its own subject.",
        met="Deliveries of which nobody knows whether they arrived.",
        better="Deliveries whose outcome is unknown.",
        fine=("It takes 13 ms, of which 1.5 ms are the process.",),
    ),
    Habit(
        name="go-on",
        pattern=r"\b(?:[Gg]o|[Gg]oes|[Gg]oing|[Ww]ent) on (?:with|where|by itself)\b",
        why="Work continues or resumes.",
        met="Go on with a paused send.",
        better="Resume a paused send.",
        fine=("The address goes on the next line.",),
    ),
    Habit(
        name="stands",
        pattern=r"\b(?:stands?|stood) (?:in|on|at|there|beside|behind|before|under|below|above|still|first)\b"
        r"|\b(?:as|where|what) (?:it|they) stands?\b|\b[Ww]hat stands\b",
        why="Text and values do not stand anywhere; they are there.",
        met="Secrets never stand in the file.",
        better="Secrets are not allowed in the file.",
        fine=("DKIM stands for DomainKeys Identified Mail.", "It makes the title stand out."),
    ),
    Habit(
        name="lies",
        pattern=r"\b(?:lies|lie) (?:in|at|over|beside|there|under|behind|between|outside)\b",
        why="Files and panels do not lie anywhere; they are there, or cover something.",
        met="Close what lies over the page.",
        better="Close the open panel.",
        fine=("The fault lies with the sender.", "Photos lie on their side."),
    ),
    Habit(
        name="mend",
        pattern=r"\b(?:[Mm]ends|[Mm]ended|[Mm]ending)\b|\b(?:a|its|the|one|each|to) mend\b",
        why="Software is fixed; socks are mended.",
        met="Each finding with its mend.",
        better="Each finding says how to fix it.",
        fine=("I recommend it.", "The field `mend` says how to fix it."),
    ),
    Habit(
        name="ground",
        pattern=r"\b(?:light|dark|white|same) grounds?\b|\bon (?:its|their) grounds?\b"
        r"|\b[Tt]he ground (?:of|around)\b",
        why="A colour behind text is a background.",
        met="The ground of the stories.",
        better="Background colour of stories.",
        fine=("The background of the stories.", "On the grounds that it is late."),
    ),
    Habit(
        name="leave",
        pattern=r"\b(?:[Ww]ho|[Pp]eople|[Ss]omebody|[Ss]omeone|[Yy]ou) (?:has |have |had )left\b(?! \w)"
        r"|\b[Ww]ho left\b(?! \w)|\b(?:link|button|way|page) to leave\b(?! \w)"
        r"|\bcannot leave\b(?= presses|[.,;]|$)",
        why="Subscribers unsubscribe.",
        met="Every issue has a link to leave.",
        better="Every issue has an unsubscribe link.",
        fine=("Leave the name empty.", "A link to leave feedback."),
    ),
    Habit(
        name="told",
        pattern=r"\b(?:is|are|was|were|be|been) told\b"
        r"(?! (?:to|how|that|which|what|not|otherwise|about|apart|from|(?:[\w-]+ ){0,2}by)\b)"
        r"|\bt(?:ells|old) (?:of|later)\b",
        why="Events and errors are reported.",
        met="A mistake is told with file and line.",
        better="Errors name the file and line.",
        fine=("The server is told to wait.", "Two spellings are told apart by their case."),
    ),
    Habit(
        name="take-back",
        pattern=r"\b(?:[Tt]akes?|took|taken|taking)"
        r"(?: (?:it|that|them|(?:the|an) approval|the mark))? back\b",
        why="Approvals are withdrawn, marks removed and edits undone.",
        met="Any edit takes the approval back.",
        better="Any edit withdraws the approval.",
        fine=("The link brings the person back.",),
    ),
    Habit(
        name="at-that",
        pattern=r"\b(?:[Ll]eft|[Ll]eaves?|leaving)(?: it| them)? at that\b",
        why="It does not say what happens.",
        met="Leave it at that",
        better="Don’t resend",
        fine=("It was sent at that time.",),
    ),
    Habit(
        name="wait-for-a-person",
        pattern=r"\bwait(?:s|ing)? for (?:a person|somebody)\b",
        why="Say what the person has to do.",
        met="The issue waits for a person.",
        better="The issue needs your decision.",
        fine=("It waits for the server.",),
    ),
)


@dataclass(frozen=True)
class Passage:
    """A paragraph, message or label, and the line on which it begins."""

    line: int
    text: str


def findings_in(passage: Passage) -> list[str]:
    """The habits found in a passage, each with its words and a better wording for the like."""
    return [
        f"“{found[0]}” ({habit.name}: {habit.why} Better: “{habit.better}”)"
        for habit in HABITS
        for found in re.finditer(habit.pattern, passage.text)
    ]


# --- what is read -----------------------------------------------------------------------------


def texts() -> list[Path]:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("subscribers/*.md")]
    templates = [
        path
        for path in ROOT.glob("templates/**/*")
        if path.suffix in READERS and (path.parent.name != "vendor" or path.suffix == ".md")
    ]
    return sorted({*pages, *templates, *(ROOT / "src" / "digest").rglob("*.py")})


def passages_of(path: Path) -> list[Passage]:
    return [
        Passage(one.line, " ".join(one.text.split()))
        for one in READERS[path.suffix](path.read_text("utf-8"))
        if " " in one.text.strip()
    ]


def markdown(text: str) -> Iterator[Passage]:
    """Paragraphs, list items and cells; code in backquotes counts as a word."""
    text = re.sub(r"^```.*?^```", _blank, text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^ {4}.*$", _blank, text, flags=re.MULTILINE)
    text = re.sub(r"`[^`\n]+`", "CODE", text)
    parts = re.split(r"(\n\s*\n|\n\s*(?:[*-]|\d+\.) |\n#+ |\n?\||(?:^|\n)[*#-]+ )", text)
    yield from _numbered(parts)


def template(text: str) -> Iterator[Passage]:
    """Comments, visible text, the attributes that are read out, and strings in expressions."""
    for comment in re.finditer(r"\{#(.*?)#\}", text, re.DOTALL):
        yield Passage(_line(text, comment.start()), comment[1])
    text = re.sub(r"\{#.*?#\}|<style.*?</style>|<pre.*?</pre>", _blank, text, flags=re.DOTALL)
    for expression in re.finditer(r"\{[{%](.*?)[%}]\}", text, re.DOTALL):
        for string in re.finditer(r"'([^'\n]*)'|\"([^\"\n]*)\"", expression[1]):
            yield Passage(_line(text, expression.start()), string[1] or string[2] or "")
    text = re.sub(r"\{\{.*?\}\}", "…", text, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}", _blank, text, flags=re.DOTALL)
    for attribute in re.finditer(r'(?:title|aria-label|placeholder|alt)="([^"]*)"', text):
        yield Passage(_line(text, attribute.start()), attribute[1])
    text = re.sub(r"</?(?:a|b|bdi|br|em|i|s|span|strong)\b[^>]*>", "", text)
    text = re.sub(r"<code>.*?</code>", "CODE", text)
    yield from _numbered(re.split(r"(<[^>]*>|\n\s*\n)", text))


def script(text: str) -> Iterator[Passage]:
    """Comments, those of several lines as one, and strings."""
    for comment in re.finditer(r"/\*(.*?)\*/|((?:^[ \t]*//.*\n)+)|//(.*)", text, re.DOTALL | re.MULTILINE):
        words = comment[1] or comment[2] or comment[3].split("\n")[0]
        yield Passage(_line(text, comment.start()), re.sub(r"(?m)^\s*(?:\*|//)", "", words))
    for string in re.finditer(r"'([^'\n]*)'|`([^`\n]*)`", text):
        yield Passage(_line(text, string.start()), string[1] or string[2] or "")


def stylesheet(text: str) -> Iterator[Passage]:
    for comment in re.finditer(r"/\*(.*?)\*/", text, re.DOTALL):
        yield Passage(_line(text, comment.start()), comment[1])


def phrases(text: str) -> Iterator[Passage]:
    for number, line in enumerate(text.splitlines(), 1):
        yield Passage(number, line.lstrip("# ").partition(' = "')[2].rstrip('"') or line.lstrip("# "))


def code(text: str) -> Iterator[Passage]:
    """Strings and docstrings, a paragraph each; values in an f-string count as a word."""
    nodes = list(ast.walk(ast.parse(text)))
    joined = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    inner = {id(part) for node in joined for part in ast.walk(node) if part is not node}
    for node in nodes:
        if id(node) in inner:
            continue
        words = _words_of(node)
        for paragraph in re.split(r"\n\s*\n", cleandoc(words)):
            yield Passage(getattr(node, "lineno", 1), re.sub(r"`[^`\n]+`", "CODE", paragraph))


def _words_of(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _blank(found: re.Match[str]) -> str:
    """As many lines with nothing in them, so that line numbers stay right."""
    return "\n" * found[0].count("\n") or " "


def _numbered(parts: list[str]) -> Iterator[Passage]:
    line = 1
    for part in parts:
        if not part.startswith("<"):
            yield Passage(line + len(part) - len(part.lstrip("\n")), part)
        line += part.count("\n")


READERS = {
    ".md": markdown,
    ".html": template,
    ".j2": template,
    ".js": script,
    ".css": stylesheet,
    ".toml": phrases,
    ".py": code,
}


# --- the rules, and what they hold --------------------------------------------------------------


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.name)
def test_a_habit_is_found_and_plain_english_is_not(habit: Habit) -> None:
    assert re.search(habit.pattern, habit.met)
    for sentence in (habit.better, *habit.fine):
        assert findings_in(Passage(1, sentence)) == [], sentence


@pytest.mark.parametrize(
    ("kind", "text", "line"),
    [
        (".md", "# Title\n\nOne.\n\n* First it is printed\n  anew.\n", 5),
        (".md", "| a | b |\n|---|---|\n| x | printed anew |\n", 3),
        (".html", "<p>One</p>\n<p>It is <em>printed</em> anew.</p>", 2),
        (".html", '\n<a title="Print anew" href="/">Print</a>', 2),
        (".html", "\n{{ 'Print anew' if old else 'Print' }}", 2),
        (".j2", "{# It is printed\n   anew. #}<mj-raw/>", 1),
        (".js", "let a = 1\n  // It is printed\n  // anew.\n", 2),
        (".js", "say(\n  'Print it anew.')\n", 2),
        (".css", "a {}\n/* printed anew */", 2),
        (".toml", 'a = "b"\nwhy = "It is printed anew."', 2),
        (".py", 'def a():\n    """It is printed\n    anew."""\n', 2),
        (".py", 'x = 1\ny = f"It is {x} anew"\n', 2),
    ],
)
def test_every_kind_of_text_is_read(kind: str, text: str, line: int) -> None:
    found = [one for one in READERS[kind](text) if findings_in(Passage(1, " ".join(one.text.split())))]

    assert [one.line for one in found] == [line]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (".md", "Run `print anew`.\n\n```text\nprint anew\n```\n\n    print anew\n"),
        (".html", '<p class="print anew"><code>print anew</code></p>'),
        (".py", "x = 1  # printed anew\ny = 'the field `print anew`'\n"),
    ],
)
def test_code_is_not_prose(kind: str, text: str) -> None:
    assert [one for one in READERS[kind](text) if findings_in(one)] == []


def test_nothing_that_people_read_has_such_a_turn_of_phrase() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{passage.line}: {finding}"
        for path in texts()
        if not str(path.relative_to(ROOT)).startswith(NOT_YET)
        for passage in passages_of(path)
        for finding in findings_in(passage)
    ]

    assert not found, "\n".join(found)
