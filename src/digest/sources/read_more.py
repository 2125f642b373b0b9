"""Recognises links to read on: "Read more", "Weiterlesen", "Lire la suite →".

Such a link gives an article's address, never its title.
"""

from __future__ import annotations

import re

_WORDS = (
    r"read (?:the )?(?:more|on|full|rest|whole|complete|entire|original|next)|read (?:this |the )?(?:article"
    r"|post|story|blog|blog post|entry|case study|announcement|release notes?)|read now|read it|read"
    r"|keep reading|continue(?: reading)?|continued?|learn more|find out more|see more|view more"
    r"|view (?:the )?(?:article|post|details|full post)|view|more|more info|full (?:article|story|post)"
    r"|discover more|go to (?:article|post)|details|open|weiter(?:lesen)?|mehr(?: lesen| erfahren| dazu)?"
    r"|zum (?:artikel|beitrag)|artikel lesen|beitrag lesen|jetzt lesen|lire(?: la suite| plus| l['’]article"
    r"| davantage)?|la suite|en savoir plus|voir (?:plus|l['’]article)|suite|leer(?: m[áa]s| art[íi]culo"
    r"| el art[íi]culo)?|seguir leyendo|sigue leyendo|contin[úu]a? leyendo|ver m[áa]s|m[áa]s|leggi(?: tutto"
    r"| di pi[ùu]| l['’]articolo| ancora)?|continua(?: a leggere)?|scopri di pi[ùu]|vai all['’]articolo"
    r"|lees (?:meer|verder|artikel|dit artikel)|verder lezen|meer lezen|lees het artikel|ler mais|leia mais"
    r"|continuar (?:a )?(?:lendo|ler)|continue lendo|saiba mais|ver mais|läs (?:mer|vidare)|fortsätt läsa"
    r"|les mer|læs mere|lue lisää|czytaj (?:dalej|więcej)|więcej|číst (?:dále|více)|tovább(?: olvasom)?"
    r"|citește mai mult|devamını oku|читать (?:далее|дальше|полностью)|подробнее|читати далі|続きを読む"
    r"|もっと読む"
    r"|阅读更多|阅读全文|閱讀更多|閱讀全文|繼續閱讀|继续阅读|더 ?보기|더 ?읽기"
)
_MARKS = r"[\s\W_]*"
_ALONE = re.compile(rf"{_MARKS}(?:{_WORDS}){_MARKS}", re.IGNORECASE)
_LEADING = re.compile(
    rf"{_MARKS}(?:read (?:more|on|the (?:full|rest|whole))|keep reading|continue reading|learn more"
    rf"|weiterlesen|mehr (?:lesen|erfahren)|lire la suite"
    r"|en savoir plus|leer más|seguir leyendo|leggi tutto|lees (?:meer|verder)|ler mais|leia mais"
    r"|continuar lendo|läs mer|читать далее)\b",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"[\s\[(…]+(?:read more|continue reading|keep reading|weiterlesen|mehr lesen|lire la suite|leer más"
    r"|seguir leyendo"
    r"|leggi tutto|lees (?:meer|verder)|ler mais|leia mais|läs mer|читать далее)[\s\])»›→>.…]*$",
    re.IGNORECASE,
)
# What a text listing must say on a line of its own: plain words like "view" or "more" are too weak there.
_LINE = re.compile(
    rf"{_MARKS}(?:read (?:more|on|full (?:article|post|story)|the (?:full )?(?:article|post|story))"
    rf"|keep reading|continue(?: reading)?|learn more"
    r"|weiterlesen|weiter lesen|mehr (?:lesen|erfahren)|zum artikel|lire (?:la suite|plus|l['’]article)"
    r"|en savoir plus|leer m[áa]s|seguir leyendo|sigue leyendo|leggi (?:tutto|di pi[ùu])|continua a leggere"
    r"|lees (?:meer|verder)|verder lezen|ler mais|leia mais|continue lendo|continuar (?:lendo|a ler)|läs mer"
    r"|les mer|læs mere|lue lisää|czytaj (?:dalej|więcej)"
    rf"|číst dále|devamını oku|читать (?:далее|дальше)|続きを読む|阅读更多|阅读全文|더 ?읽기){_MARKS}",
    re.IGNORECASE,
)


def is_invitation(text: str) -> bool:
    """Whether a link's text only invites to read on, also with the title named after it."""
    return len(text) < 200 and bool(
        _ALONE.fullmatch(text) or _LEADING.match(text) or not re.search(r"\w", text)
    )


def is_invitation_line(line: str) -> bool:
    """Whether a line of plain text is the "Read More" that closes a teaser."""
    return len(line) < 60 and bool(_LINE.fullmatch(line))


def without_trailing_invitation(text: str) -> str:
    return _TRAILING.sub("", text)
