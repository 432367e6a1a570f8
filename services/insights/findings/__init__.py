"""Insights: kept, told, listed, followed and judged by people.

`servicer` answers InsightService: it reads requests with `request` (pure), asks `store`, and builds answers with `record` (pure).
`stream` follows changes, `source` runs a detector over the series of a question, and `indicator` (pure) knows the question of each
kind of indicator. What detectors find becomes an insight in `insight` (pure): `text` says it in words, `severity` how bad it is and
what comes first. `feedback` (pure) is what follows from what people say; `detector` lists what searches.
"""
