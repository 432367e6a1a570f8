"""Charts as shapes: what `pdf` writes as vectors and `html` as SVG, so that both show the same.

`axis` finds ticks, `plot` draws series over time or few categories, `bars` bars that lie and funnels, `heat` matrices, `spark` the
small line of a figure; all give `shape`s in colours named by `palette`. `formats/chart.py` chooses among them.
"""
