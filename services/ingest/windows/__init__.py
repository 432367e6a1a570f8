"""Windows: aggregates over spans of event time, kept in the transaction of the rows that they count.

`servicer` answers WindowService: `request` (pure) reads what is asked, `store` keeps definitions and reads results. Of every
commit `writer` gives the rows that were stored to `fold` (pure), which with `column` and `session` (pure) makes of them what each
window gains, and puts that on top of what the database holds; a `result` (pure) is what is kept of one window. After a person was
erased, `store.recount` has it all counted again from the rows that are left.
"""
