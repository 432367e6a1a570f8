"""Building: an `Asked` comes in, a `Document` goes out to `formats`.

`worker.py` goes through the sections. What it asks comes from `span.py` (the time) and `narrow.py` (the filters); `source.py` asks it,
everything of one state of the data. Answers become blocks: `question.py` picks the module for a kind (`series.py`, `funnel.py`, …),
`figures.py`, `insights.py`, `forecast.py` and `health.py` make the other sections. `text.py` comes last, for texts tell of figures.
`sheet.py` makes tables of columns, `titles.py` the words for measures.
"""
