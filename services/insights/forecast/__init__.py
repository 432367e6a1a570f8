"""Says how series go on, with an error measured on their own past.

`servicer` reads the question by `request` and has query answer it; `past` makes of each series what can be learnt from, or says what
is missing; `season` finds which seasons the data have. `pool` forecasts: it has every method (`simple`, `smoothing`, `linear`, `boosted`)
forecast from instants of the past, chooses by the errors, and puts a band around what it chose (`interval`). `answer` makes
messages of it. All but the servicer is pure.
"""
