"""Two projects side by side, full of the same things, for tests that nobody gets from one to the other.

`requests` has a request in good order for every RPC of the contract; `staged` serves everything, and gives keys of every kind.
"""

import hashlib
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

import grpc.aio
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from psycopg import sql

from services.admin.service import admin
from services.ingest.service import ingest, writer
from services.insights.service import insights
from services.kit.service import Resources, Service
from services.query.service import query
from services.reports.service import reports
from tests.conftest import Served, Suite
from tests.contract import rpcs
from tests.ingesting import event, event_batch, point, point_batch
from tests.integration.answering import revoke
from tests.integration.test_identity import add_key, add_project, bearer
from tidemark import questions
from tidemark.v1 import (
    admin_pb2,
    alert_pb2,
    cohort_pb2,
    dashboard_pb2,
    delivery_pb2,
    edition_pb2,
    feature_pb2,
    forecast_pb2,
    ingest_pb2,
    insight_pb2,
    letter_pb2,
    model_pb2,
    operation_pb2,
    pipeline_pb2,
    query_pb2,
    question_pb2,
    report_pb2,
    retention_pb2,
    rule_pb2,
    schedule_pb2,
    schema_pb2,
    window_pb2,
)
from tidemark.v1.admin_pb2 import ROLE_ADMIN, ROLE_ANALYST, ROLE_INGEST, ROLE_VIEWER

IDS = {
    "DeleteAlertRule": "quiet",
    "DeleteChannel": "hook",
    "DeleteModel": "leaving",
    "DeleteReport": "weekly",
    "DeleteReportTemplate": "page",
    "DeleteSchedule": "daily",
    "DeleteDestination": "hook",
}
"""What is made again under the same name, by what deletes it."""
OURS, THEIRS, NOWHERE = "projects/ours", "projects/theirs", "projects/nowhere"
HIDDEN = "hidden-from-others"
"""Stands in all that `theirs` holds, and in no name of a resource."""
ROLES = {"ingest": ROLE_INGEST, "viewer": ROLE_VIEWER, "analyst": ROLE_ANALYST, "admin": ROLE_ADMIN}
COMMITTED = ingest_pb2.ACK_MODE_COMMITTED
SPAN: questions.When = {"start": "2025-12-31", "end": "2026-01-02"}
RANGE = questions.time_range(start="2025-12-31", end="2026-01-02")
Metadata = tuple[tuple[str, str], ...]
RPCS = {rpc.name: rpc for rpc in rpcs()}
_ERASED = """
INSERT INTO erasures (erasure_id, project_id, user_sha256, state, requested_by, notes, waits_for, completed_at)
SELECT 'done-' || slug, project_id, '', 3, %s, ARRAY[%s], '{}', now() FROM projects WHERE slug = %s
"""
_FOUND = """
INSERT INTO insights (project_id, insight_id, series, detector, type, direction, severity, priority, state, cause, search, head, evidence,
                      created_at, ended_at, expires_at, change)
SELECT project_id, 'found', 'volume', 'trend', 2, 1, 1, 1, 1, 1, %s, %s, '', now(), now(), now() + interval '7 days', 1
FROM projects WHERE slug = %s
"""
_CHANGED = "INSERT INTO insight_changes (project_id, last) SELECT project_id, 1 FROM projects WHERE slug = %s"
_OPENED = """
INSERT INTO incidents (incident_id, project_id, title, description, severity, start_at, value, latest_value, expected)
SELECT 'of-' || slug, project_id, %s, %s, 3, now(), 1, 1, 0 FROM projects WHERE slug = %s
"""
_WORKED = """
INSERT INTO operations (operation_id, project_id, verb, target, request, ended_at)
SELECT 'train-' || slug, project_id, 'train', %s, '', now() FROM projects WHERE slug = %s
"""
_MADE = """
WITH run AS (
    INSERT INTO runs (run_id, project_id, report_id, report_version, state, reason, formats, recipients, skip_empty, ended_at)
    SELECT 'run-' || slug, project_id, 'weekly', 1, 6, %(text)s, '{4}', '{}', false, now() FROM projects WHERE slug = %(slug)s
    RETURNING run_number, project_id
), edition AS (
    INSERT INTO editions (edition_id, project_id, report_id, run_number, display_name, manifest, sections, asked_at, expires_at)
    SELECT 'edition-' || %(slug)s, project_id, 'weekly', run_number, %(text)s, '', '', now(), now() + interval '1 day' FROM run
    RETURNING edition_number, project_id
), file AS (
    INSERT INTO edition_files (edition_number, format, file_name, content_type)
    SELECT edition_number, 4, 'weekly.json', 'application/json' FROM edition RETURNING edition_number, format
), chunk AS (
    INSERT INTO edition_chunks (edition_number, format, place, content)
    SELECT edition_number, format, 0, convert_to(%(text)s, 'UTF8') FROM file
), link AS (
    INSERT INTO edition_links (sha256, edition_number, format, expires_at)
    SELECT %(sha256)s, edition_number, format, now() + interval '1 day' FROM file
)
INSERT INTO deliveries (delivery_id, project_id, edition_number, destination_id, formats, state, outcome)
SELECT 'delivery-' || %(slug)s, project_id, edition_number, 'hook', '{}', 2, %(text)s FROM edition
"""


