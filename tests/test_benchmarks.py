"""The benchmarks' table: a figure that nobody can read wrongly. (They are not run here.)"""

from __future__ import annotations

import json

from benchmarks.table import Row, as_json, markdown

ROWS = [
    Row("list", 1.234, "s", "other", 0.25, 0.35),
    Row("watch", 0.049, "cores", "one core", 0.049, 0.5),
    Row("lost", 0, "", "", 0.0, 0.0),
    Row("alone", 163.44, "ms"),
]


def test_a_line_for_each_figure_with_its_ratio_and_bar() -> None:
    lines = markdown(ROWS).splitlines()
    assert lines[4:] == [
        "| list | 1.23 s | other | 0.25 | 0.35 |",
        "| watch | 0.05 cores | one core | 0.05 | 0.5 |",
        "| lost | 0  |  | 0.00 | 0 |",
        "| alone | 163.4 ms |  |  |  |",
    ]


def test_the_json_has_the_figures_unrounded() -> None:
    assert [row["value"] for row in json.loads(as_json(ROWS))] == [1.234, 0.049, 0, 163.44]
