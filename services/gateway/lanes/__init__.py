"""What SDKs of others send by HTTP: OTLP as OpenTelemetry speaks it, and the calls of Segment.

`gateway` takes a request, lets only good keys in and reads the body by `body`; `otlp` and `segment` make a call of ours of it, which
`source` makes to ingest with the sender's own key, and say in the sender's words what became of it.
"""
