"""Schemas: what the properties of events must look like, in versions that never change.

`servicer` answers SchemaService: it reads requests with `request`, which has `compatibility` judge what a new version promises (by the
`facet`s of its values), asks `store`, and builds the answer with `record`; `infer` proposes a schema from stored events. `document`
says what a JSON Schema may be here and how its parts are found. `check` compiles schemas and holds columns of events against them, for
`services/ingest/judgement.py`; `fault` puts into words what is wrong.
"""
