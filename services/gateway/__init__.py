"""Target `gateway`: the built page, sessions in exchange for keys, and what SDKs of others send by HTTP. Callers come by the edge.

`gateway` speaks HTTP, `source` reads the page's files, `store` counts attempts and records sign-ins; what they decide by is in
`page` and `answer`. `lanes` takes OTLP and the calls of Segment to ingest.
"""
