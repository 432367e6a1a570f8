"""Why a series changed, and what to do: `source` reads what a change is made of and what the pipeline knows about it, all through query.

The rest is pure. `field` chooses the properties to look at, `split` makes tables of answers, `shift` finds what stands out of them, and
`contribution` tells it. `account` counts who sent what, `observed` is everything known of the pipeline, `producer` and `loss` judge it,
`facts` tells it and decides whether the numbers have changed or the world has. `recommendation` says what to do about it.
"""
