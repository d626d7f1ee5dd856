"""`make bench`: fill the districts, measure the pages over each, print one table, keep it in bench/results.json."""

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

from bench.data import SIZES, filled
from bench.measuring import BARE, Figure, measure

RESULTS = Path(__file__).resolve().parent / "results.json"
HEADINGS = ("page", "data", "through", "CPU ms", "× bare", "lowest", "highest", "bytes", "÷ first")


def main() -> None:
    """Measure over every size of district."""
    found: dict[str, list[Figure]] = {}
    for size, schools in SIZES.items():
        print(f"{size}: {schools} schools …", flush=True)
        folder = filled(schools)
        print(f"{size}: measuring …", flush=True)
        found[size] = measure(folder)
    first = {(figure.page, figure.through): figure.ratio for figure in next(iter(found.values()))}
    rows = [
        (
            figure.page, size, figure.through, f"{figure.milliseconds:.2f}", f"{figure.ratio:.1f}", f"{figure.lowest:.1f}",
            f"{figure.highest:.1f}", str(figure.size), f"{figure.ratio / first[figure.page, figure.through]:.2f}",
        )
        for size, figures in found.items()
        for figure in sorted(figures, key=lambda figure: (figure.page != BARE, figure.page, figure.through))
    ]  # fmt: skip
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    for row in (HEADINGS, *rows):
        left = (cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True))
        right = (cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True))
        print("  ".join((*left, *right)))
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    measured = {size: [asdict(figure) for figure in figures] for size, figures in found.items()}
    RESULTS.write_text(
        json.dumps({"machine": machine, "sizes": measured}, ensure_ascii=False, indent=2), encoding="utf-8"
    )


main()
