"""What a project wants done to its events on their way: its rules and schemas, compiled.

`store` reads what the database holds of a project, `definition` compiles it, and `source` keeps the definition of every project
that sends, looking every half second whether it has changed. `services/ingest/judgement.py` applies it.
"""
