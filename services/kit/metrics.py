"""Every Prometheus metric of the suite, declared once. Services import the object and never make one.

The comment above each says what to do when it moves. `docs/metrics.md` must name them all.
"""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A `_created` line beside every counter doubles what is scraped and is read by nobody.
disable_created_metrics()  # type: ignore[no-untyped-call]

_RPC = ("grpc_type", "grpc_service", "grpc_method")

# --- every server: the names that dashboards made for gRPC expect -----------------------------------------------------

# Fewer than usual: look at the clients and the load balancer, not here.
RPC_STARTED = Counter("grpc_server_started", "Calls begun.", _RPC)
# A growing share of other codes than OK: Internal has an incident id in the logs, Unavailable names the server that is
# away, ResourceExhausted asks for more capacity or a larger quota.
RPC_HANDLED = Counter("grpc_server_handled", "Calls ended, by status code.", (*_RPC, "grpc_code"))
# Falls while streams stay open: producers wait; look at the backlog.
RPC_RECEIVED = Counter("grpc_server_msg_received", "Messages received from clients.", _RPC)
# Falls while streams stay open: the consumer reads slowly or nothing is committed.
RPC_SENT = Counter("grpc_server_msg_sent", "Messages sent to clients.", _RPC)
# Rises for all methods: CPU or the database is short. Rises for one: look at its questions.
RPC_SECONDS = Histogram(
    "grpc_server_handling_seconds",
    "Time from the first byte of a call to its end.",
    _RPC,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
# `failed` above 0: calls were refused because the audit log could not be written; look at the database.
AUDIT_ENTRIES = Counter(
    "tidemark_audit_entries", "Audit entries by outcome: written or failed.", ("outcome",)
)

# `failed` rises: the collector of TIDEMARK_TRACING_ENDPOINT is away or refuses; the log says why, and nothing waits for it.
SPANS = Counter(
    "tidemark_spans", "Spans that have left this process, by outcome: exported or failed.", ("outcome",)
)

# Above 0 for longer than moments: callers wait for the database; see `tidemark_pool_connections`.
POOL_WAITING = Gauge(
    "tidemark_pool_waiting", "Who waits for a database connection of this process.", ("pool",)
)
# At `pool_size` all the time, or three of the gate: questions are slow, or the process needs more of them.
POOL_CONNECTIONS = Gauge(
    "tidemark_pool_connections", "Database connections of this process that are in use.", ("pool",)
)
# Within days of now: the certificate has not been renewed, or what is in its files cannot be used; the log says which.
TLS_EXPIRY = Gauge(
    "tidemark_tls_expiry_timestamp_seconds",
    "When the certificate ends that this process shows, in seconds since 1970; 0 without TLS.",
)

# --- ingest: what comes in --------------------------------------------------------------------------------------------

# `rejected` grows faster than usual: a producer sends what validation refuses; its answers say why.
INGEST_ROWS = Counter(
    "tidemark_ingest_rows", "Events and points by outcome: accepted or rejected.", ("kind", "outcome")
)
# `repeated`: producers reconnect and send again; `gap` or `fenced`: a producer lost batches or runs twice.
INGEST_BATCHES = Counter(
    "tidemark_ingest_batches", "Batches by what the log did with them.", ("kind", "outcome")
)
# Rises: the log's disk is slow, or the process lacks CPU.
INGEST_APPEND_SECONDS = Histogram(
    "tidemark_ingest_append_seconds",
    "Time from a batch in hand to its durable entry in the log.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
# Rises without end: the writers are too slow or stopped; add writers or look at the database.
BACKLOG_BYTES = Gauge("tidemark_backlog_bytes", "Bytes in the log that are not committed.")
# Rises with the clock: a partition has no writer, is paused, or its writer is stuck. Stays above seconds: the writers are too slow.
BACKLOG_AGE_SECONDS = Gauge(
    "tidemark_backlog_age_seconds", "For how long the oldest batch has been in the log that is not committed."
)
# Never changes; what the sum of `tidemark_writer_partitions` is compared with.
PARTITIONS = Gauge("tidemark_partitions", "Partitions that the log has.")
# Above 0: the backlog is full and producers are sent away; as above.
REFUSED = Counter("tidemark_ingest_refused", "Batches refused because the backlog was full.")

# --- writer: what is committed ----------------------------------------------------------------------------------------

# `duplicate` grows: producers repeat events under new batches; `dead_lettered`: look at the dead letters' reasons.
WRITER_ROWS = Counter(
    "tidemark_writer_rows", "Events and points by outcome: stored, duplicate, dead_lettered.", ("outcome",)
)
# Rises: the database is the limit; look at its disk, its indexes and its locks.
COMMIT_SECONDS = Histogram(
    "tidemark_writer_commit_seconds",
    "Time that the transaction of one microbatch took.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
# The age of the oldest batch when it became visible; rises with the backlog.
COMMIT_LAG_SECONDS = Histogram(
    "tidemark_writer_lag_seconds",
    "Time from the receipt of a batch to its commit, for the oldest of each microbatch.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
# Over all writers this is the number of partitions; less for longer than a lease: a partition has no writer.
PARTITIONS_HELD = Gauge("tidemark_writer_partitions", "Partitions that this writer owns.")
# Above 0: too much of a partition could not be stored; the log line and `tidemark_writer_rows_total` say what, `ResumePartition` goes on.
PARTITIONS_PAUSED = Gauge(
    "tidemark_writer_paused_partitions", "Partitions of this writer that are paused and not read."
)
# Rises beyond a minute: how far the data are complete is no longer known; a partition is paused, or its commits take too long.
WATERMARK_STUCK_SECONDS = Gauge(
    "tidemark_writer_watermark_stuck_seconds",
    "For how long the watermark of this writer's most belated partition has stood still, beyond what late events explain.",
)
# Rises: the database or Redis is away, and nothing old or erased is removed until it is back; the log lines say which.
RETENTION_FAILURES = Counter(
    "tidemark_retention_failures", "Times that removing old data or people was interrupted and began anew."
)
# Rises for hours: an erasure waits for a partition that is paused or has no writer, or for a mirror that is stopped.
ERASURE_AGE_SECONDS = Gauge(
    "tidemark_erasure_age_seconds",
    "Time since the oldest erasure that is not complete was asked for; 0 for none.",
)
# `fenced`: a writer was frozen or too slow for its lease, or a person is being erased; `unavailable`: PostgreSQL or Redis went away; `poisoned`: entries could
# not be committed together, see the dead letters; `paused`: a partition has paused.
WRITER_RESTARTS = Counter(
    "tidemark_writer_restarts", "Times a writer began anew from the database.", ("reason",)
)
# Above 0: Redis lost entries behind our back; restore it from its newest file, and see the log line for what is lost.
LOG_REGRESSIONS = Counter(
    "tidemark_log_regressions", "Partitions found with a log that ends before what is committed."
)

# --- query: what is asked ---------------------------------------------------------------------------------------------

# `failed` grows: malformed questions, or questions that take too long; the calls' status codes tell which.
QUERY_QUESTIONS = Counter(
    "tidemark_query_questions", "Questions run, by outcome: answered or failed.", ("outcome",)
)
# Rises: questions read raw rows where rollups would serve, or the database is short of CPU.
QUERY_SECONDS = Histogram(
    "tidemark_query_seconds",
    "Time that a question took, waiting for its turn included.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
# Rises without end: clients open watches and forget them.
QUERY_WATCHING = Gauge("tidemark_query_watching", "Open WatchQuery and WatchDashboard streams.")
# Grows faster than commits matter: many different questions are watched.
QUERY_REFRESHES = Counter("tidemark_query_refreshes", "Times a watched question was read anew.")
# `kept` low although the same dashboards are read again and again: the data changes between, or the cache is too small.
QUERY_CACHE = Counter(
    "tidemark_query_cache",
    "Questions by how they were answered: kept, joined to one under way, or computed.",
    ("outcome",),
)
# Stands still while events come in: the target mirror is stopped or fails.
MIRROR_ROWS = Counter("tidemark_mirror_rows", "Events written to segments for the first time.")
# Rises beyond `mirror_seconds`: the mirror is stopped, fails, or waits for writers that are behind. Questions stay right and get slower.
MIRROR_LAG_SECONDS = Gauge(
    "tidemark_mirror_lag_seconds",
    "Time since the most belated project was mirrored last, if anything came since.",
)
# Rises: the database, Redis or the disk is away, or files are missing; the log lines say which.
MIRROR_FAILURES = Counter(
    "tidemark_mirror_failures", "Times the mirror began anew, or a project was mirrored anew."
)
# Events in segments. Far less than events stored: see the lag.
SEGMENT_ROWS = Gauge("tidemark_segment_rows", "Events in segments that questions read.")
# Grows with the events; what was replaced is not counted and goes after `mirror_grace_seconds`.
SEGMENT_BYTES = Gauge("tidemark_segment_bytes", "Bytes of the segments that questions read.")
# `broken`: a file of a segment is missing or damaged, see the log line; the mirror writes it anew. `inexact`: questions that only
# the hypertable answers exactly, which is slower.
SEGMENT_FALLBACKS = Counter(
    "tidemark_segment_fallbacks",
    "Questions that the hypertable answered in place of segments, by why: broken or inexact.",
    ("reason",),
)
# Beyond `replica_seconds`: the replica is away, or replays slower than is written, and the primary answers all questions; see the runbook.
REPLICA_BEHIND_SECONDS = Gauge(
    "tidemark_replica_behind_seconds",
    "How far the replica is behind that questions are answered from; infinite while it cannot be asked.",
)
# `behind` or `away` instead of `replica`: the primary answers what the replica was meant to.
REPLICA_SNAPSHOTS = Counter(
    "tidemark_replica_snapshots",
    "Times a question came to the replica: answered there (replica), or by the primary because it was behind or away.",
    ("outcome",),
)
# At `query_cache_bytes` all the time: answers are thrown away before they are asked for again.
QUERY_CACHE_BYTES = Gauge("tidemark_query_cache_bytes", "Bytes of answers kept.")
# At `query_spine_bytes` while questions about people take long: who and when of each segment is read again and again.
SPINE_BYTES = Gauge("tidemark_query_spine_bytes", "Bytes of users and times of segments kept.")

# --- insights: what people are told -----------------------------------------------------------------------------------

# `failed` grows: rules cannot be looked at, and each says why in its `fault`; query is away, or a question has become too expensive.
ALERT_EVALUATIONS = Counter(
    "tidemark_alert_evaluations",
    "Looks at alert rules, by outcome: done, waiting for data, or failed.",
    ("outcome",),
)
# Rises beyond a minute: insights lacks CPU or replicas, or query is slow.
ALERT_LAG_SECONDS = Gauge(
    "tidemark_alert_lag_seconds", "How long after it was due the last alert rule was looked at."
)
# `retried` grows: a receiver does not take what it is sent; ListNotifications tells which, and what it says. `failed`: a day is over.
NOTIFICATIONS = Counter(
    "tidemark_notifications",
    "Tries to deliver a notification, by outcome: delivered, retried or failed.",
    ("outcome",),
)

# --- insights: what KEDA is told -------------------------------------------------------------------------------------

# Stays above what the trigger allows: there are as many writers as partitions, the database is the limit, or KEDA cannot add any.
SCALER_BACKLOG_SECONDS = Gauge(
    "tidemark_scaler_backlog_seconds", "For how long one writer would work at what waits in the log."
)
# `outlook` far above `present` for hours: what was expected does not come. 0 for hours although events come in: see the forecasts.
SCALER_WRITERS = Gauge(
    "tidemark_scaler_writers",
    "Writers that the load asks for, where the trigger says nothing else: by its backlog, its present rate and its outlook.",
    ("reason",),
)
# `poor`: no better than last week at the same time, so it is not followed. `missing`: too little was received yet. `failed`: query is away.
SCALER_FORECASTS = Counter(
    "tidemark_scaler_forecasts",
    "Forecasts of what comes in, by outcome: good, poor, missing or failed.",
    ("outcome",),
)

# --- insights: models that predict ------------------------------------------------------------------------------------

# `failed` grows: the operations tell why; mostly there is too little to learn from.
MODEL_TRAININGS = Counter(
    "tidemark_model_trainings", "Trainings ended, by outcome: trained, failed or cancelled.", ("outcome",)
)
# Rises: the process lacks CPU, or many people are predicted for at once.
MODEL_PREDICT_SECONDS = Histogram(
    "tidemark_model_predict_seconds",
    "Time that a page of predictions took with its features in hand.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
# `alarming` grows: a model errs more than its test promised, see GetModelHealth; train it anew, or let it train itself.
MODEL_LOOKS = Counter(
    "tidemark_model_looks",
    "Looks at models that serve, by what was found: well, or alarming where one errs more than it should.",
    ("outcome",),
)
# Rises: query is away or slow, and drift and errors of models go unnoticed; the log lines say which.
MODEL_LOOK_FAILURES = Counter("tidemark_model_look_failures", "Times a model could not be looked at.")

# `failed` grows: query is away or too slow, see the log lines. `lost` grows: processes are frozen or starved for longer than a lease.
INSIGHT_LOOKS = Counter(
    "tidemark_insight_looks",
    "Looks at the series of a project, by task and outcome: done, failed or lost.",
    ("task", "outcome"),
)
# Beyond a minute for `minutes`: insights lacks CPU or replicas, or query is slow.
INSIGHT_LAG_SECONDS = Gauge(
    "tidemark_insight_lag_seconds",
    "How long after it was due the last task of each kind was begun.",
    ("task",),
)
# Rises: projects have more series, or query is slow; a look that takes a minute is late for the next one.
INSIGHT_LOOK_SECONDS = Histogram(
    "tidemark_insight_look_seconds",
    "Time that a look at the series of a project took.",
    ("task",),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
# Leaps: something is wrong with much of the data, or a detector is; ListDetectors tells what people say of each.
INSIGHTS_FOUND = Counter("tidemark_insights_found", "Insights told for the first time.", ("detector",))

# --- reports: what people are sent ------------------------------------------------------------------------------------

# `failed` grows: ListRuns tells why; query or insights is away, a definition asks for what is no more, or parts do not agree.
REPORT_RUNS = Counter(
    "tidemark_report_runs",
    "Runs of reports ended, by outcome: done, skipped, failed or cancelled.",
    ("outcome",),
)
# Rises beyond seconds: reports are large, or the process lacks CPU; `reports_running` says how many are made at once.
REPORT_SECONDS = Histogram(
    "tidemark_report_seconds",
    "Time that a run of a report took, from its beginning to its editions.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)

# --- reports: when they are made, and whom they reach ------------------------------------------------------------------

# `left_out` grows: nothing ran at the time of slots, and they are not caught up with; look at the restarts of reports and at the lag.
SCHEDULE_SLOTS = Counter(
    "tidemark_schedule_slots", "Slots of schedules that came, by outcome: run or left_out.", ("outcome",)
)
# Rises beyond a minute: reports lacks CPU, or the database is slow.
SCHEDULE_LAG_SECONDS = Gauge(
    "tidemark_schedule_lag_seconds", "How long after its slot the last schedule was run."
)
# `retried` grows: a receiver does not take what is brought; ListDeliveries tells which, and what it says. `failed`: a day is over.
DELIVERIES = Counter(
    "tidemark_deliveries",
    "Tries to deliver an edition, by outcome: delivered, retried or failed.",
    ("outcome",),
)

# --- gateway: what browsers fetch -------------------------------------------------------------------------------------

# 401, 403 or 429 of `session` grow: somebody tries keys, and the audit log tells with which and from where. 400 of `otlp` or `segment`:
# an SDK sends what cannot be read, and its answers say why; 429 or 503: ingest is full or away. 5xx: the logs tell why.
GATEWAY_REQUESTS = Counter(
    "tidemark_gateway_requests", "HTTP requests, by what was asked for and status.", ("kind", "status")
)

# What alerts ask for is there from the beginning, at 0: a counter that appears with its first fault has not increased.
for _counter, _outcomes in (
    (AUDIT_ENTRIES, ("failed",)),
    (WRITER_RESTARTS, ("fenced", "unavailable", "poisoned")),
    (SEGMENT_FALLBACKS, ("broken",)),
    (NOTIFICATIONS, ("failed",)),
    (MODEL_LOOKS, ("alarming",)),
    (REPORT_RUNS, ("failed",)),
    (SCHEDULE_SLOTS, ("left_out",)),
    (DELIVERIES, ("failed",)),
):
    for _outcome in _outcomes:
        _counter.labels(_outcome)
