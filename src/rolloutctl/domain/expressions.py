"""Conditions of notification triggers: a small, safe evaluator of expr-lang's common forms.

Values are what JSON has, and nothing of Python can be reached. What is not known here (functions,
the time, secrets) is refused by its name, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import lark
import regex

from rolloutctl.errors import Failed

LONGEST = 4096
DEEPEST = 60
_PATTERN_SECONDS = 0.5
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}

_GRAMMAR = r"""
?start: ternary
?ternary: either | either "?" ternary ":" ternary -> choice
?either: both | either ("||" | "or") both -> either
?both: compared | both ("&&" | "and") compared -> both
?compared: total | compared COMPARE total -> compare | compared "in" total -> within
    | compared "not" "in" total -> without | compared TEXTUAL total -> textual
?total: product | total /[-+]/ product -> arithmetic
?product: unary | product /[*\/%]/ unary -> arithmetic
?unary: nullish | ("!" | "not") unary -> negation | "-" unary -> minus
?nullish: postfix | nullish "??" postfix -> nullish
?postfix: atom | postfix "." NAME -> member | postfix "?." NAME -> optional
    | postfix "[" ternary "]" -> item | postfix "(" [ternary ("," ternary)*] ")" -> call
?atom: NUMBER -> number | TEXT -> text | NAME -> name | "(" ternary ")"
    | "[" [ternary ("," ternary)* ","?] "]" -> array