_ANEW = {
    "RetryRun": "UPDATE runs SET state = 6, ended_at = now() WHERE run_id = 'run-' || %(slug)s",
    "ReplayDelivery": "UPDATE deliveries SET state = 2, next_at = NULL WHERE delivery_id = 'delivery-' || %(slug)s",
    "RevokeEditionLinks": """
        INSERT INTO edition_links (sha256, edition_number, format, expires_at)
        SELECT %(sha256)s, edition_number, 4, now() + interval '1 day' FROM editions WHERE edition_id = 'edition-' || %(slug)s
    """,
}


def requests(project: str, key_id: str, text: str = "x") -> dict[str, Message]:
    """A request in good order for every RPC, about a project and what `furnish` makes in it; what is stored says `text`."""
    counted = questions.series(**SPAN)
    cohort = cohort_pb2.Cohort(
        name=f"{project}/cohorts/vip", display_name=text, people=cohort_pb2.CohortPeople(user_ids=[text])
    )
    tile = dashboard_pb2.Tile(id="one", title=text, query=counted)
    board = dashboard_pb2.Dashboard(name=f"{project}/dashboards/board", display_name=text, tiles=[tile])
    key = admin_pb2.Key(role=ROLE_VIEWER, display_name=text)
    planned = schema_pb2.Schema(name=f"{project}/schemas/planned", document="{}", description=text)
    described = rule_pb2.Rule(
        rule_id="one", description=text, drop=rule_pb2.DropField(field="properties.secret")
    )
    rules = rule_pb2.Rules(name=f"{project}/rules", rules=[described])
    visits = window_pb2.Window(
        display_name=text, aggregates=[window_pb2.WindowAggregate(id="n", aggregation=1)]
    )  # type: ignore[arg-type]
    visits.tumbling.size.seconds = 60
    batch = event_batch(event(1, name=text, user_id=text), sequence=0)
    points = point_batch(point(name=text), sequence=0, name="points")
    hourly = question_pb2.SeriesQuestion(
        measures=[question_pb2.Measure(aggregation=1)],  # type: ignore[arg-type]
        interval=question_pb2.Interval(unit=3),  # type: ignore[arg-type]
    )
    alarm = alert_pb2.AlertRule(
        name=f"{project}/alertRules/quiet",
        display_name=text,
        series=hourly,
        absence=alert_pb2.AbsenceCondition(),
    )
    hook = alert_pb2.Channel(
        display_name=text, webhook=alert_pb2.WebhookTarget(url="https://hooks.example/tidemark")
    )
    indicator = insight_pb2.Indicator(display_name=text, kind=4)  # type: ignore[arg-type]
    churn = model_pb2.Model(display_name=text, churn=model_pb2.ChurnTarget(window={"seconds": 86_400}))
    cuts = feature_pb2.CutPoints()
    cuts.cuts.add().FromDatetime(datetime(2026, 1, 2, tzinfo=UTC))
    trends = insight_pb2.Detector(trend=insight_pb2.TrendDetector())
    json_file, words = report_pb2.REPORT_FORMAT_JSON, report_pb2.TextSection(text=text)
    weekly = report_pb2.Report(
        name=f"{project}/reports/weekly",
        display_name=text,
        sections=[report_pb2.Section(id="one", title=text, text=words)],
    )
    page = report_pb2.ReportTemplate(
        name=f"{project}/reportTemplates/page",
        display_name=text,
        source=f"- {{id: one, text: {{text: {text}}}}}",
    )
    daily = schedule_pb2.Schedule(display_name=text, cron="0 7 * * *")
    place = delivery_pb2.Destination(display_name=text, webhook=hook.webhook)
    span, fresh, mode = RANGE, uuid.uuid4().hex[:12], COMMITTED
    slug = project.rpartition("/")[2]
    return {
        "Publish": ingest_pb2.PublishRequest(project=project, batch=batch, ack_mode=mode),
        "PublishBatch": ingest_pb2.PublishBatchRequest(project=project, batch=batch, ack_mode=mode),
        "RecordMetrics": ingest_pb2.RecordMetricsRequest(project=project, batch=points, ack_mode=mode),
        "RecordMetricsBatch": ingest_pb2.RecordMetricsBatchRequest(
            project=project, batch=points, ack_mode=mode
        ),
        "ValidateEvents": ingest_pb2.ValidateEventsRequest(project=project, events=batch.events),
        "WatchCritical": query_pb2.WatchCriticalRequest(project=project),
        "RunQuery": query_pb2.RunQueryRequest(project=project, query=questions.events(**SPAN)),
        "WatchQuery": query_pb2.WatchQueryRequest(project=project, query=questions.events(**SPAN)),
        "ExplainQuery": query_pb2.ExplainQueryRequest(project=project, query=counted, analyze=True),
        "Export": query_pb2.ExportRequest(project=project, query=questions.events(**SPAN), format=3),  # type: ignore[arg-type]
        "Suggest": query_pb2.SuggestRequest(project=project, kind=1),  # type: ignore[arg-type]
        "GetLedger": query_pb2.GetLedgerRequest(project=project, time_range=questions.time_range("1h")),
        "GetPlatformAnalytics": query_pb2.GetPlatformAnalyticsRequest(project=project),
        "CreateSchema": schema_pb2.CreateSchemaRequest(
            parent=project, schema_id=f"s{fresh}", schema=schema_pb2.Schema(event_name=fresh, document="{}")
        ),
        "GetSchema": schema_pb2.GetSchemaRequest(name=planned.name),
        "ListSchemas": schema_pb2.ListSchemasRequest(parent=project),
        "ListSchemaVersions": schema_pb2.ListSchemaVersionsRequest(name=planned.name),
        "UpdateSchema": schema_pb2.UpdateSchemaRequest(schema=planned),
        "DeleteSchema": schema_pb2.DeleteSchemaRequest(name=planned.name),
        "InferSchema": schema_pb2.InferSchemaRequest(parent=project, event_name=text, time_range=span),
        "GetLineage": pipeline_pb2.GetLineageRequest(project=project, event_id=event(1).event_id),
        "ListEventQuality": pipeline_pb2.ListEventQualityRequest(project=project, time_range=span),
        "GetEventQuality": pipeline_pb2.GetEventQualityRequest(
            project=project, event_name=text, time_range=span
        ),
        "ListProducers": pipeline_pb2.ListProducersRequest(project=project),
        "ListDeadLetters": letter_pb2.ListDeadLettersRequest(parent=project),
        "ListDeadLetterClusters": letter_pb2.ListDeadLetterClustersRequest(
            parent=project, selection={"names": [f"{project}/deadLetters/1"]}
        ),
        "RepairDeadLetters": letter_pb2.RepairDeadLettersRequest(parent=project),
        "DiscardDeadLetters": letter_pb2.DiscardDeadLettersRequest(
            parent=project, selection={"reason": letter_pb2.DEAD_LETTER_REASON_UNSTORABLE}
        ),
        "Diagnose": admin_pb2.DiagnoseRequest(),
        "ResumePartition": letter_pb2.ResumePartitionRequest(partition=0),
        "CreateWindow": window_pb2.CreateWindowRequest(parent=project, window_id=f"w{fresh}", window=visits),
        "GetWindow": window_pb2.GetWindowRequest(name=f"{project}/windows/visits"),
        "ListWindows": window_pb2.ListWindowsRequest(parent=project),
        "DeleteWindow": window_pb2.DeleteWindowRequest(name=f"{project}/windows/visits"),
        "ListWindowResults": window_pb2.ListWindowResultsRequest(
            name=f"{project}/windows/visits", time_range=span
        ),
        "GetRules": rule_pb2.GetRulesRequest(name=f"{project}/rules"),
        "ListRulesVersions": rule_pb2.ListRulesVersionsRequest(name=f"{project}/rules"),
        "UpdateRules": rule_pb2.UpdateRulesRequest(rules=rules),
        "TryRules": rule_pb2.TryRulesRequest(
            name=f"{project}/rules", rules=rule_pb2.Rules(rules=rules.rules)
        ),
        "GetRetention": retention_pb2.GetRetentionRequest(name=f"{project}/retention"),
        "UpdateRetention": retention_pb2.UpdateRetentionRequest(
            retention=retention_pb2.Retention(name=f"{project}/retention")
        ),
        "EraseUser": retention_pb2.EraseUserRequest(parent=project, user_id="nobody"),
        "GetErasure": retention_pb2.GetErasureRequest(name=f"{project}/erasures/done-{slug}"),
        "ListErasures": retention_pb2.ListErasuresRequest(parent=project),
        "CreateCohort": cohort_pb2.CreateCohortRequest(
            parent=project, cohort_id=f"c{fresh}", cohort=cohort_pb2.Cohort(people=cohort.people)
        ),
        "GetCohort": cohort_pb2.GetCohortRequest(name=cohort.name),
        "ListCohorts": cohort_pb2.ListCohortsRequest(parent=project),
        "UpdateCohort": cohort_pb2.UpdateCohortRequest(cohort=cohort),
        "DeleteCohort": cohort_pb2.DeleteCohortRequest(name=cohort.name),
        "CreateDashboard": dashboard_pb2.CreateDashboardRequest(
            parent=project, dashboard_id=f"d{fresh}", dashboard=dashboard_pb2.Dashboard(tiles=[tile])
        ),
        "GetDashboard": dashboard_pb2.GetDashboardRequest(name=board.name),
        "ListDashboards": dashboard_pb2.ListDashboardsRequest(parent=project),
        "UpdateDashboard": dashboard_pb2.UpdateDashboardRequest(dashboard=board),
        "DeleteDashboard": dashboard_pb2.DeleteDashboardRequest(name=board.name),
        "CloneDashboard": dashboard_pb2.CloneDashboardRequest(name=board.name, dashboard_id=f"e{fresh}"),
        "WatchDashboard": dashboard_pb2.WatchDashboardRequest(
            project=project, name=board.name, time_range=span
        ),
        "ReadFeatures": feature_pb2.ReadFeaturesRequest(
            project=project, spec=feature_pb2.FeatureSpec(cuts=cuts)
        ),
        "GetInsight": insight_pb2.GetInsightRequest(name=f"{project}/insights/found"),
        "ListInsights": insight_pb2.ListInsightsRequest(parent=project),
        "WatchInsights": insight_pb2.WatchInsightsRequest(parent=project),
        "AcknowledgeInsight": insight_pb2.AcknowledgeInsightRequest(name=f"{project}/insights/found"),
        "GiveFeedback": insight_pb2.GiveFeedbackRequest(name=f"{project}/insights/found", feedback=1),  # type: ignore[arg-type]
        "ExplainChange": insight_pb2.ExplainChangeRequest(
            project=project,
            measure=question_pb2.Measure(aggregation=1),
            after=span,  # type: ignore[arg-type]
        ),
        "RunDetector": insight_pb2.RunDetectorRequest(project=project, query=counted, detector=trends),
        "ListDetectors": insight_pb2.ListDetectorsRequest(parent=project),
        "ListBaselines": insight_pb2.ListBaselinesRequest(parent=project),
        "CreateIndicator": insight_pb2.CreateIndicatorRequest(
            parent=project, indicator_id=f"i{fresh}", indicator=indicator
        ),
        "ListIndicators": insight_pb2.ListIndicatorsRequest(parent=project),
        "DeleteIndicator": insight_pb2.DeleteIndicatorRequest(name=f"{project}/indicators/orders"),
        "CreateAlertRule": alert_pb2.CreateAlertRuleRequest(
            parent=project,
            alert_rule_id=f"a{fresh}",
            alert_rule=alert_pb2.AlertRule(series=hourly, absence=alarm.absence),
        ),
        "GetAlertRule": alert_pb2.GetAlertRuleRequest(name=alarm.name),
        "ListAlertRules": alert_pb2.ListAlertRulesRequest(parent=project),
        "UpdateAlertRule": alert_pb2.UpdateAlertRuleRequest(alert_rule=alarm),
        "DeleteAlertRule": alert_pb2.DeleteAlertRuleRequest(name=alarm.name),
        "PreviewAlertRule": alert_pb2.PreviewAlertRuleRequest(
            parent=project,
            alert_rule=alert_pb2.AlertRule(series=hourly, absence=alarm.absence),
            time_range=span,
        ),
        "GetIncident": alert_pb2.GetIncidentRequest(name=f"{project}/incidents/of-{slug}"),
        "ListIncidents": alert_pb2.ListIncidentsRequest(parent=project),
        "AcknowledgeIncident": alert_pb2.AcknowledgeIncidentRequest(name=f"{project}/incidents/of-{slug}"),
        "ResolveIncident": alert_pb2.ResolveIncidentRequest(name=f"{project}/incidents/of-{slug}"),
        "CreateChannel": alert_pb2.CreateChannelRequest(parent=project, channel_id=f"h{fresh}", channel=hook),
        "ListChannels": alert_pb2.ListChannelsRequest(parent=project),
        "DeleteChannel": alert_pb2.DeleteChannelRequest(name=f"{project}/channels/hook"),
        "TestChannel": alert_pb2.TestChannelRequest(name=f"{project}/channels/hook"),
        "ListNotifications": alert_pb2.ListNotificationsRequest(parent=project),
        "Forecast": forecast_pb2.ForecastRequest(project=project, query=counted),
        "Backtest": forecast_pb2.BacktestRequest(project=project, query=counted),
        "CreateModel": model_pb2.CreateModelRequest(parent=project, model_id=f"m{fresh}", model=churn),
        "GetModel": model_pb2.GetModelRequest(name=f"{project}/models/leaving"),
        "ListModels": model_pb2.ListModelsRequest(parent=project),
        "DeleteModel": model_pb2.DeleteModelRequest(name=f"{project}/models/leaving"),
        "TrainModel": model_pb2.TrainModelRequest(name=f"{project}/models/leaving"),
        "GetModelVersion": model_pb2.GetModelVersionRequest(name=f"{project}/models/leaving/versions/1"),
        "ListModelVersions": model_pb2.ListModelVersionsRequest(parent=f"{project}/models/leaving"),
        "PromoteModelVersion": model_pb2.PromoteModelVersionRequest(
            name=f"{project}/models/leaving/versions/1"
        ),
        "GetPredictiveInsights": model_pb2.GetPredictiveInsightsRequest(name=f"{project}/models/leaving"),
        "GetModelHealth": model_pb2.GetModelHealthRequest(name=f"{project}/models/leaving"),
        "CreateReport": report_pb2.CreateReportRequest(
            parent=project,
            report_id=f"r{fresh}",
            report=report_pb2.Report(display_name=text, sections=weekly.sections),
        ),
        "GetReport": report_pb2.GetReportRequest(name=weekly.name),
        "ListReports": report_pb2.ListReportsRequest(parent=project),
        "UpdateReport": report_pb2.UpdateReportRequest(report=weekly),
        "DeleteReport": report_pb2.DeleteReportRequest(name=weekly.name),
        "CloneReport": report_pb2.CloneReportRequest(name=weekly.name, report_id=f"k{fresh}"),
        "ValidateReport": report_pb2.ValidateReportRequest(
            parent=project, report=report_pb2.Report(display_name=text, sections=weekly.sections)
        ),
        "PreviewReport": report_pb2.PreviewReportRequest(parent=project, name=weekly.name),
        "CreateReportTemplate": report_pb2.CreateReportTemplateRequest(
            parent=project,
            report_template_id=f"t{fresh}",
            report_template=report_pb2.ReportTemplate(display_name=text, source=page.source),
        ),
        "GetReportTemplate": report_pb2.GetReportTemplateRequest(name=page.name),
        "ListReportTemplates": report_pb2.ListReportTemplatesRequest(parent=project),
        "UpdateReportTemplate": report_pb2.UpdateReportTemplateRequest(report_template=page),
        "DeleteReportTemplate": report_pb2.DeleteReportTemplateRequest(name=page.name),
        "ExpandReportTemplate": report_pb2.ExpandReportTemplateRequest(name=page.name),
        "RunReport": edition_pb2.RunReportRequest(name=weekly.name, formats=[json_file]),
        "RerunEdition": edition_pb2.RerunEditionRequest(name=f"{weekly.name}/editions/edition-{slug}"),
        "GetRun": edition_pb2.GetRunRequest(name=f"{weekly.name}/runs/run-{slug}"),
        "ListRuns": edition_pb2.ListRunsRequest(parent=weekly.name),
        "RetryRun": edition_pb2.RetryRunRequest(name=f"{weekly.name}/runs/run-{slug}"),
        "GetEdition": edition_pb2.GetEditionRequest(name=f"{weekly.name}/editions/edition-{slug}"),
        "ListEditions": edition_pb2.ListEditionsRequest(parent=weekly.name),
        "DownloadEdition": edition_pb2.DownloadEditionRequest(
            name=f"{weekly.name}/editions/edition-{slug}", format=json_file
        ),
        "CreateEditionLink": edition_pb2.CreateEditionLinkRequest(
            name=f"{weekly.name}/editions/edition-{slug}", format=json_file
        ),
        "RevokeEditionLinks": edition_pb2.RevokeEditionLinksRequest(
            name=f"{weekly.name}/editions/edition-{slug}"
        ),
        "OpenEditionLink": edition_pb2.OpenEditionLinkRequest(token=token_of(project)),
        "CreateSchedule": schedule_pb2.CreateScheduleRequest(
            parent=weekly.name, schedule_id=f"s{fresh}", schedule=daily
        ),
        "GetSchedule": schedule_pb2.GetScheduleRequest(name=f"{weekly.name}/schedules/daily"),
        "ListSchedules": schedule_pb2.ListSchedulesRequest(parent=weekly.name),
        "UpdateSchedule": schedule_pb2.UpdateScheduleRequest(
            schedule=schedule_pb2.Schedule(name=f"{weekly.name}/schedules/daily", cron=daily.cron)
        ),
        "DeleteSchedule": schedule_pb2.DeleteScheduleRequest(name=f"{weekly.name}/schedules/daily"),
        "PreviewSchedule": schedule_pb2.PreviewScheduleRequest(parent=project, cron=daily.cron),
        "CreateDestination": delivery_pb2.CreateDestinationRequest(
            parent=project, destination_id=f"d{fresh}", destination=place
        ),
        "ListDestinations": delivery_pb2.ListDestinationsRequest(parent=project),
        "DeleteDestination": delivery_pb2.DeleteDestinationRequest(name=f"{project}/destinations/hook"),
        "TestDestination": delivery_pb2.TestDestinationRequest(name=f"{project}/destinations/hook"),
        "ListDeliveries": delivery_pb2.ListDeliveriesRequest(parent=project),
        "ReplayDelivery": delivery_pb2.ReplayDeliveryRequest(name=f"{project}/deliveries/delivery-{slug}"),
        "GetOperation": operation_pb2.GetOperationRequest(name=f"{project}/operations/train-{slug}"),
        "ListOperations": operation_pb2.ListOperationsRequest(parent=project),
        "CancelOperation": operation_pb2.CancelOperationRequest(name=f"{project}/operations/train-{slug}"),
        "CreateProject": admin_pb2.CreateProjectRequest(project_id=f"p{fresh}"),
        "GetProject": admin_pb2.GetProjectRequest(name=project),
        "ListProjects": admin_pb2.ListProjectsRequest(),
        "UpdateProject": admin_pb2.UpdateProjectRequest(
            project=admin_pb2.Project(name=project, display_name=text)
        ),
        "CreateKey": admin_pb2.CreateKeyRequest(parent=project, key=key),
        "ListKeys": admin_pb2.ListKeysRequest(parent=project),
        "RevokeKey": admin_pb2.RevokeKeyRequest(name=f"{project}/keys/{key_id}"),
        "CreateReader": admin_pb2.CreateReaderRequest(parent=project, reader_id=f"r{fresh}"),
        "ListReaders": admin_pb2.ListReadersRequest(parent=project),
        "DeleteReader": admin_pb2.DeleteReaderRequest(name=f"{project}/readers/tool"),
        "ListAuditEntries": admin_pb2.ListAuditEntriesRequest(parent=project),
        "VerifyAuditLog": admin_pb2.VerifyAuditLogRequest(parent=project),
    }


