"""OTLP: logs of OpenTelemetry become events, its metrics become points; for whatever has an SDK or a Collector already.

`servicer` receives a request over gRPC, from an exporter or from the gateway, which speaks OTLP by HTTP. `logs` and `metrics`
turn it into rows of ours by `values`, `parts` gathers those to batches, and each batch goes the way of all others, into `intake`.
"""
