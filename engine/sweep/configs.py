"""The configs of a sweep, one after another, at a tenth of what a spec costs to build and check.

A config could be built by `with_overrides`, `SignalPlan.of` and `trading_hash`: 0.13 ms, where a walk may take 0.3.
Here the axes are of three sorts:

signal : parameters, shifts and numbers of comparisons. Only the operands that they touch are looked up again.
rule   : numbers that no validator compares with another field (paths.is_number_alone): the model is copied with them.
other  : everything else. Each combination of their values is built and checked whole, as an `Anchor`, on which
         the first two sorts vary.

Every value of every axis goes through the whole model once, in the first config that has it. What is cheap must also
be right: where the cheap way refuses, the whole model has the last word, and tests compare both ways on random grids.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from engine.core.errors import RunError, SpecError
from engine.core.spec import StrategySpec
from engine.core.spec_text import canonical, dumps, trading_part, with_overrides
from engine.packs.pack import ChainRequest
from engine.signals.required import Needs, chain_sessions_by_terms, required_by_terms, required_of
from engine.signals.rules import SignalPlan
from engine.signals.tree import CROSSES, Compare, Group, Negated, Node, with_value
from engine.sim.inputs import chain_requests, widened
from engine.sim.scope import refuse_unwalkable
from engine.sweep.grid import Grid
from engine.sweep.paths import Part, SignalPath, is_number_alone, refuse_paths, signal_path

MAX_ANCHORS = 64
MAX_OPERANDS = 20_000
_MARK = re.compile(r'"\\u0000(\d+)\.(\d+)"')


class Config(NamedTuple):
    """One config, ready for rules and signals.

    rules_of : a spec with this config's rules; its conditions are another config's, `plan` has the right ones.
    trading_hash : 16 bytes, as the ledger keeps them.
    """

    plan: SignalPlan
    rules_of: StrategySpec
    trading_hash: bytes


class Slot(NamedTuple):
    """One part of a comparison and the axes that change it: (axis, path inside the comparison)."""

    number: int
    part: Part
    axes: tuple[int, ...]
    fields: tuple[tuple[int, tuple[str, ...]], ...]


class Leaf(NamedTuple):
    """A comparison that axes touch, and where it stands."""

    place: str
    at: int
    inner: tuple[str, ...]
    slots: tuple[Slot, ...]


@dataclass
class Anchor:
    """A checked config of one combination of the other axes, and what was looked up for its neighbours."""

    spec: StrategySpec
    plan: SignalPlan
    operands: dict[tuple[int, ...], Any] = field(default_factory=dict)
    templates: dict[tuple[bool, ...], list[Any]] = field(default_factory=dict)


class Values(NamedTuple):
    """One value of one axis after the model took it: as attribute (rules) and in canonical JSON, one a path.

    A text is None where the canonical form leaves the field out because it is its default.
    """

    attributes: tuple[Any, ...]
    texts: tuple[str | None, ...]


class ConfigBuilder:
    """Builds configs of a grid by their digits (places on the axes). Not for several threads at once.

    needs : warm-up bars by series of all that was built so far.
    chains : the widest chain that any of it may look at, by underlying.
    limit : the warm-up there is; RunError on a config that needs more. None does not check.
    """

    def __init__(self, base: StrategySpec, grid: Grid, limit: Mapping[tuple[str, str], int] | None = None):
        self.base, self.grid, self.limit = base, grid, limit
        self.needs: Needs = {}
        self.chains: dict[str, ChainRequest] = {}
        refuse_paths(path for axis in grid.axes for path in axis.paths)
        swept = {path for axis in grid.axes for path in axis.paths}
        self._sorts = [_sort(axis.paths, swept) for axis in grid.axes]
        self._other = [k for k, sort in enumerate(self._sorts) if sort == "other"]
        self._rule = [k for k, sort in enumerate(self._sorts) if sort == "rule"]
        self._cheap = [k for k, sort in enumerate(self._sorts) if sort != "other"]
        self._leaves = _leaves(grid, self._sorts)
        self._values: list[list[Values | None]] = [[None] * len(axis.values) for axis in grid.axes]
        self._anchors: OrderedDict[tuple[int, ...], Anchor] = OrderedDict()
        self._rules: tuple[Any, StrategySpec] | None = None

    def another(self, limit: Mapping[tuple[str, str], int] | None = None) -> ConfigBuilder:
        """A builder for another thread that knows the values this one has learned; each value is written once."""
        other = ConfigBuilder(self.base, self.grid, limit)
        other._values = self._values
        return other

    def at(self, index: int, digits: Sequence[int]) -> Config:
        """Config `index` of the grid, whose digits are `digits`. SpecError if it is not valid."""
        for axis in self._cheap:
            if self._values[axis][digits[axis]] is None:
                self._learn(index, digits)
                break
        try:
            anchor = self._anchor(index, digits)
            plan = self._plan(anchor, digits)
        except (SpecError, IndexError, TypeError):
            return self._whole(index)
        return Config(plan, self._rules_of(anchor, digits), self._hash(anchor, index, digits))

    def _learn(self, index: int, digits: Sequence[int]) -> StrategySpec:
        """Build a config by the whole model, and note how its values look there."""
        spec = self.checked(index)
        tree = canonical(spec)
        for k in self._cheap:
            if self._values[k][digits[k]] is None:
                paths, is_rule = self.grid.axes[k].paths, self._sorts[k] == "rule"
                self._values[k][digits[k]] = Values(
                    tuple(_attribute(spec, path) if is_rule else None for path in paths),
                    tuple(_text_at(tree, path) for path in paths),
                )
        return spec

    def look_up(self, digits: Sequence[int]) -> None:
        """Note what operands of these digits need on the anchors so far; invalid ones are passed over."""
        for anchor in list(self._anchors.values()):
            with suppress(SpecError, IndexError, TypeError):
                self._plan(anchor, digits)

    def checked(self, index: int) -> StrategySpec:
        """Config `index` by the whole model. SpecError that names the config."""
        try:
            spec = with_overrides(self.base, self.grid.config(index), self.grid.describe(index))
            SignalPlan.of(spec)
            refuse_unwalkable(spec)
        except SpecError as err:
            name = self.grid.describe(index)
            said = str(err).removeprefix(f"{name}: ")
            raise SpecError(
                f"grid: {name}: {said} Take such values out, or forbid them by a condition under where."
            ) from None
        self._widen(chain_requests(spec))
        return spec

    def _widen(self, asked: Sequence[ChainRequest]) -> None:
        for one in asked:
            held = self.chains.get(one.symbol)
            self.chains[one.symbol] = one if held is None else widened(held, one)

    def _whole(self, index: int) -> Config:
        spec = self.checked(index)
        plan = SignalPlan.of(spec)
        self._note(required_of(plan, spec), index)
        return Config(plan, spec, _digest(dumps(trading_part(canonical(spec)))))

    def _anchor(self, index: int, digits: Sequence[int]) -> Anchor:
        key = tuple([digits[k] for k in self._other])
        found = self._anchors.get(key)
        if found is None:
            spec = self._learn(index, digits)
            plan = SignalPlan.of(spec)
            self._note(required_of(plan, spec), index)
            found = self._anchors[key] = Anchor(spec, plan)
            if len(self._anchors) > MAX_ANCHORS:
                self._anchors.popitem(last=False)
        return found

    def _plan(self, anchor: Anchor, digits: Sequence[int]) -> SignalPlan:
        if not self._leaves:
            return anchor.plan
        changed: dict[str, list[Node]] = {}
        for leaf in self._leaves:
            nodes = changed.get(leaf.place)
            if nodes is None:
                nodes = changed[leaf.place] = list(getattr(anchor.plan, leaf.place))
            if leaf.inner:
                nodes[leaf.at] = _placed(nodes[leaf.at], leaf.inner, self._compare(anchor, leaf, digits))
            else:
                nodes[leaf.at] = self._compare(anchor, leaf, digits)
        return replace(anchor.plan, **{place: tuple(nodes) for place, nodes in changed.items()})  # type: ignore[arg-type]

    def _compare(self, anchor: Anchor, leaf: Leaf, digits: Sequence[int]) -> Compare:
        """The leaf's comparison with this config's operands; `source` stays the anchor's, no engine reads it."""
        node = _found(getattr(anchor.plan, leaf.place)[leaf.at], leaf.inner)
        left, right, numbers = node.left, node.right, (node.low, node.high)
        for slot in leaf.slots:
            key = (slot.number, *[digits[k] for k in slot.axes])
            part = anchor.operands.get(key)
            if part is None:
                part = self._operand(anchor, node, slot, digits)
                if len(anchor.operands) >= MAX_OPERANDS:
                    anchor.operands.clear()
                anchor.operands[key] = part
            if slot.part == "left":
                left = part
            elif slot.part == "right":
                right = part
            else:
                numbers = part
        return Compare(node.source, node.operator, left, right, *numbers)

    def _operand(self, anchor: Anchor, node: Compare, slot: Slot, digits: Sequence[int]) -> Any:
        changed: Any = node
        for axis, path in slot.fields:
            value = self.grid.axes[axis].values[digits[axis]]
            changed = with_value(changed, list(path), value, anchor.plan.timeframe)
        if slot.part == "numbers":
            return (changed.low, changed.high)
        term = changed.left if slot.part == "left" else changed.right
        read = [(term, node.operator in CROSSES)]
        self._note(required_by_terms(read, anchor.spec), None)
        back = chain_sessions_by_terms(read, anchor.spec)
        self._widen([one._replace(warmup_sessions=back) for one in self.chains.values()])
        return term

    def _rules_of(self, anchor: Anchor, digits: Sequence[int]) -> StrategySpec:
        if not self._rule:
            return anchor.spec
        key = tuple([digits[k] for k in self._other + self._rule])
        if self._rules is None or self._rules[0] != key:
            fields: dict[str, Any] = {}
            for k in self._rule:
                values = self._values[k][digits[k]]
                assert values is not None
                fields.update(zip(self.grid.axes[k].paths, values.attributes, strict=True))
            self._rules = (key, _copied(anchor.spec, fields))
        return self._rules[1]

    def _hash(self, anchor: Anchor, index: int, digits: Sequence[int]) -> bytes:
        """The trading hash out of a template of the canonical JSON: one for each pattern of defaults left out."""
        texts = [self._values[k][digits[k]].texts for k in self._cheap]  # type: ignore[union-attr]
        mask = tuple([text is None for group in texts for text in group])
        template = anchor.templates.get(mask)
        if template is None:
            template = anchor.templates[mask] = self._template(index, texts)
        return _digest("".join([p if isinstance(p, str) else texts[p[0]][p[1]] for p in template]))  # type: ignore[misc]

    def _template(self, index: int, texts: Sequence[Sequence[str | None]]) -> list[Any]:
        """Pieces of the canonical JSON of a config: texts, and (axis, path) where a value stands."""
        tree = trading_part(canonical(self.checked(index)))
        for n, k in enumerate(self._cheap):
            for m, where in enumerate(self.grid.axes[k].paths):
                if texts[n][m] is not None:
                    parent, last = _parent(tree, where)
                    parent[last] = f"\x00{n}.{m}"
        pieces = _MARK.split(dumps(tree))
        out: list[Any] = [pieces[0]]
        for axis, path, text in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
            out += [(int(axis), int(path)), text]
        return out

    def _note(self, needs: Needs, index: int | None) -> None:
        for key, bars in needs.items():
            if bars > self.needs.get(key, -1):
                self.needs[key] = bars
                if self.limit is not None and bars > self.limit.get(key, -1):
                    where = "a config" if index is None else self.grid.describe(index)
                    raise RunError(
                        f"sweep: {where} needs {bars:,} warm-up bars of {' '.join(key)}, the pack was built for "
                        f"{self.limit.get(key, 0):,}. Set data.warmup_bars to {bars:,} and start the sweep anew."
                    )