def token_of(project: str) -> str:
    """The token of a link to a file of a project's edition."""
    return hashlib.sha256(project.encode()).hexdigest()[:43]


def again(rpc: str, project: str, text: str) -> tuple[str, Message] | None:
    """What has to be made again after a call of `rpc` has used it up."""
    cohort = cohort_pb2.Cohort(display_name=text, people=cohort_pb2.CohortPeople(user_ids=[text]))
    tiles = [dashboard_pb2.Tile(id="one", query=questions.series(**SPAN))]
    board = dashboard_pb2.Dashboard(display_name=text, tiles=tiles)
    create: Message
    match rpc:
        case "DeleteCohort":
            create = cohort_pb2.CreateCohortRequest(parent=project, cohort_id="vip", cohort=cohort)
        case "DeleteDashboard":
            create = dashboard_pb2.CreateDashboardRequest(
                parent=project, dashboard_id="board", dashboard=board
            )
        case "DeleteSchema":
            schema = schema_pb2.Schema(event_name="planned", document="{}", description=text)
            create = schema_pb2.CreateSchemaRequest(parent=project, schema_id="planned", schema=schema)
        case "DeleteWindow":
            window = window_pb2.Window(
                display_name=text,
                key=["user_id"],
                aggregates=[window_pb2.WindowAggregate(id="n", aggregation=1)],  # type: ignore[arg-type]
            )
            window.tumbling.size.seconds = 60
            create = window_pb2.CreateWindowRequest(parent=project, window_id="visits", window=window)
        case "DiscardDeadLetters":
            bad = event(2, name=text, user_id=text, properties_json=b'{"a":1e-20000}')
            batch = event_batch(bad, sequence=0)
            return "PublishBatch", ingest_pb2.PublishBatchRequest(
                project=project, batch=batch, ack_mode=COMMITTED
            )
        case "DeleteIndicator":
            indicator = insight_pb2.Indicator(display_name=text, kind=4)  # type: ignore[arg-type]
            create = insight_pb2.CreateIndicatorRequest(
                parent=project, indicator_id="orders", indicator=indicator
            )
        case name if name in IDS:
            made = requests(project, "", text)[rpc.replace("Delete", "Create")]
            collection = re.sub("(?<!^)([A-Z])", r"_\1", rpc.removeprefix("Delete")).lower()
            setattr(made, f"{collection}_id", IDS[rpc])
            create = made
        case "DeleteReader":
            create = admin_pb2.CreateReaderRequest(parent=project, reader_id="tool")
        case _:
            return None
    return rpc.replace("Delete", "Create"), create


