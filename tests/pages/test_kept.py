"""Answers for everybody are made once, by one, and not for too long."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.kept import SHARE, Kept


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_get__within_its_time__is_not_made_again():
    clock, made = Clock(), []
    kept = Kept(seconds=5, clock=clock)
    for now in (100, 104.9, 105.1):
        clock.now = now
        kept.get("page", lambda: made.append(clock.now) or "answer")
    assert made == [100, 105.1]


def test_get__there_is_news__is_made_anew_at_once():
    kept = Kept(seconds=60)
    assert kept.get("page", lambda: "old", version=1) == "old"
    assert kept.get("page", lambda: "new", version=2) == "new"


def test_get__answer_that_took_long__is_kept_longer_whatever_the_news():
    clock, made = Clock(), []
    kept = Kept(seconds=1, clock=clock)

    def slow() -> str:
        made.append(clock.now)
        clock.now += 2
        return "answer"

    kept.get("page", slow, version=1)
    clock.now += 2 * SHARE - 0.1
    kept.get("page", slow, version=2)
    assert len(made) == 1


def test_get__many_at_once__one_makes_and_all_get_it():
    kept, made, go_on = Kept(seconds=60), [], threading.Event()

    def make() -> str:
        made.append(1)
        assert go_on.wait(5)
        return "answer"

    with ThreadPoolExecutor(8) as readers:
        answers = [readers.submit(kept.get, "page", make) for _ in range(8)]
        go_on.set()
        assert {answer.result() for answer in answers} == {"answer"}
    assert len(made) == 1


def test_get__making_fails__is_told_and_tried_again():
    kept = Kept(seconds=60)

    def broken() -> str:
        raise OSError("no database")

    with pytest.raises(OSError, match="no database"):
        kept.get("page", broken)
    assert not kept._making
    assert kept.get("page", lambda: "answer") == "answer"


def test_get__more_keys_than_the_limit__forgets_the_oldest():
    kept, made = Kept(seconds=60, limit=2), []
    for key in ("a", "b", "c", "b", "a"):
        kept.get(key, lambda key=key: made.append(key) or key)
    assert made == ["a", "b", "c", "a"]
