"""`make bench-prediction`: how well forecasts and behaviour models do on public data, through the real path, beside baselines and rivals.

The stack is started once; `prediction_usage.py` measures forecasts of series, `prediction_behaviour.py` models of people.
"""

from benchmarks import prediction_behaviour, prediction_usage
from benchmarks.harness import QUICK, bench
from benchmarks.report import Figure, publish

TARGETS = {
    "ingest": "ingest",
    "writer": "writer",
    "mirror": "mirror",
    "query": "query",
    "insights": "insights",
}


def main() -> None:
    """Runs the benchmark and publishes what it found."""
    with bench(TARGETS, {"TIDEMARK_MODEL_SECONDS": "2"}) as stack:
        figures, rows = prediction_behaviour.run(stack)
        usage, series = prediction_usage.run(stack)
    # A load replayed against the scaler's own code is a benchmark by itself.
    elsewhere = {
        "scaling_violation_cut": Figure(None, "", 0.25, "higher", "bench-scaling has it, as lag_saved")
    }
    settings = {"data": str(prediction_behaviour.DATA.name), "quick": int(QUICK)}
    publish("prediction", usage | figures | elsewhere, [*series, *rows], settings)


if __name__ == "__main__":
    main()