@dataclass
class Stage:
    """Two projects full of things, and keys of every kind."""

    served: Served
    keys: dict[str, Metadata] = field(default_factory=dict)
    spare: dict[str, str] = field(default_factory=dict)
    """By project, the id of a key that calls may revoke."""

    async def call(self, rpc: str, request: Message, key: Metadata) -> tuple[str, bytes]:
        """How a call ends, of a stream once it has answered, and the bytes of its answer; of an export its file."""
        method = RPCS[rpc]
        kinds = {False: "unary", True: "stream"}
        kind = f"{kinds[method.client_streaming]}_{kinds[method.server_streaming]}"
        made = getattr(self.served.channel, kind)(f"/{method.containing_service.full_name}/{rpc}")
        data = request.SerializeToString()
        call = made(iter([data]) if method.client_streaming else data, metadata=key, timeout=20)
        try:
            if not method.server_streaming:
                return "OK", await call
            found = b""
            async for message in call:
                if rpc != "Export":
                    call.cancel()
                    return "OK", message
                found += query_pb2.ExportResponse.FromString(message).chunk
            return "OK", found
        except grpc.aio.AioRpcError as error:
            return error.code().name, str(error.details()).encode()

    async def furnish(self, project: str, text: str) -> None:
        """Makes what requests are about."""
        operator = self.keys["operator"]
        for rpc in (
            "DeleteCohort",
            "DeleteDashboard",
            "DeleteReader",
            "DeleteSchema",
            "DeleteWindow",
            "DeleteIndicator",
            *(each for each in IDS if each != "DeleteSchedule"),
            "DiscardDeadLetters",
        ):
            await self.replace(rpc, project, text)
        made = requests(project, "", text)
        for rpc in ("UpdateProject", "UpdateRules", "Publish", "RecordMetrics"):
            assert (await self.call(rpc, made[rpc], operator))[0] == "OK"
        async with self.served.resources.pool.connection() as connection:
            slug = project.removeprefix("projects/")
            insight = insight_pb2.Insight(
                name=f"{project}/insights/found",
                title=text,
                subject=text,
                detector="trend",
                state=1,
                type=2,  # type: ignore[arg-type]
            )
            await connection.execute(_ERASED, (text, text, slug))
            await connection.execute(_FOUND, (text, insight.SerializeToString(), slug))
            await connection.execute(_CHANGED, (slug,))
            await connection.execute(_OPENED, (text, text, slug))
            sha256 = hashlib.sha256(token_of(project).encode()).digest()
            await connection.execute(_MADE, {"slug": slug, "text": text, "sha256": sha256})
            await connection.execute(_WORKED, (f"{project}/models/{text}", slug))
        code, answer = await self.call("CreateKey", made["CreateKey"], operator)
        assert code == "OK"
        self.spare[project] = admin_pb2.CreateKeyResponse.FromString(answer).key.name.rpartition("/")[2]

    async def replace(self, rpc: str, project: str, text: str = "x") -> None:
        """Makes again what a call has deleted or used up."""
        if (statement := _ANEW.get(rpc)) is not None:
            async with self.served.resources.pool.connection() as connection:
                slug = project.removeprefix("projects/")
                sha256 = hashlib.sha256(token_of(project).encode()).digest()
                await connection.execute(statement, {"slug": slug, "sha256": sha256})
        if rpc == "DeleteReport":  # Its schedules went with it.
            await self.replace_by_calls(rpc, project, text)
            rpc = "DeleteSchedule"
        await self.replace_by_calls(rpc, project, text)

    async def replace_by_calls(self, rpc: str, project: str, text: str) -> None:
        """What `again` says, where it says something."""
        if (made := again(rpc, project, text)) is not None:
            ended = await self.call(*made, self.keys["operator"])
            assert ended[0] == "OK", ended

    async def state(self, project: str) -> dict[str, str]:
        """A digest of each table's rows of a project, but of what is recorded of calls themselves, and of erasures, which go on
        by themselves.
        """
        tables = """
            SELECT table_name FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
            WHERE table_schema = current_schema() AND column_name = 'project_id' AND table_type = 'BASE TABLE'
            AND table_name NOT IN ('audit_log', 'audit_heads', 'commits', 'erasures', 'retention')
        """
        digest = sql.SQL(
            "SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM {} t"
            " WHERE project_id = (SELECT project_id FROM projects WHERE slug = %s)"
        )
        found = {}
        async with self.served.resources.pool.connection() as connection:
            for (table,) in await (await connection.execute(tables)).fetchall():
                cursor = await connection.execute(
                    digest.format(sql.Identifier(table)), (project.removeprefix("projects/"),)
                )
                row = await cursor.fetchone()
                assert row
                found[table] = row[0]
        assert {"events", "metric_points", "cohorts", "dashboards", "api_keys", "bi_readers"} <= found.keys()
        return found


