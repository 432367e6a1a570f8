"""Finds what is unusual in series, and says how sure that is.

Arrays come in, a `Finding` goes out: `anomaly` judges values as they come, `forest` those of a whole series, `trend` finds lasting
changes, `correlation` series that move together, `impact` what came after an instant beside what a forecast from before expected.
`discovery` holds the share of false findings over all that was looked at, `confidence` makes a probability of what is left.
"""
