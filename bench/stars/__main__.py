"""`make simulate`: rate the simulated schools and print the tables of docs/simulation.md; `--write` puts them there."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from bench.stars import tables

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "simulation.md"
COUNT, SEED = 1_000, 20261127
SMALL_COUNT, SMALL_SEED = 40, 7
SENSITIVITY_COUNT = 250
TABLES: dict[str, Callable[[tables.Run], str]] = {
    "schemes": tables.schemes,
    "ablations": tables.ablations,
    "strategies": tables.strategies,
    "gap limits": tables.gap_limits,
    "samples": tables.samples,
    "shrinkage": tables.shrinkage,
    "minimums": tables.minimums,
}


def between(name: str) -> re.Pattern[str]:
    """Where a table stands in the document."""
    return re.compile(rf"(?<=<!-- table: {name} -->\n).*?(?=\n<!-- end -->)", re.DOTALL)


def put(text: str, name: str, table: str) -> str:
    """The document with a table in its place. Raises ValueError when it has no such place."""
    made, count = between(name).subn(lambda _found: table, text)
    if count != 1:
        raise ValueError(f"docs/simulation.md has no place for the table {name}")
    return made


def main() -> None:
    """Make the tables, each printed as soon as it is there."""
    parser = argparse.ArgumentParser(prog="python -m bench.stars", description=__doc__)
    parser.add_argument("--schools", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/simulation.md")
    wanted = parser.parse_args()
    run = tables.Run(wanted.schools, wanted.seed)
    made = {}
    for name, table in TABLES.items():
        made[name] = table(run)
        print(f"\n{name}\n\n{made[name]}", flush=True)
    made["sensitivity"] = tables.sensitivity(min(wanted.schools, SENSITIVITY_COUNT), wanted.seed)
    print(f"\nsensitivity\n\n{made['sensitivity']}", flush=True)
    if wanted.write:
        text = DOCUMENT.read_text("utf-8")
        for name, table in (*made.items(), ("small", tables.small(SMALL_COUNT, SMALL_SEED))):
            text = put(text, name, table)
        DOCUMENT.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
