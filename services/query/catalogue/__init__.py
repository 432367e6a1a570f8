"""What events a project has, how good they are, and who sends them.

`servicer` answers PipelineService: it reads what is asked with `request` (pure), rows with `store` in one snapshot, and builds the
answers with `quality` and `producer` (pure). Where an event comes from is told by `services/query/lineage`.
"""
