"""Alerts: rules that watch series, and the incidents that they and insights open.

`servicer` answers AlertService: `rule` (pure) reads what is asked, `store` keeps it. `worker` looks at every rule when its buckets are
finished: it asks query for them, has `evaluation` (pure) judge them by the rule's `condition` (pure) and walk the states of its
groups (`standing`, pure), and writes what has opened and ended, in the words of `wording` (pure), together with what
`services/insights/notify` is to send. `preview` (pure) shows what the same evaluation makes of the past.
"""
