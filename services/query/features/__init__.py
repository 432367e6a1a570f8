"""FeatureService: what people had done up to an instant, as a table to learn from.

`request` validates what is asked; `reading` says which events that takes (`scan`), which `source` reads in bulk and in order. Of them
`points` makes the rows there are, `track` finds the events before each of them, `history` and `outcome` turn these into columns,
and `table` puts the columns together, some rows at a time, which `source` sends on. All but `source` and `servicer` is pure.

Nothing of a point or after it can be in its features, because every feature is computed from a run of rows that ends before it.
"""
