"""Cleaning text from outside: feeds, pages and forms go in, plain and harmless values come out.

    characters   one clean line of text; where it may be cut
    markup       the text of an HTML fragment
    excerpts     teasers, first sentences, reading time
    links        made absolute, or rejected
    pictures     the first real picture of a fragment

Everything is pure and takes time in proportion to its input, whatever that is.
Nothing here escapes: the output is text, and the code that prints it escapes it.
Template syntax in visible text stays as it is written; it is never run.
"""

from digest.rules.cleaning.characters import cut, plain
from digest.rules.cleaning.excerpts import (
    count_minutes,
    count_words,
    first_sentence,
    teaser_of,
    words_in_html,
)
from digest.rules.cleaning.links import absolute_http_url, without_tracking
from digest.rules.cleaning.markup import text_of_html, title_of_html
from digest.rules.cleaning.pictures import first_image

__all__ = [
    "absolute_http_url",
    "count_minutes",
    "count_words",
    "cut",
    "first_image",
    "first_sentence",
    "plain",
    "teaser_of",
    "text_of_html",
    "title_of_html",
    "without_tracking",
    "words_in_html",
]
