"""What each edit does to an issue's content, and when it clashes with someone else's.

Whatever the edits and their order, no story is lost or duplicated, no section is
empty, and an issue with a story has a lead.

An edit of a text states the text it was based on.  If that is no longer the current
text, nothing is overwritten: the result is a `Clash` with both texts.  An edit of the
order applies to the current order, while the story or section that it names is still
in the issue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from digest.errors import NotAllowed
from digest.model.article import ArticleId, Image
from digest.model.edit import (
    Clash,
    Edit,
    EditTeaser,
    IssueText,
    MakeLead,
    Move,
    MoveSection,
    PullIn,
    RenameSection,
    ResetTeaser,
    SetText,
    TakeOut,
)
from digest.model.issue import Content, Layout, Section, SourceValue, TakenOut, Teaser, TeaserField
from digest.rules.cleaning import absolute_http_url, cut, plain

# In characters; an editor may write more than a source, but no more than a mail can use.
_LONGEST = {
    TeaserField.HEADLINE: 300,
    TeaserField.TEXT: 1000,
    TeaserField.ALT: 500,
    TeaserField.TOPIC: 80,
    IssueText.SUBJECT: 200,
    IssueText.PREHEADER: 200,
}
LONGEST_NOTE = 5000
_LONGEST_TITLE = 80
_LONGEST_REASON = 300


def apply(edit: Edit, content: Content) -> Content | Clash:
    """The content after the edit, or why the edit can no longer be applied.

    Raises:
        NotAllowed: the new value is not allowed there, or the issue would be empty.
    """
    match edit:
        case EditTeaser() | ResetTeaser():
            return _edit_teaser(edit, content)
        case SetText():
            return _set_text(edit, content)
        case TakeOut():
            return _take_out(edit, content)
        case PullIn():
            return _pull_in(edit, content)
        case _:
            layout = _arrange(edit, content.layout)
            return layout if isinstance(layout, Clash) else replace(content, layout=layout)


def value_of(teaser: Teaser, field: TeaserField) -> str:
    """The current value of a field, in the form an editor edits."""
    match field:
        case TeaserField.HEADLINE:
            return teaser.headline
        case TeaserField.TEXT:
            return teaser.text
        case TeaserField.TOPIC:
            return teaser.topic
        case TeaserField.IMAGE:
            return teaser.image.url if teaser.image else ""
        case TeaserField.ALT:
            return teaser.image.alt if teaser.image else ""


def story(layout: Layout, article: ArticleId) -> Teaser | None:
    """The teaser of this article; None if it is not in the issue."""
    return next((teaser for teaser in layout.teasers if teaser.article_id == article), None)


def section_of(layout: Layout, article: ArticleId) -> str | None:
    """The title of the section that contains a story; None for the lead and for stories not in the issue."""
    return next((s.title for s in layout.sections for t in s.teasers if t.article_id == article), None)


def describe(edit: Edit, content: Content) -> str:  # noqa: PLR0911 - one for each kind of edit
    """The edit as a phrase for the history; `content` is what it was applied to."""
    match edit:
        case Move() if edit.section and edit.section != section_of(content.layout, edit.article):
            return f"moved {_named(edit.article, content)} to “{edit.section}”"
        case Move():
            return f"moved {_named(edit.article, content)}"
        case MakeLead():
            return f"made {_named(edit.article, content)} the lead"
        case TakeOut():
            return f"removed {_named(edit.article, content)}" + (f": {edit.reason}" if edit.reason else "")
        case PullIn():
            title = f"“{edit.teaser.headline}”" if edit.teaser else _named(edit.article, content)
            return f"added {title}"
        case EditTeaser():
            return f"changed the {_WORDS[edit.field]} of {_named(edit.article, content)}"
        case ResetTeaser():
            return f"reset the {_WORDS[edit.field]} of {_named(edit.article, content)} to its source"
        case SetText():
            return f"changed the {_WORDS[edit.text]}" if edit.value else f"removed the {_WORDS[edit.text]}"
        case RenameSection():
            return f"renamed the section “{edit.title}” to “{edit.new}”"
        case MoveSection():
            return f"moved the section “{edit.title}”"


_WORDS: dict[TeaserField | IssueText, str] = {
    TeaserField.HEADLINE: "headline",
    TeaserField.TEXT: "text",
    TeaserField.IMAGE: "image",
    TeaserField.ALT: "image description",
    TeaserField.TOPIC: "topic",
    IssueText.SUBJECT: "subject",
    IssueText.PREHEADER: "preheader",
    IssueText.NOTE: "editor's note",
}


def _named(article: ArticleId, content: Content) -> str:
    known = [*content.layout.teasers, *(out.teaser for out in content.taken_out)]
    title = next((teaser.headline for teaser in known if teaser.article_id == article), f"article {article}")
    return f"“{title}”"


def clean(edit: Edit) -> Edit:
    """The edit with printable texts, since editors paste from anywhere.

    The text it was based on is cleaned in the same way, so that the two can be compared.

    Raises:
        NotAllowed: what remains is not allowed in that field.
    """
    match edit:
        case EditTeaser():
            return replace(
                edit, value=_clean_field(edit.field, edit.value), was=_clean_seen(edit.field, edit.was)
            )
        case ResetTeaser():
            return replace(edit, was=_clean_seen(edit.field, edit.was))
        case SetText(text=IssueText.NOTE):
            return replace(edit, value=_clean_note(edit.value), was=_clean_note(edit.was))
        case SetText():
            limit = _LONGEST[edit.text]
            return replace(edit, value=plain(edit.value, limit=limit), was=plain(edit.was, limit=limit))
        case TakeOut():
            return replace(edit, reason=plain(edit.reason, limit=_LONGEST_REASON))
        case Move() | PullIn():
            return replace(edit, section=plain(edit.section, limit=_LONGEST_TITLE))
        case RenameSection():
            return replace(edit, new=plain(edit.new, limit=_LONGEST_TITLE))
        case _:
            return edit


def _clean_field(field: TeaserField, value: str) -> str:
    if field is TeaserField.IMAGE:
        address = absolute_http_url(value, "") if value.strip() else ""
        if value.strip() and not address:
            raise NotAllowed(
                f"“{cut(value.strip(), 80)}” is not the address of an image.",
                mend="Enter a full address, starting with https://.",
            )
        return address
    text = plain(value, limit=_LONGEST[field])
    if field is TeaserField.HEADLINE and not text:
        raise NotAllowed("A story needs a headline.", mend="Reset it to its source, or take the story out.")
    return text


def _clean_seen(field: TeaserField, was: str) -> str:
    """What an editor saw may be their own typing, with a trailing space."""
    if field is TeaserField.IMAGE:
        return absolute_http_url(was, "") or was.strip()
    return plain(was, limit=_LONGEST[field])


def _clean_note(value: str) -> str:
    """Keeps the line breaks, which Markdown needs, and cleans each line."""
    indented = [(line[: len(line) - len(line.lstrip(" "))], line) for line in value.splitlines()]
    lines = [indent + plain(line, limit=LONGEST_NOTE) for indent, line in indented]
    return cut("\n".join(lines).strip(), LONGEST_NOTE)


# -- texts -------------------------------------------------------------------------


def _edit_teaser(edit: EditTeaser | ResetTeaser, content: Content) -> Content | Clash:
    teaser = story(content.layout, edit.article)
    value = edit.value if isinstance(edit, EditTeaser) else ""
    if teaser is None:
        return Clash(sentence=f"{_named(edit.article, content)} is no longer in this issue.", mine=value)
    stands = value_of(teaser, edit.field)
    if stands != edit.was and not (isinstance(edit, EditTeaser) and stands == value):
        return Clash(
            sentence=f"The {_WORDS[edit.field]} of “{teaser.headline}” was changed in the meantime.",
            mine=value,
            theirs=stands,
        )
    if edit.field is TeaserField.ALT and teaser.image is None:
        return Clash(sentence=f"“{teaser.headline}” no longer has an image.", mine=value)
    changed = (
        _written(teaser, edit.field, value) if isinstance(edit, EditTeaser) else _reset(teaser, edit.field)
    )
    return replace(content, layout=_with(content.layout, changed))


def _written(teaser: Teaser, field: TeaserField, value: str) -> Teaser:
    if value_of(teaser, field) == value:
        return teaser
    said = {s.field: s for s in teaser.said}
    if field in said and said[field].text == value:
        return _reset(teaser, field)
    if field not in said:
        said[field] = SourceValue(field=field, text=value_of(teaser, field))
        if field is TeaserField.IMAGE:
            said[field] = replace(said[field], image=_image_as_said(teaser))
    if field is TeaserField.IMAGE:
        said.pop(TeaserField.ALT, None)  # it described another image
    return _put(replace(teaser, said=_in_order(said.values())), field, value)


def _reset(teaser: Teaser, field: TeaserField) -> Teaser:
    said = {s.field: s for s in teaser.said}
    source = said.pop(field, None)
    if source is None:
        return teaser
    if field is not TeaserField.IMAGE:
        return _put(replace(teaser, said=_in_order(said.values())), field, source.text)
    said.pop(TeaserField.ALT, None)
    return replace(teaser, said=_in_order(said.values()), image=source.image)


def _image_as_said(teaser: Teaser) -> Image | None:
    """The source's image with the source's description."""
    alt = next((s.text for s in teaser.said if s.field is TeaserField.ALT), None)
    return replace(teaser.image, alt=alt) if teaser.image and alt is not None else teaser.image


def _in_order(said: Iterable[SourceValue]) -> tuple[SourceValue, ...]:
    return tuple(sorted(said, key=lambda one: one.field.value))


def _put(teaser: Teaser, field: TeaserField, value: str) -> Teaser:
    match field:
        case TeaserField.HEADLINE:
            return replace(teaser, headline=value)
        case TeaserField.TEXT:
            return replace(teaser, text=value)
        case TeaserField.TOPIC:
            return replace(teaser, topic=value)
        case TeaserField.ALT:
            return replace(teaser, image=replace(teaser.image, alt=value) if teaser.image else None)
        case TeaserField.IMAGE:
            return replace(teaser, image=Image(url=value) if value else None)


def _set_text(edit: SetText, content: Content) -> Content | Clash:
    stands = str(getattr(content.texts, edit.text.value))
    if stands not in (edit.was, edit.value):
        return Clash(
            sentence=f"The {_WORDS[edit.text]} was changed in the meantime.", mine=edit.value, theirs=stands
        )
    return replace(content, texts=replace(content.texts, **{edit.text.value: edit.value}))


# -- order -------------------------------------------------------------------------


def _take_out(edit: TakeOut, content: Content) -> Content | Clash:
    teaser = story(content.layout, edit.article)
    if teaser is None:
        return Clash(sentence=f"{_named(edit.article, content)} is no longer in this issue.")
    if len(content.layout.teasers) == 1:
        raise NotAllowed(
            f"“{teaser.headline}” is the only story in this issue.",
            mend="Add another one first, or cancel the issue.",
        )
    out = TakenOut(teaser=teaser, reason=edit.reason)
    return replace(
        content, layout=_without(content.layout, edit.article), taken_out=(*content.taken_out, out)
    )


def _pull_in(edit: PullIn, content: Content) -> Content | Clash:
    if story(content.layout, edit.article) is not None:
        return Clash(sentence=f"{_named(edit.article, content)} is already in this issue.")
    kept = next((out.teaser for out in content.taken_out if out.teaser.article_id == edit.article), None)
    teaser = kept or edit.teaser
    if teaser is None:
        return Clash(sentence=f"Article {edit.article} no longer exists.")
    rest = tuple(out for out in content.taken_out if out.teaser.article_id != edit.article)
    layout = _inserted(content.layout, teaser, edit.section, edit.position)
    return replace(content, layout=layout, taken_out=rest)


def _arrange(edit: Move | MakeLead | RenameSection | MoveSection, layout: Layout) -> Layout | Clash:
    if isinstance(edit, Move | MakeLead):
        teaser = story(layout, edit.article)
        if teaser is None:
            return Clash(sentence="That story is no longer in this issue.")
        if isinstance(edit, MakeLead):
            return _led_by(layout, teaser)
        return _inserted(_without(layout, edit.article), teaser, edit.section, edit.position)
    section = next((s for s in layout.sections if s.title == edit.title), None)
    if section is None:
        return Clash(sentence=f"There is no longer a section “{edit.title}”.")
    if isinstance(edit, RenameSection):
        return _renamed(layout, section, edit.new)
    others = [s for s in layout.sections if s is not section]
    others.insert(max(edit.position, 0), section)
    return _tidy(layout.lead, others)


def _led_by(layout: Layout, teaser: Teaser) -> Layout:
    if layout.lead == teaser:
        return layout
    sections = _each_without(layout.sections, teaser.article_id)
    if layout.lead is not None:
        # Into the section that is first now, even if it contained only the new lead.
        title = layout.sections[0].title
        sections = [
            replace(s, teasers=(layout.lead, *s.teasers)) if s.title == title else s for s in sections
        ]
    return _tidy(teaser, sections)


def _renamed(layout: Layout, section: Section, new: str) -> Layout:
    if new == section.title:
        return layout
    same = next((s for s in layout.sections if s.title == new), None)
    if same is None:
        named = [replace(s, title=new) if s is section else s for s in layout.sections]
        return _tidy(layout.lead, named)
    joined = replace(same, teasers=same.teasers + section.teasers)
    return _tidy(layout.lead, [joined if s is same else s for s in layout.sections if s is not section])


def _inserted(layout: Layout, teaser: Teaser, title: str, position: int) -> Layout:
    """With the teaser at this position; it becomes the lead if there is no other story."""
    sections = list(layout.sections)
    if all(section.title != title for section in sections):
        # Stories without a section title come before all titled ones, as in the first layout.
        sections.insert(len(sections) if title else 0, Section(title=title, teasers=()))
    for place, section in enumerate(sections):
        if section.title == title:
            teasers = list(section.teasers)
            teasers.insert(max(position, 0), teaser)
            sections[place] = replace(section, teasers=tuple(teasers))
    return _tidy(layout.lead, sections)


def _without(layout: Layout, article: ArticleId) -> Layout:
    lead = layout.lead if layout.lead and layout.lead.article_id != article else None
    return _tidy(lead, _each_without(layout.sections, article))


def _each_without(sections: Iterable[Section], article: ArticleId) -> list[Section]:
    return [
        replace(s, teasers=tuple(teaser for teaser in s.teasers if teaser.article_id != article))
        for s in sections
    ]


def _tidy(lead: Teaser | None, sections: Iterable[Section]) -> Layout:
    """Without empty sections; if there is no lead, the first story becomes it."""
    filled = [section for section in sections if section.teasers]
    if lead is None and filled:
        lead, *rest = filled[0].teasers
        filled[0] = replace(filled[0], teasers=tuple(rest))
        filled = [section for section in filled if section.teasers]
    return Layout(lead=lead, sections=tuple(filled))


def _with(layout: Layout, changed: Teaser) -> Layout:
    def now(teaser: Teaser) -> Teaser:
        return changed if teaser.article_id == changed.article_id else teaser

    return Layout(
        lead=now(layout.lead) if layout.lead else None,
        sections=tuple(replace(s, teasers=tuple(map(now, s.teasers))) for s in layout.sections),
    )