def _sort(paths: Sequence[str], swept: set[str]) -> str:
    if all(is_number_alone(path, swept) for path in paths):
        return "rule"
    return "signal" if all(signal_path(path) for path in paths) else "other"


def _leaves(grid: Grid, sorts: Sequence[str]) -> list[Leaf]:
    found: dict[tuple[str, int, tuple[str, ...]], dict[Part, list[tuple[int, tuple[str, ...]]]]] = {}
    for k, axis in enumerate(grid.axes):
        for path in axis.paths if sorts[k] == "signal" else ():
            into = signal_path(path)
            assert isinstance(into, SignalPath)
            parts = found.setdefault((into.place, into.at, into.inner), {})
            parts.setdefault(into.part, []).append((k, into.field))
    leaves, number = [], 0
    for where, parts in found.items():
        slots = []
        for part, fields in parts.items():
            slots.append(Slot(number, part, tuple(dict.fromkeys(k for k, _ in fields)), tuple(fields)))
            number += 1
        leaves.append(Leaf(*where, tuple(slots)))
    return leaves


def _found(node: Node, inner: Sequence[str]) -> Compare:
    """The comparison at the end of a way through groups."""
    for part in inner:
        if part.isdigit():
            assert isinstance(node, Group)
            node = node.parts[int(part)]
        elif part == "not":
            assert isinstance(node, Negated)
            node = node.part
    assert isinstance(node, Compare)
    return node


