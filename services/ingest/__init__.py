"""Takes events and metric points in and stores each exactly once: the targets `ingest` and `writer`.

`servicer` receives a batch and hands it to `intake`, as all doors do. `validate` checks its events and turns them into columns,
`judgement` applies the rules and schemas that `definitions` knows, `entry` makes them one log entry, and `stream` appends it to
the Redis log by the function in `append.lua`; only then is the batch acknowledged.
`writer` runs sessions of `worker`, which owns partitions of the log by the leases of `lease`, reads entries from where the database
says it stands, gathers them to a `microbatch` without what is for `deadletter`, learns the `outcome` from the database, folds that
into `rollup` buckets, keeps the `windows` of its projects and accounts for it in the `ledger`. `store` commits rows, buckets,
results, ledger and position in one transaction; only then is the log trimmed and the commit announced.
"""
