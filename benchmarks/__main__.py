"""`python -m benchmarks [ingest] [freshness] [query] [dashboard] [insights] [prediction] [reports] [scaling] [soak] [rolling]`: all when none is named. `QUICK=1` takes a minute for each."""

import sys

from benchmarks import (
    bench_dashboard,
    bench_freshness,
    bench_ingest,
    bench_insights,
    bench_prediction,
    bench_query,
    bench_reports,
    bench_rolling,
    bench_scaling,
    bench_soak,
)

BENCHMARKS = {
    "ingest": bench_ingest.main,
    "freshness": bench_freshness.main,
    "query": bench_query.main,
    "dashboard": bench_dashboard.main,
    "insights": bench_insights.main,
    "prediction": bench_prediction.main,
    "reports": bench_reports.main,
    "scaling": bench_scaling.main,
    "soak": bench_soak.main,
    "rolling": bench_rolling.main,
}


def main(names: list[str]) -> int:
    """Runs the benchmarks named; gives the exit code."""
    if unknown := set(names) - BENCHMARKS.keys():
        print(
            f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}",
            file=sys.stderr,
        )
        return 2
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