def _placed(node: Node, inner: Sequence[str], leaf: Compare) -> Node:
    """The tree with the comparison at the end of a way exchanged."""
    if not inner:
        return leaf
    if isinstance(node, Negated):
        return Negated(_placed(node.part, inner[1:], leaf))
    assert isinstance(node, Group)
    parts = list(node.parts)
    at = int(inner[1])
    parts[at] = _placed(parts[at], inner[2:], leaf)
    return Group(node.every, tuple(parts))


def _attribute(spec: StrategySpec, path: str) -> Any:
    """What stands at a path of a model; positions in a list are numbers."""
    node: Any = spec
    for part in path.split("."):
        node = node[int(part)] if isinstance(node, tuple) else getattr(node, part)
    return node


def _copied(model: Any, fields: Mapping[str, Any]) -> Any:
    """A copy of a model, or of a list of them, with values set by path, without validation."""
    update: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for path, value in fields.items():
        head, _, rest = path.partition(".")
        if rest:
            nested.setdefault(head, {})[rest] = value
        else:
            update[head] = value
    if isinstance(model, tuple):
        return tuple(_copied(one, nested[str(i)]) if str(i) in nested else one for i, one in enumerate(model))
    for head, inside in nested.items():
        update[head] = _copied(getattr(model, head), inside)
    return model.model_copy(update=update)


def _parent(tree: Any, path: str) -> tuple[Any, Any]:
    """The container of a path's last part in a canonical tree, and its key there. KeyError if it is left out."""
    *way, last = path.split(".")
    for part in way:
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return (tree, int(last)) if isinstance(tree, list) else (tree, last)


def _text_at(tree: Any, path: str) -> str | None:
    try:
        parent, last = _parent(tree, path)
        return dumps(parent[last])
    except KeyError:
        return None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
