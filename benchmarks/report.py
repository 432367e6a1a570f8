"""What a benchmark found: figures come in, `benchmarks/results/NAME.json` and a table for people go out."""

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

RESULTS = Path(__file__).parent / "results"
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Figure:
    """One number; `value` is None when it was not measured, and `reason` says why."""

    value: float | None
    unit: str
    aim: float | None
    better: Literal["higher", "lower"]
    reason: str = ""

    @property
    def verdict(self) -> str:
        """Whether the aim is met, in a word."""
        if self.value is None or self.aim is None:
            return ""
        met = self.value >= self.aim if self.better == "higher" else self.value <= self.aim
        return "met" if met else "missed"


def publish(
    name: str,
    figures: Mapping[str, Figure],
    rows: Sequence[Mapping[str, object]],
    settings: Mapping[str, object],
) -> Path:
    """Writes the result of a benchmark and prints its table; gives the file."""
    result = {
        "name": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": machine(),
        "settings": settings,
        "figures": {
            key: {field: value for field, value in asdict(figure).items() if field != "reason" or value}
            for key, figure in figures.items()
        },
        "rows": rows,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(
        "\n".join(
            ["", f"{name}: {', '.join(f'{key} {value}' for key, value in settings.items())}", *table(figures)]
        )
    )
    for row in rows:
        print("  " + ", ".join(f"{key} {_number(value)}" for key, value in row.items()))
    print(f"  {machine()}; commit {result['commit']}; written to {path}\n")
    return path


def table(figures: Mapping[str, Figure]) -> list[str]:
    """The lines of a table: figure, value, aim beside it, and whether it is met."""
    lines = [f"  {'figure':<34}{'value':>14}{'aim':>16}  "]
    for key, figure in figures.items():
        aim = (
            "" if figure.aim is None else f"{'≥' if figure.better == 'higher' else '≤'} {_number(figure.aim)}"
        )
        note = figure.reason if figure.value is None else f"{figure.unit} {figure.verdict}".strip()
        lines.append(f"  {key:<34}{_number(figure.value):>14}{aim:>16}  {note}")
    return lines


def machine() -> str:
    """Processor, cores, memory and kernel."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{psutil.cpu_count()} cores of {model}, {memory:.0f} GiB, {platform.system()} {platform.release()}"
    )


def _commit() -> str:
    def git(*arguments: str) -> str:
        told = subprocess.run(["git", *arguments], check=False, cwd=_ROOT, capture_output=True, text=True)
        return told.stdout.strip()

    changed = ", with changes" if git("status", "--porcelain") else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed


def _number(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.3g}"
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
