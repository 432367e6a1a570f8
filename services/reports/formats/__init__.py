"""The forms of a report: one `Document` comes in, files go out.

`form.py` is the table of them. `pdf` and `html` are for people (`typeset`, `paper`, `drawing` and `svg` set them), `xlsx` for their
programs (`book`), `csv` and `json` for programs alone. `check` reads every file back (`readback`) and compares it with what is proven.
"""
