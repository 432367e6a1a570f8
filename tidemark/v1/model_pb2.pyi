import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tidemark.v1 import access_pb2 as _access_pb2
from tidemark.v1 import feature_pb2 as _feature_pb2
from tidemark.v1 import question_pb2 as _question_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Algorithm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALGORITHM_UNSPECIFIED: _ClassVar[Algorithm]
    ALGORITHM_RULE: _ClassVar[Algorithm]
    ALGORITHM_LOGISTIC: _ClassVar[Algorithm]
    ALGORITHM_BOOSTED: _ClassVar[Algorithm]
    ALGORITHM_MEAN: _ClassVar[Algorithm]
ALGORITHM_UNSPECIFIED: Algorithm
ALGORITHM_RULE: Algorithm
ALGORITHM_LOGISTIC: Algorithm
ALGORITHM_BOOSTED: Algorithm
ALGORITHM_MEAN: Algorithm

class Model(_message.Message):
    __slots__ = ("name", "display_name", "churn", "conversion", "outcome", "history", "event_names", "sum_fields", "fields", "validation", "retrain", "create_time", "serving_version", "shadow_version", "metrics")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    CHURN_FIELD_NUMBER: _ClassVar[int]
    RETURN_FIELD_NUMBER: _ClassVar[int]
    CONVERSION_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAMES_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELDS_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_FIELD_NUMBER: _ClassVar[int]
    RETRAIN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SERVING_VERSION_FIELD_NUMBER: _ClassVar[int]
    SHADOW_VERSION_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    name: str
    display_name: str
    churn: ChurnTarget
    conversion: ConversionTarget
    outcome: OutcomeTarget
    history: _duration_pb2.Duration
    event_names: _containers.RepeatedScalarFieldContainer[str]
    sum_fields: _containers.RepeatedScalarFieldContainer[str]
    fields: _containers.RepeatedScalarFieldContainer[str]
    validation: Validation
    retrain: bool
    create_time: _timestamp_pb2.Timestamp
    serving_version: str
    shadow_version: str
    metrics: ModelMetrics
    def __init__(self, name: _Optional[str] = ..., display_name: _Optional[str] = ..., churn: _Optional[_Union[ChurnTarget, _Mapping]] = ..., conversion: _Optional[_Union[ConversionTarget, _Mapping]] = ..., outcome: _Optional[_Union[OutcomeTarget, _Mapping]] = ..., history: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., event_names: _Optional[_Iterable[str]] = ..., sum_fields: _Optional[_Iterable[str]] = ..., fields: _Optional[_Iterable[str]] = ..., validation: _Optional[_Union[Validation, _Mapping]] = ..., retrain: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., serving_version: _Optional[str] = ..., shadow_version: _Optional[str] = ..., metrics: _Optional[_Union[ModelMetrics, _Mapping]] = ..., **kwargs) -> None: ...

