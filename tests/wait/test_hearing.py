"""Waiting for a queue, and for Ctrl-C."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from rolloutctl.actions import hearing
from rolloutctl.actions.crew import Crew
from rolloutctl.actions.pumping import Pump


class Interrupted(Exception):
    pass


@pytest.fixture
def interrupts() -> Iterator[None]:
    def handler(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, handler)
    yield
    signal.signal(signal.SIGUSR1, before)


def unheard() -> None:
    """A signal that does not wake the main thread, as one just before its wait does not."""

    def send() -> None:
        time.sleep(0.1)
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    threading.Thread(target=send, daemon=True).start()


@pytest.mark.timeout(20)
def test_a_signal_just_before_a_wait_ends_it(interrupts: None) -> None:
    nothing: queue.SimpleQueue[int] = queue.SimpleQueue()
    for wait in (
        lambda: hearing.get(nothing, None),
        lambda: hearing.get(nothing, 15.0),
        lambda: Pump().take(None),
        lambda: Crew[int, int](lambda item: item, at_once=1).take(),
    ):
        unheard()
        with pytest.raises(Interrupted):
            wait()


def test_what_is_there_is_given_and_nothing_ends_in_time() -> None:
    source: queue.SimpleQueue[int] = queue.SimpleQueue()
    source.put(1)
    assert hearing.get(source, 0.0) == 1
    for timeout in (-1.0, 0.0, 0.05):
        with pytest.raises(queue.Empty):
            hearing.get(source, timeout)
