"""The RPCs of the contract, for tests that must hold for each of them."""

from google.protobuf.descriptor import MethodDescriptor

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
    report_pb2,
    retention_pb2,
    rule_pb2,
    schedule_pb2,
    schema_pb2,
    window_pb2,
)

FILES = (
    ingest_pb2,
    letter_pb2,
    schema_pb2,
    rule_pb2,
    query_pb2,
    pipeline_pb2,
    cohort_pb2,
    dashboard_pb2,
    retention_pb2,
    window_pb2,
    feature_pb2,
    insight_pb2,
    alert_pb2,
    forecast_pb2,
    model_pb2,
    report_pb2,
    edition_pb2,
    schedule_pb2,
    delivery_pb2,
    operation_pb2,
    admin_pb2,
)


def rpcs() -> list[MethodDescriptor]:
    """Every RPC of every service."""
    return [
        method
        for file in FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]
