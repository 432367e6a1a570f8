"""Answers questions about people: funnels, retention, lifecycles, sessions, paths, and who is behind a figure.

`question` validates; `answer` says which events a question takes (`scan`) and makes the answer of them (`result`) with the module
of its kind; `people` makes a page of the people behind a figure. All of it is pure, and none of it is SQL: `timeline` holds what
people did in the order in which they did it, and every question is a few passes over its columns.
"""

from services.query.behaviour.answer import result, scan

__all__ = ["result", "scan"]
