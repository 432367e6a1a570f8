"""Cohorts: people of a project that questions may be limited to, listed one by one or found by a rule.

`servicer` answers CohortService: it reads names and fields with `request` (pure), asks `store`, and builds the answer with
`record` (pure). `source` finds the people of the cohorts that a question names, before the question is read; `rule` (pure) says
which events a rule takes, and who they make a member.
"""
