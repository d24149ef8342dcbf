"""`Warning` headers of the API server: each is said once on stderr, in the words of kubectl."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutctl.cli.environment import Environment
from rolloutctl.cli.living import live
from rolloutctl.cli.run import Run
from rolloutctl.errors import ExitCode
from rolloutctl.kube.warnings import texts
from support.program import Program, Result
from support.scripted import reply, serving, thing, write_kubeconfig

WEB = thing("web", 7)


def warned(folder: Path, *headers: str, argv: str = "get web -o json --raw") -> Result:
    """What the program says when its answers, one after the other, have these headers."""
    steps = [reply(200, WEB, **({"Warning": header} if header else {})) for header in headers]
    with serving(*steps) as script:
        path = write_kubeconfig(folder / "config", script.url)
        return Program(env={"KUBECONFIG": str(path)})(*argv.split())


def test_a_warning_is_said_on_stderr_and_the_data_stays_as_it_is(tmp_path: Path) -> None:
    result = warned(tmp_path, '299 - "v1 is deprecated"')
    assert result.stderr == "Warning: v1 is deprecated\n"
    assert result.exit_code == ExitCode.OK
    assert result.stdout == warned(tmp_path, "").stdout != ""


def test_the_same_is_said_once_whatever_its_date(tmp_path: Path) -> None:
    header = '299 - "old", 299 - "older", 299 - "old" "Wed, 21 Oct 2026 07:28:00 GMT"'
    result = warned(tmp_path, header, '299 - "old"', argv="get web api -o json --raw")
    assert result.stderr == "Warning: old\nWarning: older\n"


def test_what_a_server_sends_cannot_colour_or_break_the_line(tmp_path: Path) -> None:
    header = '299 - "a \x1b[31mred\x1b[0m\x07 \u200bflag"'.encode().decode("latin-1")
    result = warned(tmp_path, header)
    assert result.stderr == "Warning: a red flag\n"
    assert len(warned(tmp_path, f'299 - "{"x" * 9000}"').stderr) < 1100


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('299 - "one"', ["one"]),
        ('299 - "one, two", 299 kube "three"', ["one, two", "three"]),
        (r'299 - "say \"hi\" and \\"', ['say "hi" and \\']),
        ('299 - "one""Wed, 21 Oct 2026 07:28:00 GMT"', ["one"]),
        ('299 - "one" "Wed, 21 Oct 2026 07:28:00 GMT", 299 - "two"', ["one", "two"]),
        ('299 host:80 "gr\u00c3\u00bcn"', ["gr\u00fcn"]),
        # Only 299 is for people to read; the rest is of caches.
        ('110 cache "stale", 299 - "two"', ["two"]),
        ('1299 - "no"', []),
        ('299 - ""', []),
        ('299 - "unfinished', []),
        ("299 - bare", []),
        ("", []),
    ],
)
def test_what_a_header_says(header: str, found: list[str]) -> None:
    assert texts(header) == found


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
def test_no_header_breaks_it(header: str) -> None:
    assert all(isinstance(text, str) for text in texts(header))


def test_a_picture_on_the_terminal_is_not_written_into() -> None:
    environment = Environment.in_memory(terminal=True)
    run = Run(environment)
    with live(run) as draw:
        draw(lambda rows: [])
        run.warned("old")
        assert environment.stderr.getvalue() == ""  # type: ignore[attr-defined]
    assert "old" in environment.stderr.getvalue()  # type: ignore[attr-defined]
