"""Every setting of every target: `TIDEMARK_<FIELD>` in the environment, read once at start and handed down.

Each field has a default that works on one machine, and a docstring that `docs/settings.md` must repeat.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import get_type_hints

from services.kit.errors import BadSetting

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings; construct with `Settings.read(os.environ)`."""

    database_url: str = "postgresql://tidemark@127.0.0.1:55432/tidemark"
    """PostgreSQL with TimescaleDB, as a libpq URL."""
    redis_url: str = "redis://127.0.0.1:56379/0"
    """Redis, as a URL; `rediss://` for TLS. A cluster is `redis+cluster://` or `rediss+cluster://`, and names one of its servers, or several
    with commas between."""
    replica_url: str = ""
    """A streaming replica of PostgreSQL from which the target query answers questions, as a libpq URL; empty for none."""
    replica_seconds: float = 5.0
    """How far that replica may be behind; the primary answers while it is further."""

    host: str = "127.0.0.1"
    """Address that servers listen on. Beyond loopback only with TLS or `insecure_remote`."""
    ingest_port: int = 50051
    """Port of the target ingest."""
    query_port: int = 50052
    """Port of the target query, which also answers AdminService."""
    insights_port: int = 50053
    """Port of the target insights."""
    reports_port: int = 50054
    """Port of the target reports."""
    gateway_port: int = 50055
    """Port of the target gateway: the page and its sessions, and what SDKs of others send by HTTP. Callers come by the edge."""
    otlp_port: int = 4317
    """Port on which the target ingest answers besides its own: the one that exporters of OpenTelemetry expect; 0 for none."""
    ingest_address: str = ""
    """Where the gateway finds the target ingest: host:port, with commas between several; empty for `ingest_port` on this machine."""
    query_address: str = ""
    """Where insights and reports find the target query: host:port, with commas between several; empty for `query_port` on this machine."""
    insights_address: str = ""
    """Where reports finds the target insights: host:port, with commas between several; empty for `insights_port` on this machine."""
    scaler_port: int = 0
    """Port on which the target insights tells KEDA how many pods the load asks for, without a key: let nobody but KEDA reach it. Nothing else
    is answered there; 0 for none."""
    metrics_port: int = 0
    """Port of this process's Prometheus metrics; 0 for the target's own: 9101 ingest, 9102 writer, 9103 query, 9104 gateway, 9105 mirror,
    9106 insights, 9107 reports."""

    health_port: int = 0
    """Port on which the process answers gRPC health checks in the clear, whatever else speaks TLS: for probes, which know no
    certificate. Nothing else is answered there; 0 for none."""

    tls_cert_file: str = ""
    """PEM file of the server's certificate chain; with it every port speaks TLS."""
    tls_key_file: str = ""
    """PEM file of the certificate's private key."""
    tls_client_ca_file: str = ""
    """PEM file of the authority that signs client certificates; with it clients must show one (mTLS)."""
    tls_roots_file: str = ""
    """PEM file of the authorities by which edge, gateway, insights and reports trust servers that speak TLS; empty where those speak none."""
    tls_client_cert_file: str = ""
    """PEM file of the certificate that they show to such servers; only with mTLS."""
    tls_client_key_file: str = ""
    """PEM file of that certificate's private key."""
    insecure_remote: bool = False
    """Allow a listening address beyond loopback without TLS, as behind a mesh that encrypts."""

    edge_secret: str = ""
    """What the edge shows beside the addresses of its callers; those that come without it are not believed. Any long text."""
    edge_secret_before: str = ""
    """The `edge_secret` that was before, while it is being replaced: who shows it is believed as well."""
    edge_url: str = ""
    """Where browsers find the edge, as in https://tidemark.example, and what links to editions of reports begin with; empty for wherever
    browsers say, which misses TLS ended before it."""

    log_level: str = "INFO"
    """Least level of log lines: DEBUG, INFO, WARNING or ERROR."""
    reflection: bool = True
    """Serve gRPC reflection."""
    tracing_endpoint: str = ""
    """Collector that spans go to by OTLP over gRPC, as in http://collector:4317; empty for none. What else an exporter has to know
    it reads from variables of OpenTelemetry, such as OTEL_EXPORTER_OTLP_HEADERS and OTEL_RESOURCE_ATTRIBUTES."""
    tracing_ratio: float = 0.1
    """Share of the traces that begin here which are kept; what comes with a traceparent is as its sender has decided."""
    drain_seconds: float = 10.0
    """How long calls under way may finish after SIGTERM."""
    pool_size: int = 8
    """Database connections of one process."""

    call_seconds: float = 120.0
    """How long a call that is no stream may take when its caller sets no deadline."""
    connection_seconds: float = 3600.0
    """Age at which a client is asked to connect anew, so that load spreads over new servers."""
    max_message_bytes: int = 8 << 20
    """Largest gRPC message taken."""
    max_streams: int = 1000
    """Concurrent calls on one connection."""
    inflight_bytes: int = 64 << 20
    """Bytes of batches that one ingest process holds at once; more are not read from the network."""
    backlog_bytes: int = 256 << 20
    """Bytes that the log may hold uncommitted, over all partitions; beyond, producers are told to wait."""
    slow_seconds: float = 2.0
    """How long a stream is read slowly over a full backlog before it is refused."""

    partitions: int = 8
    """Shards of the log. Fixed when the database is first migrated; later values are ignored."""
    lease_seconds: float = 5.0
    """How long a writer owns a partition without renewing; insights owns a task of continuous work three times as long."""
    microbatch_events: int = 40_000
    """Events and points that a writer commits at most in one transaction, give or take a batch."""
    microbatch_seconds: float = 0.03
    """How long a writer collects at least before it commits; longer when it is behind."""
    accepted_lateness_seconds: float = 86_400.0
    """An event received longer than this after it happened is flagged late; it is stored and counted all the same."""
    dead_letter_ratio: float = 0.5
    """A partition pauses when more than this share of its recent rows cannot be stored; faults of schemas and rules do not count."""
    dead_letter_rows: int = 1_000
    """Recent rows of a partition that this share is taken of at least."""

    retention_seconds: float = 300.0
    """How often old data is looked for, which projects do not keep."""

    query_seconds: float = 30.0
    """How long a question may take."""
    query_concurrency: int = 6
    """Questions of one project answered at once by one process; more wait for their turn."""
    query_queue: int = 64
    """Questions of one project that may wait; more are refused."""
    query_watches: int = 1000
    """Different questions of one project that one process keeps answered for watches; more are refused."""
    query_cache_bytes: int = 64 << 20
    """Bytes of answers that one process keeps, for whoever asks the same of the same data; 0 keeps none."""
    query_scans: int = 2
    """Bulk readings of rows that one process does at once; more wait."""
    query_scan_bytes: int = 256 << 20
    """Bytes of memory that DuckDB may take in one process; what needs more is spilt to disk."""
    query_spine_bytes: int = 128 << 20
    """Bytes of users and times of segments that one process keeps, eight for each event, for questions about people; 0 keeps none."""

    segments_folder: str = ""
    """Folder of the columnar segments, which the target mirror writes and the target query reads; empty for none."""
    mirror_rows: int = 100_000
    """So many new rows of a project are worth a segment at once; fewer wait for `mirror_seconds`."""
    mirror_seconds: float = 60.0
    """How long new rows wait at most until they are in a segment."""
    mirror_grace_seconds: float = 600.0
    """How long a file is kept in whose place others have come; longer than any question takes."""
    export_seconds: float = 3600.0
    """How long an export, or a table of features, may take."""
    export_concurrency: int = 2
    """Exports of one project made at once by one process; more are refused. As many tables of features, of which `query_queue` more wait."""

    outbound_private: bool = False
    """Let webhooks and deliveries go to addresses that only a local network knows: private, loopback, shared."""
    outbound_http: bool = False
    """Let webhooks and deliveries go without TLS."""
    outbound_roots_file: str = ""
    """PEM file of authorities by which receivers of webhooks and deliveries and the mail server are trusted, besides the public ones."""
    webhook_key: str = ""
    """From which, and from what the database holds, the secrets that sign webhooks are made, and by which those of stores and chats are
    sealed: whoever reads the database alone signs nothing and reads none. Where it changes, webhooks have other secrets, and destinations
    that hold one have to be made anew."""
    webhook_key_before: str = ""
    """The `webhook_key` that was before, while it is being replaced: what it has sealed still opens, and webhooks are signed with both."""
    backup_key: str = ""
    """With what `python -m deploy.backup` seals backups and opens them, any long text; empty leaves them in the open."""
    smtp_host: str = ""
    """Server that takes mail; empty for none."""
    smtp_port: int = 587
    """Its port."""
    smtp_user: str = ""
    """Who signs in there; empty for nobody."""
    smtp_password: str = ""
    """With what password."""
    smtp_from: str = "tidemark@localhost"
    """Whom mail is from."""
    smtp_tls: str = "starttls"
    """How the connection is encrypted: starttls, tls from its beginning, or none."""

    model_seconds: float = 60.0
    """How often it is looked how well a model does and whether its world has changed."""

    insights_series: int = 200
    """Series of one project that are watched, for each width of bucket: minutes, hours and days."""
    insights_false_discovery_rate: float = 0.1
    """Share of the insights of a day that may be false."""
    insights_followers: int = 20
    """Projects whose errors and security events one process follows at the same time; more have turns."""

    insights_kept_days: int = 400
    """How long insights that have expired and incidents that have ended are kept."""

    scaler_forecast_seconds: float = 1800.0
    """How often it is forecast what comes in, where `scaler_port` is set; what is half as much older counts no more."""

    reports_running: int = 2
    """Runs of reports that one process makes at once; more wait. 0 leaves them to other processes."""
    report_seconds: float = 600.0
    """How long a run may take until it fails."""
    reports_kept_days: int = 400
    """How long editions of reports are kept."""
    report_fonts_folder: str = ""
    """Folder with the TrueType fonts that PDFs are set in; empty for where Debian's packages put them. What they lack is said."""
    delivery_folder: str = ""
    """Folder below which reports may be delivered to folders; it has to be there. Empty for none."""

    web_folder: str = "web/dist"
    """The built page, which the gateway serves."""
    session_seconds: int = 43_200
    """How long somebody stays signed in to the page at most."""
    session_idle_seconds: int = 3600
    """How long somebody stays signed in who has no page open."""
    sign_in_attempts: int = 10
    """Failed attempts to sign in that one address may make in a minute."""

    @property
    def edge_secrets(self) -> tuple[str, str]:
        """By which the edge is known: its secret, and the one before while it is being replaced."""
        return self.edge_secret, self.edge_secret_before

    @property
    def webhook_keys(self) -> tuple[str, ...]:
        """By which secrets are made and sealed: the key, and the one before while it is being replaced."""
        return self.webhook_key, *([self.webhook_key_before] if self.webhook_key_before else [])

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Settings out of `TIDEMARK_*` variables; raises `BadSetting` naming the variable, the value and the remedy."""
        types = get_type_hints(cls)
        values: dict[str, object] = {}
        for field in fields(cls):
            variable = f"TIDEMARK_{field.name.upper()}"
            if variable in environment:
                values[field.name] = _parse(variable, environment[variable], types[field.name])
        return cls(**values)  # type: ignore[arg-type]


def misspelt(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that no part of Tidemark reads and that looks like a setting."""
    known = [f"TIDEMARK_{field.name.upper()}" for field in fields(Settings)]
    unknown = [name for name in environment if name.startswith("TIDEMARK_") and name not in known]
    return [
        f"{name} is no setting and is ignored; did you mean {close[0]}?"
        for name in unknown
        if not _ELSEWHERE.fullmatch(name) and (close := get_close_matches(name, known, 1, 0.85))
    ]


def _parse(variable: str, text: str, kind: type) -> object:
    if kind is bool:
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise BadSetting(f"{variable} is {text!r}; write true or false")
    try:
        return kind(text)
    except ValueError as error:
        raise BadSetting(f"{variable} is {text!r}; write {_FORMS[kind]}") from error


# What the SDK, the local stack, tests and benchmarks read, and what Kubernetes sets for a service called tidemark.
_ELSEWHERE = re.compile(
    "TIDEMARK_(PROJECT|CACHE|PYTHON|PASSWORD|(.+_)?KEY|.+_ADDRESS|(POSTGRES|REDIS|EDGE)_PORT|EDGE_(FOLDER|PAUSE_SECONDS)"
    "|(TEST|CHAOS|BENCH|SOAK|SERVICE|PORT)_.+|.+_SERVICE_(HOST|PORT)|.+_TCP(_.+)?)"
)
_FORMS = {int: "a whole number", float: "a number", str: "a text"}
