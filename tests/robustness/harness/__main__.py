"""``python -m tests.robustness.harness load | faults``: run, print Markdown, exit 1 where something gave."""

from __future__ import annotations

import argparse
import sys

from tests.robustness.harness import load, suffering
from tests.robustness.harness.faults import FAULTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.robustness.harness")
    commands = parser.add_subparsers(dest="command", required=True)
    loading = commands.add_parser("load", help="twice what the service can answer")
    loading.add_argument("--seconds", type=float, default=600.0)
    loading.add_argument(
        "--measure", type=float, default=load.MEASURE_SECONDS, help="seconds for the capacity"
    )
    failing = commands.add_parser("faults", help="what happens when parts fail")
    failing.add_argument("names", nargs="*", help="words of the faults wanted; all by default")
    failing.add_argument("--rate", type=float, default=suffering.RATE, help="operations a second")
    arguments = parser.parse_args()
    if arguments.command == "faults":
        wanted = [
            fault
            for fault in FAULTS
            if not arguments.names or any(word in fault.name for word in arguments.names)
        ]
        suffered = suffering.run(wanted, arguments.rate)
        print(suffering.describe(suffered))
        return tell([line for one in suffered for line in one.failures])
    result = load.run(arguments.seconds, measure_seconds=arguments.measure)
    print(load.describe(result))
    return tell(result.failures)


def tell(failures: list[str]) -> int:
    """Say what did not hold; the exit status."""
    for line in failures:
        print(f"FAILED: {line}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
