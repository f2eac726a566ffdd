"""`spec check|show|save|schema`: faults of specs, how they read, a find saved by name, JSON Schema."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.settings import Settings
from engine.verbs import output

if TYPE_CHECKING:
    from engine.core.dialects import Normal

MOST_NAMED = 4  # keys that told the dialect


def add_arguments(subparsers: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    parser = subparsers.add_parser("spec", help="check, show and save strategy specs; their JSON Schema")
    verbs = parser.add_subparsers(dest="spec_verb", required=True)

    one = verbs.add_parser("check", help="every fault of the files, one a line; exit 2 if there is one")
    one.add_argument("files", nargs="+", type=Path, metavar="FILE")
    output.add_json_flag(one)
    one.set_defaults(handler=check)

    one = verbs.add_parser(
        "show",
        help="the canonical form: without defaults, keys sorted, short forms written out; of an older dialect every "
        "mapping (on stderr)",
    )
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument(
        "--set", action="append", default=[], dest="sets", metavar="PATH=VALUE", help="set a field first"
    )
    one.add_argument("--plain", action="store_true", help="in plain language instead of JSON")
    output.add_json_flag(one)
    one.set_defaults(handler=show)

    one = verbs.add_parser(
        "save", help="the spec of a run, or of one config of a sweep, as a version with a name"
    )
    one.add_argument(
        "origin", metavar="RUN_OR_CONFIG", help="a run's id, or SWEEP:NUMBER for a config of a sweep"
    )
    one.add_argument("name", metavar="NAME", help="the name a person reads; the slug is made of it")
    output.add_json_flag(one)
    one.set_defaults(handler=save)

    one = verbs.add_parser("schema", help="JSON Schema of a spec file")
    output.add_json_flag(one)
    one.set_defaults(handler=schema)


def check(args: argparse.Namespace, settings: Settings) -> int:
    results = [_checked(path) for path in args.files]
    faults = sum(len(result["faults"]) for result in results)
    if args.json:
        output.print_json({"ok": not faults, "files": results})
        return 2 if faults else 0
    for result in results:
        for fault in result["faults"]:
            output.progress(f"{result['file']}: {fault}")
        if not result["faults"]:
            known = f"{result['slug']} {result['spec_hash'][:12]}"
            older = f"; {result['note']}, which `spec show` lists" if result["note"] else ""
            print(f"{result['file']}: ok, {known}, {result['n_configs']:,} configs in its grid{older}")
    return 2 if faults else 0


def show(args: argparse.Namespace, settings: Settings) -> None:
    from engine.core.errors import SpecError
    from engine.core.spec_reading import reading, reading_text
    from engine.core.spec_text import (
        by_default,
        canonical,
        read_spec,
        spec_hash,
        trading_hash,
        with_overrides,
    )
    from engine.signals.logic import logic_sentences
    from engine.sweep.grid_file import split_sets

    read, normal = read_spec(args.file)
    fixed, axes = split_sets(args.sets)
    if axes:
        raise SpecError(
            f"--set {next(iter(axes))}: is a range to sweep; give one value, or use the sweep verb."
        )
    spec = with_overrides(read, fixed, args.file.name) if fixed else read
    hashes = {"spec_hash": spec_hash(spec), "trading_hash": trading_hash(spec), "idea_family": spec.family}
    if args.json:
        passages = reading(spec, logic_sentences(spec)) if args.plain else ()
        told = {"reading": [one._asdict() for one in passages]} if args.plain else {}
        output.print_json({**hashes, **told, **_dialect_of(normal), "spec": canonical(spec)})
        return
    if normal.dialect is not None:
        output.progress(f"{normal.note}, known by {', '.join(normal.known_by[:MOST_NAMED])}:")
        for one in normal.mappings:
            output.progress(f"  {one}")
        if left_out := by_default(normal, read):
            output.progress(f"said in the file and left out below, being defaults: {', '.join(left_out)}")
    text = json.dumps(canonical(spec), indent=2, ensure_ascii=False)
    print(f"{spec.name}\n\n{reading_text(spec, logic_sentences(spec))}" if args.plain else text)
    for name, value in hashes.items():
        output.progress(f"{name} {value}")


def _dialect_of(normal: Normal) -> dict[str, Any]:
    """dialect: null for Spec v1; mappings: old, new (null: no effect), before, after, why."""
    return {
        "dialect": normal.dialect.key if normal.dialect else None,
        "mappings": [{**asdict(one), "new": one.new or None} for one in normal.mappings],
    }


def save(args: argparse.Namespace, settings: Settings) -> None:
    """JSON: spec_hash, name, slug, idea_family."""
    from engine.store.db import open_store
    from engine.sweep.origins import save_as

    store = open_store(settings)
    kept = save_as(store, args.origin, args.name)
    if args.json:
        output.print_json(
            {"spec_hash": kept.hash, "name": kept.name, "slug": kept.slug, "idea_family": kept.idea_family}
        )
        return
    print(f"spec {kept.hash[:12]}: {kept.name}, saved as {kept.slug}")
    output.progress(output.trials_of(store, kept.idea_family))


def schema(args: argparse.Namespace, settings: Settings) -> None:
    from engine.core.spec_text import json_schema

    if args.json:
        output.print_json(json_schema())
    else:
        print(json.dumps(json_schema(), indent=2))


def _checked(path: Path) -> dict[str, Any]:
    """Faults of one file; a sound one has its hashes and the size of its grid."""
    from engine.core.errors import BadInput
    from engine.core.spec_text import read_json, read_tree, spec_hash, trading_hash
    from engine.sim.refused import refused_outright

    found: dict[str, Any] = {"file": str(path), "faults": [], "dialect": None, "note": ""}
    try:
        spec, faults, normal = read_tree(read_json(path))
        found["faults"] = [str(fault) for fault in faults]
        if normal.dialect is not None:
            found |= {"dialect": normal.dialect.key, "note": normal.note}
        if spec is not None:
            found |= {"slug": spec.slug, "spec_hash": spec_hash(spec), "trading_hash": trading_hash(spec)}
            found["faults"] = [str(normal.as_written(fault)) for fault in refused_outright(spec)]
            found["n_configs"] = _n_configs(spec)
    except BadInput as err:
        found["faults"].append(str(err).removeprefix(f"{path.name}: ").removeprefix(f"{path}: "))
    return found


def _n_configs(spec: Any) -> int:
    from engine.sweep.grid import Grid

    if not spec.sweep.grid:
        return 0
    grid = Grid.from_spec(spec)
    grid.check(spec)
    return len(grid)
