"""The words that invite to read on: "Read more", "Weiterlesen", "Lire la suite →".

A link that says so gives an article's address and never its title.
"""

from __future__ import annotations

import re

_WORDS = (
    r"read (?:the )?(?:more|on|full|rest|whole|complete|entire|original|next)|read (?:this |the )?(?:article|post|story|blog"
    r"|blog post|entry|case study|announcement|release notes?)|read now|read it|read|keep reading|continue(?: reading)?"
    r"|continued?|learn more|find out more|see more|view more|view (?:the )?(?:article|post|details|full post)|view|more"
    r"|more info|full (?:article|story|post)|discover more|go to (?:article|post)|details|open"
    r"|weiter(?:lesen)?|mehr(?: lesen| erfahren| dazu)?|zum (?:artikel|beitrag)|artikel lesen|beitrag lesen|jetzt lesen"
    r"|lire(?: la suite| plus| l['’]article| davantage)?|la suite|en savoir plus|voir (?:plus|l['’]article)|suite"
    r"|leer(?: m[áa]s| art[íi]culo| el art[íi]culo)?|seguir leyendo|sigue leyendo|contin[úu]a? leyendo|ver m[áa]s|m[áa]s"
    r"|leggi(?: tutto| di pi[ùu]| l['’]articolo| ancora)?|continua(?: a leggere)?|scopri di pi[ùu]|vai all['’]articolo"
    r"|lees (?:meer|verder|artikel|dit artikel)|verder lezen|meer lezen|lees het artikel"
    r"|ler mais|leia mais|continuar (?:a )?(?:lendo|ler)|continue lendo|saiba mais|ver mais"
    r"|läs (?:mer|vidare)|fortsätt läsa|les mer|læs mere|lue lisää|czytaj (?:dalej|więcej)|więcej|číst (?:dále|více)"
    r"|tovább(?: olvasom)?|citește mai mult|devamını oku|читать (?:далее|дальше|полностью)|подробнее|читати далі"
    r"|続きを読む|もっと読む|阅读更多|阅读全文|閱讀更多|閱讀全文|繼續閱讀|继续阅读|더 ?보기|더 ?읽기"
)
_MARKS = r"[\s\W_]*"
_ALONE = re.compile(rf"{_MARKS}(?:{_WORDS}){_MARKS}", re.IGNORECASE)
_LEADING = re.compile(
    rf"{_MARKS}(?:read (?:more|on|the (?:full|rest|whole))|keep reading|continue reading|learn more|weiterlesen|mehr (?:lesen|erfahren)|lire la suite"
    r"|en savoir plus|leer más|seguir leyendo|leggi tutto|lees (?:meer|verder)|ler mais|leia mais|continuar lendo|läs mer|читать далее)\b",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"[\s\[(…]+(?:read more|continue reading|keep reading|weiterlesen|mehr lesen|lire la suite|leer más|seguir leyendo"
    r"|leggi tutto|lees (?:meer|verder)|ler mais|leia mais|läs mer|читать далее)[\s\])»›→>.…]*$",
    re.IGNORECASE,
)
# What a text listing must say on a line of its own: plain words like "view" or "more" are too weak there.
_LINE = re.compile(
    rf"{_MARKS}(?:read (?:more|on|full (?:article|post|story)|the (?:full )?(?:article|post|story))|keep reading|continue(?: reading)?|learn more"
    r"|weiterlesen|weiter lesen|mehr (?:lesen|erfahren)|zum artikel|lire (?:la suite|plus|l['’]article)|en savoir plus"
    r"|leer m[áa]s|seguir leyendo|sigue leyendo|leggi (?:tutto|di pi[ùu])|continua a leggere|lees (?:meer|verder)|verder lezen"
    r"|ler mais|leia mais|continue lendo|continuar (?:lendo|a ler)|läs mer|les mer|læs mere|lue lisää|czytaj (?:dalej|więcej)"
    rf"|číst dále|devamını oku|читать (?:далее|дальше)|続きを読む|阅读更多|阅读全文|더 ?읽기){_MARKS}",
    re.IGNORECASE,
)


def is_invitation(text: str) -> bool:
    """Whether a link's text only invites to read on, also with the title named after it."""
    return len(text) < 200 and bool(_ALONE.fullmatch(text) or _LEADING.match(text) or not re.search(r"\w", text))


def is_invitation_line(line: str) -> bool:
    """Whether a line of plain text is the "Read More" that closes a teaser."""
    return len(line) < 60 and bool(_LINE.fullmatch(line))


def without_trailing_invitation(text: str) -> str:
    return _TRAILING.sub("", text)
