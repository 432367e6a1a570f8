"""What reports are made of: definitions in versions, and templates that make their sections.

`servicer.py` answers ReportService. A template's source goes through the sandbox, its text is YAML (`notation.py`) and becomes sections
(`expansion.py`) with what was chosen for its parameters (`parameter.py`). `validate.py` and `text.py` find whatever is wrong with a
report by itself, `source.py` what query finds wrong with its questions. `store.py` keeps every version; templates that come with
Tidemark are files in `templates`. `preview.py` builds a report as it would be now. Editions are made elsewhere, by `editions`.
"""
