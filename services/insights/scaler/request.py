"""What the metadata of a trigger asks for: KEDA's `scalerMetadata` comes in, `Wanted` goes out. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from services.insights.scaler.figure import Wanted
from services.kit.errors import Invalid

USUAL = {
    # A writer spends 1.2 to 1.7 µs of a core on an event at full load and 7 at a million a minute; PostgreSQL is the limit before.
    "writer": Wanted(target="writer", pod_rate=50_000.0),
    # An ingest spends 4.0 to 5.5 µs of a core on an event.
    "ingest": Wanted(target="ingest", pod_rate=100_000.0),
}
"""By target, from the figures in benchmarks/README.md, rounded down to a half."""
OF_KEDA = frozenset(
    {"scalerAddress", "enableTLS", "unsafeSsl", "caCert", "tlsClientCert", "tlsClientKey", "metricType"}
)
"""What KEDA hands on of its own."""
_NUMBERS = {
    "backlogSeconds": ("backlog_seconds", 1.0, 3600.0),
    "podRate": ("pod_rate", 1.0, 1e9),
    "utilisation": ("utilisation", 0.1, 1.0),
    "startSeconds": ("start_seconds", 0.0, 1800.0),
}


def read(metadata: Mapping[str, str]) -> Wanted:
    """What is asked for; raises `Invalid` for a key or value that means nothing."""
    name = metadata.get("target", "writer")
    if name not in USUAL:
        raise Invalid("scalerMetadata.target", f"is {name[:100]!r}; write {' or '.join(USUAL)}")
    wanted = USUAL[name]
    for key, text in metadata.items():
        if key == "target" or key in OF_KEDA:
            continue
        if key not in _NUMBERS:
            raise Invalid(
                f"scalerMetadata.{key[:100]}", f"means nothing; there are target, {', '.join(_NUMBERS)}"
            )
        field, least, most = _NUMBERS[key]
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not least <= value <= most:
            raise Invalid(
                f"scalerMetadata.{key}", f"is {text[:100]!r}; write a number from {least:g} to {most:g}"
            )
        wanted = replace(wanted, **{field: value})  # type: ignore[arg-type]
    return wanted
