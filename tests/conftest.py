"""Fixtures every test may use."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from rolloutctl.sandbox.embedded import EmbeddedCluster
from support.program import Program
from support.sandboxes import SandboxProcess, running

# How long an example takes says something of the machine only.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl-C, and so would every program that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """The thousands of tests stay as they are: looking through them for garbage takes a tenth."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture
def rolloutctl() -> Program:
    """The program, run in this process; set its `cluster`, `terminal`, `stdin`… as needed."""
    return Program()


@pytest.fixture
def embedded() -> EmbeddedCluster:
    """A whole cluster in this process, on a clock that stands still until the test moves it."""
    return EmbeddedCluster()


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A sandbox process of the test run, at speed 20; take a `.namespace()` of your own."""
    with running(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox
