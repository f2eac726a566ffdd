"""The verbs of `python -m engine`, one module each; the table of them is in engine/cli.py.

A module exports `add_arguments(subparsers)`, which adds its parser(s) and sets the handler:

    def add_arguments(subparsers):
        parser = subparsers.add_parser("run", help="one backtest, all artifacts")
        parser.add_argument("spec")
        output.add_json_flag(parser)
        parser.set_defaults(handler=run)

    def run(args: argparse.Namespace, settings: Settings) -> int | None:
        from engine.sim import simulate  # heavy imports stand inside the handler

The handler returns the exit code (None means 0) and raises `engine.core.errors` for all that goes wrong.
Results go to stdout, progress to stderr (`output.progress`).
"""
