"""Man pages and completions are made from the command tree and may not grow old."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolloutctl.cli.manual import main, pages, stale, tree

ROOT = Path(__file__).parent.parent


def test_the_committed_pages_are_those_of_the_command_tree() -> None:
    assert stale(ROOT) == [], "run: make docs"


def test_every_command_has_examples_in_its_help() -> None:
    without = [
        " ".join(node.path)
        for node in tree()
        if not hasattr(node.command, "list_commands")
        and "Examples:" not in (node.command.help or "")
    ]
    assert without == []


def test_a_changed_missing_or_left_over_file_is_stale(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    assert stale(tmp_path) == []
    first, second = list(pages())[:2]
    (tmp_path / first).write_text("old")
    (tmp_path / second).unlink()
    (tmp_path / "man" / "rolloutctl-gone.1").write_text("")
    assert stale(tmp_path) == [first, second, "man/rolloutctl-gone.1"]


def test_the_check_fails_and_names_the_stale_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path)])
    (tmp_path / "man" / "rolloutctl.1").write_text("old")
    assert main(["--check", str(tmp_path)]) == 1
    assert "man/rolloutctl.1 is stale" in capsys.readouterr().err
