"""Enrichment rules: what a project wants changed about its events before they are checked and stored.

`program` (pure) makes the list of rules into one thing that is applied to batches: it reads each rule's condition with
`expression`, whose cost `cost` keeps bounded, and its action with `fields`, `casts`, `privacy`, `tables` or `web`, which read and
change the batch through `table`, by paths of `path`; `exact` reads and writes JSON without loss.
Sessions are not told by a batch alone: `stream` asks Redis, by `sessions.lua`.

`servicer` answers RuleService: it reads requests with `request`, asks `store`, tries events with `trial`, and answers with
what `record` makes of a stored version.
"""
