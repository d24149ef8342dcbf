"""Label selectors, as the API and kubectl write them: `app=shop,tier in (web, api),!legacy`.

Source: kubernetes/apimachinery, pkg/labels/selector.go (what parses, what matches) and
pkg/util/validation/validation.go (what a label's name and value may be).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, NoReturn

from msgspec import Struct

from rolloutctl.errors import UsageError

_TOKEN = re.compile(r"==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+")
_SYMBOLS = frozenset("=!(),<>") | {"==", "!="}
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_INTEGER = re.compile(r"[0-9]+")
_LONGEST_NAME = 63
_LONGEST_PREFIX = 253
_LARGEST = 2**63


class Operator(StrEnum):
    """What a requirement asks of a label."""

    EQUALS = "="
    NOT_EQUALS = "!="
    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "!"
    GREATER = ">"
    LESS = "<"


class Requirement(Struct, frozen=True):
    """One part of a selector. `values` is empty for EXISTS and ABSENT, sorted for IN and NOT_IN."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels meet it. An object without the label meets NOT_EQUALS and NOT_IN."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.EQUALS | Operator.IN:
                return value in self.values
            case Operator.NOT_EQUALS | Operator.NOT_IN:
                return value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.ABSENT:
                return value is None
        found, bound = _integer(value or ""), _integer(self.values[0])
        if found is None or bound is None:
            return False
        return found > bound if self.operator is Operator.GREATER else found < bound

    def __str__(self) -> str:
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.ABSENT:
                return f"!{self.key}"
            case Operator.IN | Operator.NOT_IN:
                return f"{self.key} {self.operator} ({','.join(self.values)})"
        return f"{self.key}{self.operator}{self.values[0]}"


class Selector(Struct, frozen=True):
    """All of its requirements must hold; without any it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


EVERYTHING = Selector()


def parse(text: str) -> Selector:
    """The selector `text` stands for, by the rules of the API server.

    Raises UsageError that says what is wrong, and where.
    """
    return _Parser(text).selector() if text.strip() else EVERYTHING


def _integer(text: str) -> int | None:
    """A 64-bit number (a label's value cannot begin with a sign), None for what is not one."""
    if _INTEGER.fullmatch(text) is None or len(text) > _LONGEST_NAME:
        return None
    number = int(text)
    return number if number < _LARGEST else None


class _Token(NamedTuple):
    text: str
    at: int

    @property
    def is_word(self) -> bool:
        return self.text not in _SYMBOLS and self.text != ""


class _Parser:
    """Reads one selector from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = [_Token(found[0], found.start()) for found in _TOKEN.finditer(text)]
        self._end = _Token("", len(text))
        self._position = 0

    def selector(self) -> Selector:
        requirements = [self._requirement()]
        while self._next().text:
            separator = self._take()
            if separator.text != ",":
                self._refuse(separator, 'expected "," or the end')
            requirements.append(self._requirement())
        return Selector(tuple(requirements))

    def _requirement(self) -> Requirement:
        absent = self._next().text == "!"
        if absent:
            self._take()
        key = self._key()
        if absent:
            return Requirement(key, Operator.ABSENT)
        if self._next().text in ("", ","):
            return Requirement(key, Operator.EXISTS)
        operator = self._take()
        match operator.text:
            case "=" | "==":
                return Requirement(key, Operator.EQUALS, (self._value(),))
            case "!=":
                return Requirement(key, Operator.NOT_EQUALS, (self._value(),))
            case "in":
                return Requirement(key, Operator.IN, self._set())
            case "notin":
                return Requirement(key, Operator.NOT_IN, self._set())
            case ">" | "<":
                at = self._next()
                value = self._value()
                if _integer(value) is None:
                    self._refuse(at, f'"{operator.text}" compares with a whole number')
                return Requirement(key, Operator(operator.text), (value,))
        self._refuse(operator, 'expected one of "=", "!=", "in", "notin", ">", "<", or ","')

    def _key(self) -> str:
        token = self._take()
        # The API takes "in" and "notin" for operators wherever a name could stand.
        if not token.is_word or token.text in (Operator.IN, Operator.NOT_IN):
            self._refuse(token, "expected a label's name")
        prefix, slash, name = token.text.rpartition("/")
        if slash and (_PREFIX.fullmatch(prefix) is None or len(prefix) > _LONGEST_PREFIX):
            self._refuse(
                token, "what stands before the / of a label must be a domain in lower case"
            )
        if _NAME.fullmatch(name) is None or len(name) > _LONGEST_NAME:
            self._refuse(
                token,
                "a label's name is at most 63 letters, digits, -, _ and ., "
                "with a letter or a digit at both ends",
            )
        return token.text

    def _value(self) -> str:
        if self._next().text in ("", ","):
            return ""
        token = self._take()
        if not token.is_word:
            self._refuse(token, "expected a value")
        return self._checked(token)

    def _set(self) -> tuple[str, ...]:
        opening = self._take()
        if opening.text != "(":
            self._refuse(opening, 'expected "(" and the values')
        values = set()
        while True:
            # Nothing between two commas, or beside a bracket, is the empty value.
            token = self._next()
            if token.text in (",", ")"):
                values.add("")
            else:
                self._take()
                if not token.is_word:
                    self._refuse(token, "expected a value")
                values.add(self._checked(token))
            separator = self._take()
            if separator.text == ")":
                return tuple(sorted(values))
            if separator.text != ",":
                self._refuse(separator, 'expected "," or ")"')

    def _checked(self, token: _Token) -> str:
        if _NAME.fullmatch(token.text) is None or len(token.text) > _LONGEST_NAME:
            self._refuse(
                token,
                "a label's value is at most 63 letters, digits, -, _ and ., "
                "with a letter or a digit at both ends",
            )
        return token.text

    def _next(self) -> _Token:
        here = self._position
        return self._tokens[here] if here < len(self._tokens) else self._end

    def _take(self) -> _Token:
        token = self._next()
        self._position += 1
        return token

    def _refuse(self, token: _Token, why: str) -> NoReturn:
        where = f'at "{token.text}" (character {token.at + 1})' if token.text else "at its end"
        raise UsageError(
            f'the selector "{self._text}" is not understood {where}: {why}',
            hint="for example: -l app=shop,tier!=batch,'env in (prod, canary)',!legacy",
        )
