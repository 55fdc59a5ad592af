"""Close papers, in machine code: only those are looked at that a word can lift over the threshold.

Words come by what they can give at most, and each word's papers best first, as long as all later words together could
still lift one over. What is passed over at its first word can't come back by a later one, so nothing is missed.
"""

from __future__ import annotations

import numpy as np

from digest.matching.arrays import Ask, Book, Day, Work
from digest.matching.candidates import allowed, exclude, fresh, strict, take
from digest.matching.jit import entry, lean
from digest.matching.profiles import FLOOR, FOUND, PLAIN, SERIAL, decode, listen, look, weigh

CLOSE_A_DAY = 3


@lean
def close(book: Book, day: Day, work: Work, tau: int) -> int:
    """Find the close papers of the profile, with their relevances. Without a threshold (−1) the best of each day."""
    least = max(tau, work.s[FLOOR] - 1)
    work.s[FOUND] = 0
    ceiling = _rank_words(day, work)
    for i in range(work.s[PLAIN]):
        word = work.keys[work.keys[i].order]
        ceiling -= word.most
        if word.most + ceiling <= least:
            break
        for at in range(day.words[word.word].at, day.words[word.word + 1].at):
            total = word.weight * day.postings[at].impact
            if total + ceiling <= least:
                break
            paper = day.postings[at].paper
            if fresh(day, work, paper):
                total = _whole(day, work, paper, i, total, ceiling, least)
                if total > least and take(work, paper, total) and not allowed(book, day, work, paper):
                    work.s[FOUND] -= 1
    if tau < 0:
        _best_of_each_day(day, work)
    return int(work.s[FOUND])


@lean
def _rank_words(day: Day, work: Work) -> int:
    """Order the plain words by the most that each can give. Returns the sum."""
    total = np.int64(0)
    for k in range(work.s[PLAIN]):
        word = work.keys[k].word
        most = np.int64(0)
        if day.words[word].at < day.words[word + 1].at:
            most = work.keys[k].weight * day.postings[day.words[word].at].impact
        work.keys[k].most = most
        total += most
        place = k
        while place > 0 and work.keys[work.keys[place - 1].order].most < most:
            work.keys[place].order = work.keys[place - 1].order
            place -= 1
        work.keys[place].order = k
    return int(total)


@lean
def _whole(day: Day, work: Work, paper: int, at: int, total: int, ceiling: int, least: int) -> int:
    """The relevance by this word and the later ones; 0 as soon as it can't pass `least`."""
    for j in range(at + 1, work.s[PLAIN]):
        word = work.keys[work.keys[j].order]
        ceiling -= word.most
        impact = look(day, paper, word.word)
        if impact > 0:
            total += word.weight * impact
        if total + ceiling <= least:
            return 0
    return int(total)


@lean
def _best_of_each_day(day: Day, work: Work) -> None:
    """Keep the three most relevant of each announcement, ties by id. A day has a place to spare."""
    days = len(work.days) // (CLOSE_A_DAY + 1)
    for i in range(work.s[FOUND]):
        paper, worth = work.found[i].paper, work.found[i].worth
        base = day.papers[paper].announcement * (CLOSE_A_DAY + 1)
        if work.days[base].stamp != work.s[SERIAL]:
            work.days[base].stamp = work.s[SERIAL]
            work.days[base].count = 0
        place = base + work.days[base].count
        work.days[base].count = min(work.days[base].count + 1, CLOSE_A_DAY)
        while place > base and _less(day, work, place - 1, paper, worth):
            work.days[place].worth = work.days[place - 1].worth
            work.days[place].paper = work.days[place - 1].paper
            place -= 1
        work.days[place].worth, work.days[place].paper = worth, paper
    work.s[FOUND] = 0
    for date in range(days):
        base = date * (CLOSE_A_DAY + 1)
        if work.days[base].stamp == work.s[SERIAL]:
            for place in range(base, base + work.days[base].count):
                take(work, work.days[place].paper, work.days[place].worth)


@lean
def _less(day: Day, work: Work, place: int, paper: int, worth: int) -> bool:
    """True where a place's paper is less relevant than another one, or as much and behind it by id."""
    other = work.days[place].worth
    return bool(other < worth or (other == worth and day.papers[work.days[place].paper].tie < day.papers[paper].tie))


@entry
def thresholds(book: Book, day: Day, ask: Ask, work: Work, most: int) -> None:
    """The `most`-th largest relevance of the admitted papers that no topic holds for, as τ; 0 if there are fewer."""
    for row in range(len(ask.rows) - 1):
        decode(book, ask.rows[row].row, ask.rows[row].seen, work.s)
        strict(book, day, work)
        exclude(book, day, work)
        listen(book, day, work)
        for i in range(most):
            work.best[i] = 0
        for i in range(work.s[FOUND]):
            paper = work.found[i].paper
            if work.papers[paper].held == 0 and allowed(book, day, work, paper):
                _among(work, most, weigh(book, day, work, paper))
        _highest(book, day, work, most)
        ask.rows[row].tau = work.best[most - 1]


@lean
def _highest(book: Book, day: Day, work: Work, most: int) -> None:
    """Like `close`, with a threshold that rises with what is found."""
    ceiling = _rank_words(day, work)
    for i in range(work.s[PLAIN]):
        word = work.keys[work.keys[i].order]
        ceiling -= word.most
        for at in range(day.words[word.word].at, day.words[word.word + 1].at):
            total = word.weight * day.postings[at].impact
            least = work.best[most - 1]
            if total + ceiling <= least:
                break
            paper = day.postings[at].paper
            if fresh(day, work, paper):
                total = _whole(day, work, paper, i, total, ceiling, least)
                if total > least:
                    take(work, paper, total)
                    work.s[FOUND] = 0
                    if allowed(book, day, work, paper):
                        _among(work, most, total)


@lean
def _among(work: Work, most: int, value: int) -> None:
    """Put a value among the best, which are in order, if it is one of them."""
    place = most - 1
    if value <= work.best[place]:
        return
    while place > 0 and work.best[place - 1] < value:
        work.best[place] = work.best[place - 1]
        place -= 1
    work.best[place] = value