async def asked_reports(resources: Resources) -> Service:
    """The target reports without what it does by itself."""
    return replace(await reports(resources), workers=())


async def asked_insights(resources: Resources) -> Service:
    """The target insights without what it does by itself."""
    return replace(await insights(resources), workers=[])


@asynccontextmanager
async def staged(suite: Suite, **changes: object) -> AsyncIterator[Stage]:
    """The whole of what is served, with `ours` and `theirs`."""
    async with suite(query, admin, ingest, writer, asked_insights, asked_reports, **changes) as served:
        stage = Stage(served)
        stage.keys["operator"] = served.key("operator")
        for slug in ("ours", "theirs"):
            await add_project(served, slug)
        for role, number in ROLES.items():
            stage.keys[role] = bearer((await add_key(served, number, "ours")).text)
        past = datetime(2026, 1, 2, tzinfo=UTC)
        stage.keys["expired"] = bearer((await add_key(served, ROLE_ADMIN, "ours", expires_at=past)).text)
        revoked = await add_key(served, ROLE_ADMIN, "ours")
        await revoke(served, revoked)
        stage.keys |= {"revoked": bearer(revoked.text), "none": (), "unknown": bearer("tmk_0_" + "A" * 43)}
        try:
            await stage.furnish(OURS, "x")
            await stage.furnish(THEIRS, HIDDEN)
            yield stage
        finally:
            # Roles of readers belong to the whole server, which other tests share.
            for project in (OURS, THEIRS):
                _, answer = await stage.call(
                    "ListReaders", admin_pb2.ListReadersRequest(parent=project), stage.keys["operator"]
                )
                for reader in admin_pb2.ListReadersResponse.FromString(answer).readers:
                    await stage.call(
                        "DeleteReader",
                        admin_pb2.DeleteReaderRequest(name=reader.name),
                        stage.keys["operator"],
                    )


def texts(message: Message, path: str = "") -> Iterator[tuple[str, Callable[[str], None]]]:
    """Every text that is set in a message, by its path, and how to put another in its place."""
    for descriptor, value in message.ListFields():
        where, name = f"{path}.{descriptor.name}", descriptor.name
        if descriptor.type == FieldDescriptor.TYPE_STRING:
            for index, _ in enumerate(value if descriptor.is_repeated else [value]):
                yield where, partial(_put, message, name, index if descriptor.is_repeated else None)
        elif descriptor.message_type is not None and not descriptor.message_type.GetOptions().map_entry:
            for part in value if descriptor.is_repeated else [value]:
                yield from texts(part, where)


def _put(message: Message, name: str, index: int | None, text: str) -> None:
    if index is None:
        setattr(message, name, text)
    else:
        getattr(message, name)[index] = text
