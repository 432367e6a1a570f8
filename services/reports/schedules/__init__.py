"""When reports are made, and for whom.

`servicer` answers ScheduleService: `request` (pure) reads a schedule, in which `cron` (pure) checks the expression, and `store` keeps
it. `worker` takes on what is due: of the slots that have come, `slots` (pure) says which run, and each becomes a run of
`services/reports/runs` in the transaction that moves the schedule on. Runs that wait for their data are looked at until these are
complete.
"""