class ChurnTarget(_message.Message):
    __slots__ = ("activity", "window", "active_within")
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_WITHIN_FIELD_NUMBER: _ClassVar[int]
    activity: _question_pb2.Step
    window: _duration_pb2.Duration
    active_within: _duration_pb2.Duration
    def __init__(self, activity: _Optional[_Union[_question_pb2.Step, _Mapping]] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., active_within: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReturnTarget(_message.Message):
    __slots__ = ("activity", "window")
    ACTIVITY_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    activity: _question_pb2.Step
    window: _duration_pb2.Duration
    def __init__(self, activity: _Optional[_Union[_question_pb2.Step, _Mapping]] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ConversionTarget(_message.Message):
    __slots__ = ("goal", "window", "eligible", "eligible_within")
    GOAL_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    ELIGIBLE_FIELD_NUMBER: _ClassVar[int]
    ELIGIBLE_WITHIN_FIELD_NUMBER: _ClassVar[int]
    goal: _question_pb2.Step
    window: _duration_pb2.Duration
    eligible: _question_pb2.Step
    eligible_within: _duration_pb2.Duration
    def __init__(self, goal: _Optional[_Union[_question_pb2.Step, _Mapping]] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., eligible: _Optional[_Union[_question_pb2.Step, _Mapping]] = ..., eligible_within: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class OutcomeTarget(_message.Message):
    __slots__ = ("event", "outcome", "without_history")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_HISTORY_FIELD_NUMBER: _ClassVar[int]
    event: _question_pb2.Step
    outcome: _feature_pb2.Outcome
    without_history: bool
    def __init__(self, event: _Optional[_Union[_question_pb2.Step, _Mapping]] = ..., outcome: _Optional[_Union[_feature_pb2.Outcome, _Mapping]] = ..., without_history: _Optional[bool] = ...) -> None: ...

class Validation(_message.Message):
    __slots__ = ("step", "cuts", "test_start", "test_end", "folds", "train_start")
    STEP_FIELD_NUMBER: _ClassVar[int]
    CUTS_FIELD_NUMBER: _ClassVar[int]
    TEST_START_FIELD_NUMBER: _ClassVar[int]
    TEST_END_FIELD_NUMBER: _ClassVar[int]
    FOLDS_FIELD_NUMBER: _ClassVar[int]
    TRAIN_START_FIELD_NUMBER: _ClassVar[int]
    step: _duration_pb2.Duration
    cuts: int
    test_start: _timestamp_pb2.Timestamp
    test_end: _timestamp_pb2.Timestamp
    folds: int
    train_start: _timestamp_pb2.Timestamp
    def __init__(self, step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., cuts: _Optional[int] = ..., test_start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., test_end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., folds: _Optional[int] = ..., train_start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ModelVersion(_message.Message):
    __slots__ = ("name", "state", "algorithm", "verdict", "metrics", "candidates", "importance", "calibration", "spec", "columns", "train_rows", "data_sha256", "data_version", "model_sha256", "seed", "train_start", "train_end", "test_start", "test_end", "create_time", "reason", "promote_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[ModelVersion.State]
        STATE_SERVING: _ClassVar[ModelVersion.State]
        STATE_SHADOW: _ClassVar[ModelVersion.State]
        STATE_RETIRED: _ClassVar[ModelVersion.State]
    STATE_UNSPECIFIED: ModelVersion.State
    STATE_SERVING: ModelVersion.State
    STATE_SHADOW: ModelVersion.State
    STATE_RETIRED: ModelVersion.State
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    IMPORTANCE_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TRAIN_ROWS_FIELD_NUMBER: _ClassVar[int]
    DATA_SHA256_FIELD_NUMBER: _ClassVar[int]
    DATA_VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_SHA256_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TRAIN_START_FIELD_NUMBER: _ClassVar[int]
    TRAIN_END_FIELD_NUMBER: _ClassVar[int]
    TEST_START_FIELD_NUMBER: _ClassVar[int]
    TEST_END_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PROMOTE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: ModelVersion.State
    algorithm: Algorithm
    verdict: str
    metrics: ModelMetrics
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    importance: _containers.RepeatedCompositeFieldContainer[FeatureImportance]
    calibration: _containers.RepeatedCompositeFieldContainer[CalibrationBin]
    spec: _feature_pb2.FeatureSpec
    columns: _containers.RepeatedCompositeFieldContainer[FeatureColumn]
    train_rows: int
    data_sha256: str
    data_version: str
    model_sha256: str
    seed: int
    train_start: _timestamp_pb2.Timestamp
    train_end: _timestamp_pb2.Timestamp
    test_start: _timestamp_pb2.Timestamp
    test_end: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    reason: str
    promote_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[ModelVersion.State, str]] = ..., algorithm: _Optional[_Union[Algorithm, str]] = ..., verdict: _Optional[str] = ..., metrics: _Optional[_Union[ModelMetrics, _Mapping]] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., importance: _Optional[_Iterable[_Union[FeatureImportance, _Mapping]]] = ..., calibration: _Optional[_Iterable[_Union[CalibrationBin, _Mapping]]] = ..., spec: _Optional[_Union[_feature_pb2.FeatureSpec, _Mapping]] = ..., columns: _Optional[_Iterable[_Union[FeatureColumn, _Mapping]]] = ..., train_rows: _Optional[int] = ..., data_sha256: _Optional[str] = ..., data_version: _Optional[str] = ..., model_sha256: _Optional[str] = ..., seed: _Optional[int] = ..., train_start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., train_end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., test_start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., test_end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., promote_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ModelMetrics(_message.Message):
    __slots__ = ("count", "positive_share", "majority_accuracy", "accuracy", "accuracy_lower", "accuracy_upper", "balanced_accuracy", "auc", "auc_lower", "auc_upper", "brier", "lift_at_10", "accuracy_at_80", "rule_auc", "lead_lower", "lead_upper")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_SHARE_FIELD_NUMBER: _ClassVar[int]
    MAJORITY_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_LOWER_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_UPPER_FIELD_NUMBER: _ClassVar[int]
    BALANCED_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    AUC_FIELD_NUMBER: _ClassVar[int]
    AUC_LOWER_FIELD_NUMBER: _ClassVar[int]
    AUC_UPPER_FIELD_NUMBER: _ClassVar[int]
    BRIER_FIELD_NUMBER: _ClassVar[int]
    LIFT_AT_10_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_AT_80_FIELD_NUMBER: _ClassVar[int]
    RULE_AUC_FIELD_NUMBER: _ClassVar[int]
    LEAD_LOWER_FIELD_NUMBER: _ClassVar[int]
    LEAD_UPPER_FIELD_NUMBER: _ClassVar[int]
    count: int
    positive_share: float
    majority_accuracy: float
    accuracy: float
    accuracy_lower: float
    accuracy_upper: float
    balanced_accuracy: float
    auc: float
    auc_lower: float
    auc_upper: float
    brier: float
    lift_at_10: float
    accuracy_at_80: float
    rule_auc: float
    lead_lower: float
    lead_upper: float
    def __init__(self, count: _Optional[int] = ..., positive_share: _Optional[float] = ..., majority_accuracy: _Optional[float] = ..., accuracy: _Optional[float] = ..., accuracy_lower: _Optional[float] = ..., accuracy_upper: _Optional[float] = ..., balanced_accuracy: _Optional[float] = ..., auc: _Optional[float] = ..., auc_lower: _Optional[float] = ..., auc_upper: _Optional[float] = ..., brier: _Optional[float] = ..., lift_at_10: _Optional[float] = ..., accuracy_at_80: _Optional[float] = ..., rule_auc: _Optional[float] = ..., lead_lower: _Optional[float] = ..., lead_upper: _Optional[float] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("algorithm", "metrics")
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    algorithm: Algorithm
    metrics: ModelMetrics
    def __init__(self, algorithm: _Optional[_Union[Algorithm, str]] = ..., metrics: _Optional[_Union[ModelMetrics, _Mapping]] = ...) -> None: ...

class FeatureImportance(_message.Message):
    __slots__ = ("feature", "description", "importance", "lower", "upper")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    IMPORTANCE_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    feature: str
    description: str
    importance: float
    lower: float
    upper: float
    def __init__(self, feature: _Optional[str] = ..., description: _Optional[str] = ..., importance: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ...) -> None: ...

class CalibrationBin(_message.Message):
    __slots__ = ("predicted", "observed", "count")
    PREDICTED_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    predicted: float
    observed: float
    count: int
    def __init__(self, predicted: _Optional[float] = ..., observed: _Optional[float] = ..., count: _Optional[int] = ...) -> None: ...

class FeatureColumn(_message.Message):
    __slots__ = ("name", "kind", "categories")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    categories: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., categories: _Optional[_Iterable[str]] = ...) -> None: ...

class Prediction(_message.Message):
    __slots__ = ("user_id", "point", "score", "lower", "upper", "outcome", "abstained", "reasons")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    POINT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ABSTAINED_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    point: _timestamp_pb2.Timestamp
    score: float
    lower: float
    upper: float
    outcome: bool
    abstained: bool
    reasons: _containers.RepeatedCompositeFieldContainer[Reason]
    def __init__(self, user_id: _Optional[str] = ..., point: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., score: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., outcome: _Optional[bool] = ..., abstained: _Optional[bool] = ..., reasons: _Optional[_Iterable[_Union[Reason, _Mapping]]] = ...) -> None: ...

class Reason(_message.Message):
    __slots__ = ("feature", "text", "contribution")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    feature: str
    text: str
    contribution: float
    def __init__(self, feature: _Optional[str] = ..., text: _Optional[str] = ..., contribution: _Optional[float] = ...) -> None: ...

class FeatureDrift(_message.Message):
    __slots__ = ("feature", "psi", "q_value", "drifted", "missing_share", "train_missing_share")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    PSI_FIELD_NUMBER: _ClassVar[int]
    Q_VALUE_FIELD_NUMBER: _ClassVar[int]
    DRIFTED_FIELD_NUMBER: _ClassVar[int]
    MISSING_SHARE_FIELD_NUMBER: _ClassVar[int]
    TRAIN_MISSING_SHARE_FIELD_NUMBER: _ClassVar[int]
    feature: str
    psi: float
    q_value: float
    drifted: bool
    missing_share: float
    train_missing_share: float
    def __init__(self, feature: _Optional[str] = ..., psi: _Optional[float] = ..., q_value: _Optional[float] = ..., drifted: _Optional[bool] = ..., missing_share: _Optional[float] = ..., train_missing_share: _Optional[float] = ...) -> None: ...

class HealthWindow(_message.Message):
    __slots__ = ("start", "end", "metrics", "shadow", "drifted_share", "loss_alarm")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    DRIFTED_SHARE_FIELD_NUMBER: _ClassVar[int]
    LOSS_ALARM_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    end: _timestamp_pb2.Timestamp
    metrics: ModelMetrics
    shadow: ModelMetrics
    drifted_share: float
    loss_alarm: bool
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., metrics: _Optional[_Union[ModelMetrics, _Mapping]] = ..., shadow: _Optional[_Union[ModelMetrics, _Mapping]] = ..., drifted_share: _Optional[float] = ..., loss_alarm: _Optional[bool] = ...) -> None: ...

class CreateModelRequest(_message.Message):
    __slots__ = ("parent", "model_id", "model", "request_id")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    model_id: str
    model: Model
    request_id: str
    def __init__(self, parent: _Optional[str] = ..., model_id: _Optional[str] = ..., model: _Optional[_Union[Model, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: Model
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: Model
    def __init__(self, model: _Optional[_Union[Model, _Mapping]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class DeleteModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteModelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TrainModelRequest(_message.Message):
    __slots__ = ("name", "seed", "shadow", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    seed: int
    shadow: bool
    request_id: str
    def __init__(self, name: _Optional[str] = ..., seed: _Optional[int] = ..., shadow: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class TrainModelResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: _operations_pb2.Operation
    def __init__(self, operation: _Optional[_Union[_operations_pb2.Operation, _Mapping]] = ...) -> None: ...

class GetModelVersionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetModelVersionResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: ModelVersion
    def __init__(self, version: _Optional[_Union[ModelVersion, _Mapping]] = ...) -> None: ...

class ListModelVersionsRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class ListModelVersionsResponse(_message.Message):
    __slots__ = ("versions",)
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[ModelVersion]
    def __init__(self, versions: _Optional[_Iterable[_Union[ModelVersion, _Mapping]]] = ...) -> None: ...

class PromoteModelVersionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class PromoteModelVersionResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: ModelVersion
    def __init__(self, version: _Optional[_Union[ModelVersion, _Mapping]] = ...) -> None: ...

class GetPredictiveInsightsRequest(_message.Message):
    __slots__ = ("name", "user_ids", "least_score", "version", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    LEAST_SCORE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    user_ids: _containers.RepeatedScalarFieldContainer[str]
    least_score: float
    version: int
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., user_ids: _Optional[_Iterable[str]] = ..., least_score: _Optional[float] = ..., version: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetPredictiveInsightsResponse(_message.Message):
    __slots__ = ("predictions", "version", "metrics", "importance", "metadata", "total_count", "notes", "next_page_token")
    PREDICTIONS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    IMPORTANCE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    predictions: _containers.RepeatedCompositeFieldContainer[Prediction]
    version: str
    metrics: ModelMetrics
    importance: _containers.RepeatedCompositeFieldContainer[FeatureImportance]
    metadata: _question_pb2.QueryMetadata
    total_count: int
    notes: _containers.RepeatedScalarFieldContainer[str]
    next_page_token: str
    def __init__(self, predictions: _Optional[_Iterable[_Union[Prediction, _Mapping]]] = ..., version: _Optional[str] = ..., metrics: _Optional[_Union[ModelMetrics, _Mapping]] = ..., importance: _Optional[_Iterable[_Union[FeatureImportance, _Mapping]]] = ..., metadata: _Optional[_Union[_question_pb2.QueryMetadata, _Mapping]] = ..., total_count: _Optional[int] = ..., notes: _Optional[_Iterable[str]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetModelHealthRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetModelHealthResponse(_message.Message):
    __slots__ = ("windows", "drift", "alarm", "summary", "check_time")
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    DRIFT_FIELD_NUMBER: _ClassVar[int]
    ALARM_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    CHECK_TIME_FIELD_NUMBER: _ClassVar[int]
    windows: _containers.RepeatedCompositeFieldContainer[HealthWindow]
    drift: _containers.RepeatedCompositeFieldContainer[FeatureDrift]
    alarm: bool
    summary: str
    check_time: _timestamp_pb2.Timestamp
    def __init__(self, windows: _Optional[_Iterable[_Union[HealthWindow, _Mapping]]] = ..., drift: _Optional[_Iterable[_Union[FeatureDrift, _Mapping]]] = ..., alarm: _Optional[bool] = ..., summary: _Optional[str] = ..., check_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
