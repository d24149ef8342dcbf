"""Fixtures every test may use."""

from __future__ import annotations

import pytest
from support.program import Program


@pytest.fixture
def rolloutctl() -> Program:
    """The program, run in this process; set its `cluster`, `terminal`, `stdin`… as needed."""
    return Program()
