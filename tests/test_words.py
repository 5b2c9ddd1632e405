"""Suggestions of words."""

import pytest

from asl.app import words


def test_the_list_is_of_letters_and_says_its_licence():
    assert 10_000 < len(words.words()) < 12_000
    assert all(word.isascii() and word.isalpha() and word.isupper() for word in words.words())
    assert len(set(words.words())) == len(words.words())
    head = words.LIST.read_text(encoding="utf-8")[:1200]
    assert "SCOWL" in head and "Kevin Atkinson" in head and "public domain" in head


@pytest.mark.parametrize(
    "text, first",
    [
        ("HEL", "HELLO"),
        ("MY FRI", "FRIEND"),
        ("WATZ", "WATER"),  # a letter was misread
        ("KITCHN", "KITCHEN"),  # missed
        ("HELLLO", "HELLO"),  # added
    ],
)
def test_a_word_that_is_begun_is_completed_and_one_wrong_letter_forgiven(text, first):
    found = words.suggest(text)
    assert found[0] == first and len(found) <= words.COUNT
    assert words.complete(text, first).endswith(first + " ")


@pytest.mark.parametrize("text", ["", " ", "H", "HELLO ", "XQZJ"])
def test_nothing_is_suggested_for_what_is_hardly_begun_done_or_no_word(text):
    assert words.suggest(text) == []


def test_the_word_alone_is_replaced():
    assert words.complete("GO HOM", "HOME") == "GO HOME "
    assert words.complete("HOM", "HOME") == "HOME "
