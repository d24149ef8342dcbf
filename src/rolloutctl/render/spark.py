"""A row of numbers as a small curve, next to the numbers themselves."""

from __future__ import annotations

from collections.abc import Sequence

from rolloutctl.render.surface import Surface


def spark(numbers: Sequence[float | None], surface: Surface, *, line: float | None = None) -> str:
    """One sign per number, a space for None; "" for fewer than two numbers.

    `line`: a value to compare with, which the scale includes, so that a curve below what is wanted
    looks low even where it is flat.
    """
    known = [number for number in numbers if number is not None]
    if len(known) < 2:
        return ""
    scale = [*known, line] if line is not None else known
    low, high = min(scale), max(scale)
    signs = surface.symbols.spark
    if high == low:
        return "".join(" " if n is None else signs[len(signs) // 2] for n in numbers)
    # Halves first: the difference of the two largest floats is infinite.
    span = high / 2 - low / 2
    return "".join(
        " " if n is None else signs[round((n / 2 - low / 2) / span * (len(signs) - 1))]
        for n in numbers
    )