COMPARE: "==" | "!=" | "<=" | ">=" | "<" | ">"
TEXTUAL.2: /(contains|startsWith|endsWith|matches)(?![A-Za-z0-9_])/
NAME: /[A-Za-z_$][A-Za-z0-9_$]*/
NUMBER: /\d[\d_]*(\.\d+)?([eE][+-]?\d+)?/
TEXT: /"([^"\\\n]|\\.)*"|'([^'\\\n]|\\.)*'/
%ignore /\s+/
"""


class NotEvaluated(Failed):
    """An expression that is not understood here, or that fails; the message says at what."""


def evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    """The value of an expression. Raises NotEvaluated."""
    if len(expression) > LONGEST:
        raise NotEvaluated(f"it has more than {LONGEST} characters")
    try:
        tree = _parser().parse(expression)
        return _Evaluation(variables).of(tree)
    except lark.exceptions.UnexpectedInput as error:
        place = f" at column {error.column}" if error.column > 0 else ""
        raise NotEvaluated(f"it is not understood here{place}") from None
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise NotEvaluated(f"it fails: {error}") from None


@lru_cache(maxsize=1)
def _parser() -> lark.Lark:
    return lark.Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


class _Evaluation:
    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._depth = 0

    def of(self, node: Any) -> Any:
        self._depth += 1
        if self._depth > DEEPEST:
            raise NotEvaluated("it is nested too deep")
        try:
            rule: Callable[..., Any] = getattr(self, f"_{node.data}")
            return rule(*node.children)
        finally:
            self._depth -= 1

    # --- values --------------------------------------------------------------------------------

    def _number(self, token: Any) -> int | float:
        text = str(token).replace("_", "")
        return int(text) if text.isdigit() else float(text)

    def _text(self, token: Any) -> str:
        return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), str(token)[1:-1])

    def _array(self, *items: Any) -> list[Any]:
        return [self.of(item) for item in items]

    def _name(self, token: Any) -> Any:
        word = str(token)
        if word in ("true", "false"):
            return word == "true"
        if word in ("nil", "null"):
            return None
        if word not in self._variables:
            raise NotEvaluated(f"{word} is not known here")
        return self._variables[word]

    def _member(self, of: Any, token: Any) -> Any:
        return _part(self.of(of), str(token))

    def _optional(self, of: Any, token: Any) -> Any:
        found = self.of(of)
        return None if found is None else _part(found, str(token))

    def _item(self, of: Any, key: Any) -> Any:
        return _part(self.of(of), self.of(key))

    def _call(self, of: Any, *arguments: Any) -> Any:
        if of.data == "name" and str(of.children[0]) == "len" and len(arguments) == 1:
            found = self.of(arguments[0])
            if not isinstance(found, (str, list, dict)):
                raise NotEvaluated("it fails: len of what has no length")
            return len(found)
        raise NotEvaluated(f"the function {_spelt(of)} is not known here")

    # --- operators -----------------------------------------------------------------------------

    def _truth(self, node: Any) -> bool:
        found = self.of(node)
        if not isinstance(found, bool):
            raise NotEvaluated("it fails: and, or, not and ? take true or false")
        return found

    def _choice(self, test: Any, yes: Any, no: Any) -> Any:
        return self.of(yes) if self._truth(test) else self.of(no)

    def _nullish(self, left: Any, right: Any) -> Any:
        found = self.of(left)
        return self.of(right) if found is None else found

    def _either(self, left: Any, right: Any) -> bool:
        return self._truth(left) or self._truth(right)

    def _both(self, left: Any, right: Any) -> bool:
        return self._truth(left) and self._truth(right)

    def _negation(self, of: Any) -> bool:
        return not self._truth(of)

    def _minus(self, of: Any) -> Any:
        return -_numeric(self.of(of))

    def _compare(self, left: Any, operator: Any, right: Any) -> bool:
        one, other = self.of(left), self.of(right)
        if operator in ("==", "!="):
            return _same(one, other) == (str(operator) == "==")
        if not (isinstance(one, str) and isinstance(other, str)):
            one, other = _numeric(one), _numeric(other)
        match str(operator):
            case "<":
                return bool(one < other)
            case "<=":
                return bool(one <= other)
            case ">":
                return bool(one > other)
        return bool(one >= other)

    def _within(self, left: Any, right: Any) -> bool:
        one, among = self.of(left), self.of(right)
        if isinstance(among, dict):
            return isinstance(one, str) and one in among
        if isinstance(among, list):
            return any(_same(one, item) for item in among)
        if among is None:
            return False
        raise NotEvaluated("it fails: in takes a list or a map")

    def _without(self, left: Any, right: Any) -> bool:
        return not self._within(left, right)

    def _textual(self, left: Any, operator: Any, right: Any) -> bool:
        one, other = self.of(left), self.of(right)
        if not (isinstance(one, str) and isinstance(other, str)):
            raise NotEvaluated(f"it fails: {operator} takes texts")
        match str(operator):
            case "contains":
                return other in one
            case "startsWith":
                return one.startswith(other)
            case "endsWith":
                return one.endswith(other)
        try:
            return regex.search(other, one, timeout=_PATTERN_SECONDS) is not None
        except (regex.error, TimeoutError) as error:
            raise NotEvaluated(f"it fails: the pattern: {error}") from None

    def _arithmetic(self, left: Any, operator: Any, right: Any) -> Any:
        one, other = self.of(left), self.of(right)
        if operator == "+" and isinstance(one, str) and isinstance(other, str):
            return one + other
        one, other = _numeric(one), _numeric(other)
        match str(operator):
            case "+":
                return one + other
            case "-":
                return one - other
            case "*":
                return one * other
            case "/":
                return one / other
        return one % other


def _spelt(node: Any) -> str:
    """A name or a chain of names, as it was written."""
    if node.data == "name":
        return str(node.children[0])
    if node.data in ("member", "optional"):
        return f"{_spelt(node.children[0])}.{node.children[1]}"
    return "…" if node.data != "call" else f"{_spelt(node.children[0])}()"


def _part(of: Any, key: Any) -> Any:
    if isinstance(of, dict) and isinstance(key, str):
        return of.get(key)
    if isinstance(of, list) and isinstance(key, int) and not isinstance(key, bool):
        if -len(of) <= key < len(of):
            return of[key]
        raise NotEvaluated(f"it fails: there is no item {key}")
    raise NotEvaluated(f"it fails: nothing has {key!r}" if of is None else f"it fails at {key!r}")


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _numeric(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotEvaluated("it fails: a number is needed")
    return value
