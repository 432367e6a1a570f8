"""Continuous work: looks at the series of every project as they grow, and tells what it finds.

`worker` claims tasks from `store`, which replicas share; `series` (pure) says what is asked for a project, `source` asks it through
query, and `judge` (pure) what is in the answers. What holds against the number of series becomes insights: `draft` (pure) writes
them, after `source` has asked why. Once a day `daily` (pure) looks for what takes longer. `stream` follows errors and security events
before they are committed, and `burst` (pure) judges those. Findings and the state after them are committed together.
"""
