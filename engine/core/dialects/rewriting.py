"""From the keys of a dialect to those of Spec v1, one after the other; each is read once."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

from engine.core.dialects.records import Dialect, Mapping, Row
from engine.core.dialects.v1 import is_v1, kind_at, names_at, percents
from engine.core.spec_errors import Fault, closest, shorten
from engine.core.spec_walk import is_model, words

Path = tuple[str, ...]


class _Missing:
    """What is not in the file; null is something else."""


MISSING: Final = _Missing()


class Rewriting:
    """The file that is left to read, the v1 tree so far, and what was told about it.

    A key that is taken is gone: nothing is converted twice, and what is left at the end is v1's own or unknown.
    """

    def __init__(self, tree: dict[str, Any], dialect: Dialect, known_by: str = "") -> None:
        self.dialect = dialect
        self.known_by = known_by
        self.left: dict[str, Any] = copy.deepcopy(tree)
        self.tree: dict[str, Any] = {}
        self.mappings: list[Mapping] = []
        self.faults: list[Fault] = []
        self._by: dict[str, str] = {}

    def run(self) -> None:
        self.dialect.rewrite(self)
        for row in self.dialect.table:
            self._apply(row)
        for path, value in list(_leaves(self.left, ())):
            self._pass(path, value)

    # ------------------------------------------------------------ what a dialect's `rewrite` uses

    def peek(self, path: str) -> Any:
        """The value at a path; MISSING where there is none."""
        node: Any = self.left
        for part in path.split("."):
            if not isinstance(node, dict) or part not in node:
                return MISSING
            node = node[part]
        return node

    def take(self, path: str) -> Any:
        """`peek`, and the key is read; an object that is empty then goes too. null asks for nothing: MISSING."""
        value = self.peek(path)
        if value is MISSING:
            return MISSING
        trail: list[tuple[dict[str, Any], str]] = []
        node: Any = self.left
        for part in path.split("."):
            trail.append((node, part))
            node = node[part]
        for holder, part in reversed(trail):
            del holder[part]
            if holder:
                break
        if value is None:
            self.drop(path, None, "null asks for nothing")
            return MISSING
        return value

    def put(self, old: str, before: Any, new: str, after: Any, why: str) -> None:
        """Set a key of v1; where the file gives it twice, a fault names both."""
        known = self._set(tuple(new.split(".")), after, old)
        if known is not None:
            self.refuse(old, f"and {known} both give {new}. Keep one of them.")
        elif old != new or before != after:
            self.tell(old, new, before, after, why)

    def tell(self, old: str, new: str, before: Any, after: Any, why: str) -> None:
        """A mapping that is made in what is left to read."""
        self.mappings.append(Mapping(old, new, before, after, why))

    def drop(self, old: str, before: Any, why: str) -> None:
        """A key without effect, kept as a note."""
        self.tell(old, "", before, None, why)

    def drop_section(self, section: str, why: str) -> None:
        """Every key of a section without effect, each with a note; unknown ones are left, to be refused."""
        for path, value in list(_leaves({section: self.left.get(section, {})}, ())):
            name = ".".join(path)
            is_known = name in self.dialect.paths or (value != {} and is_v1(path))
            if is_known and self.take(name) is not MISSING:
                self.drop(name, value, why)

    def refuse(self, old: str, said: str) -> None:
        self.faults.append(Fault(tuple(old.split(".")), said))

    # ------------------------------------------------------------ the table and the rest

    def _apply(self, row: Row) -> None:
        before = self.take(row.old)
        if before is MISSING:
            return
        try:
            after = row.change(before)
        except ValueError as error:
            self.refuse(row.old, _sentence(str(error)))
            return
        if row.new:
            self.put(row.old, before, row.new, after, row.why)
        else:
            self.drop(row.old, before, row.why)

    def _set(self, path: Path, value: Any, by: str) -> str | None:
        """Set a value with the objects and places around it; the key that set it before, where there is one."""
        name = ".".join(path)
        for known, key in self._by.items():
            if known == name or known.startswith(f"{name}.") or name.startswith(f"{known}."):
                return key
        self._by[name] = by
        node: Any = self.tree
        for part, following in zip(path, path[1:], strict=False):
            node = _child(node, part, [] if following.isdecimal() else {})
        _child(node, path[-1], value)
        return None

    def _pass(self, path: Path, value: Any) -> None:
        """What no rule took: v1's own key, or one that nobody knows."""
        name = ".".join(path)
        if value == {} and self._leads_on(path):
            return
        if not is_v1(path):
            self._refuse_unknown(path, value)
            return
        unclear = (
            next(percents(path, value), None) if self.dialect.is_fraction and path[0] != "sweep" else None
        )
        if unclear is not None:
            self.refuse(
                ".".join(unclear),
                f"a percent of Spec v1 in a file of the {self.dialect.name} dialect (known by {self.known_by}), whose "
                "percents are fractions. Take it out, convert the file (`python -m engine spec show FILE > NEW`), and "
                "write it into NEW, in percent.",
            )
            return
        known = self._set(path, value, name)
        if known is not None and value != {}:
            self.refuse(name, f"and {known} both give {name}. Keep one of them.")

    def _leads_on(self, path: Path) -> bool:
        head = ".".join(path) + "."
        return any(one.startswith(head) for one in self.dialect.paths)

    def _refuse_unknown(self, path: Path, value: Any) -> None:
        """One fault for the first part of the path that leads nowhere."""
        length = next(
            (n for n in range(1, len(path)) if not (is_v1(path[:n]) or self._leads_on(path[:n]))), len(path)
        )
        path, whole = path[:length], length == len(path)
        above = kind_at(path[:-1])
        if above is not None and not is_model(above) and not self._leads_on(path[:-1]):
            path, said = path[:-1], f"must be {words(above)}, got {shorten(self.peek('.'.join(path[:-1])))}."
        else:
            names = self._names_below(path) if whole else []
            objects = f"must be an object with {', '.join(names)}, got {shorten(value)}."
            said = objects if names else self._no_such_key(path)
        if Fault(path, said) not in self.faults:
            self.faults.append(Fault(path, said))

    def _no_such_key(self, path: Path) -> str:
        names = list(dict.fromkeys([*self._names_below(path[:-1]), *names_at(path[:-1])]))
        near = closest(path[-1], names)
        hint = f" Did you mean {near}?" if near else ""
        return f"unknown key of the {self.dialect.name} dialect.{hint} Keys: {', '.join(names)}."

    def _names_below(self, path: Path) -> list[str]:
        """The keys that the dialect has directly below a path."""
        paths = (tuple(one.split(".")) for one in self.dialect.paths)
        n = len(path)
        return list(dict.fromkeys(one[n] for one in paths if one[:n] == path and len(one) > n))


def _child(node: Any, part: str, new: Any) -> Any:
    """The member of an object, or the place in a list; `new` where there is none yet."""
    if not isinstance(node, list):
        return node.setdefault(part, new)
    if int(part) == len(node):
        node.append(new)
    return node[int(part)]


def _leaves(node: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    """(path, value) of what is no object with something in it."""
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*at, key))
        else:
            yield (*at, key), value


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
