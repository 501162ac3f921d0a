"""Which words a mistyped one may stand for.

Candidates are words that share enough trigrams with it, as pg_trgm counts them, which an index finds. Among
them the distance of editing decides: шакалад and шоколад share no more trigrams (0.29) than many that have
nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Iterable

_SHORT = 6  # letters: one error spoils half of the trigrams
_CLOSE = 0.6  # of 1: two letters of five may be wrong
_AS_GOOD = 0.1  # behind the best one
_MOST = 5  # words that one is taken for


def threshold(word: str) -> float:
    """How many trigrams a candidate must share; sutli and sulti have 0.2 in common.

    No ratio of two small numbers: a candidate on the very edge could fall to either side by rounding.
    """
    return 0.1701 if len(word) <= _SHORT else 0.2401


def trigrams(word: str) -> set[str]:
    """As pg_trgm sees a word of letters: with two spaces before it and one behind."""
    padded = f"  {word} "
    return {padded[start : start + 3] for start in range(len(padded) - 2)}


def trigram_similarity(one: set[str], other: set[str]) -> float:
    """The share of trigrams that two words have in common, from 0 to 1."""
    common = len(one & other)
    return common / (len(one) + len(other) - common)


def closest(word: str, candidates: Iterable[str]) -> list[tuple[float, str]]:
    """``(closeness, word)`` of the candidates that ``word`` is probably meant for, the closest first."""
    own, needed = trigrams(word), threshold(word)
    found = []
    for candidate in candidates:
        similarity = trigram_similarity(own, trigrams(candidate))
        if similarity > needed:
            closeness = _closeness(word, candidate)
            if closeness >= _CLOSE:
                found.append((closeness, similarity, candidate))
    found.sort(key=lambda entry: (-entry[0], -entry[1], entry[2]))
    return [(closeness, candidate) for closeness, _, candidate in found]


def best(found: Iterable[tuple[float, str]]) -> list[str]:
    """The few words that are about as close as the closest."""
    ranked = sorted(found, key=lambda entry: (-entry[0], entry[1]))
    near = [word for closeness, word in ranked if closeness >= ranked[0][0] - _AS_GOOD]
    return list(dict.fromkeys(near))[:_MOST]


def _closeness(word: str, candidate: str) -> float:
    """1 for the same word, less for each letter to change; the end of a longer candidate may be missing."""
    whole, beginning = _distances(word, candidate)
    return 1 - min(whole, beginning + 1) / len(word)


def _distances(word: str, candidate: str) -> tuple[int, int]:
    """Letters to add, drop, change or swap with the next: to the candidate, and to any beginning of it."""
    before: list[int] = []
    row = list(range(len(candidate) + 1))
    for index, letter in enumerate(word):
        two_before, before, row = before, row, [index + 1]
        for place, other in enumerate(candidate):
            cost = min(before[place] + (letter != other), before[place + 1] + 1, row[place] + 1)
            if index and place and letter == candidate[place - 1] and word[index - 1] == other:
                cost = min(cost, two_before[place - 1] + 1)
            row.append(cost)
    return row[-1], min(row)
