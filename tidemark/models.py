"""Models: what people are going to do, learnt from what they did, with how well that can be told; reached as `client.models`, answered by
`ModelService`.

    await client.models.create("Churn", churn("order_placed", window="30d", active_within="90d"), sum_fields=["properties.amount"])
    version = await client.models.train("churn", on_progress=print)
    print(version.verdict, version.metrics.auc, "beside", version.metrics.rule_auc)
    async for each in client.models.predict("churn", least_score=0.8):
        print(each.user_id, each.score, each.reasons[0].text)

A target is made by `churn`, `comeback`, `conversion` or `outcome`, whose steps are spelt like those of questions. A version serves
only where it beats the simple rule by more than chance; else the rule does, and the version says so. Models, versions and health are
the contract's own messages.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from tidemark.operations import Operation, Working
from tidemark.plain import utc
from tidemark.spelling import Instant, Span, Step, duration, step, timestamp
from tidemark.v1 import feature_pb2, model_pb2_grpc
from tidemark.v1 import model_pb2 as pb

Target = pb.ChurnTarget | pb.ReturnTarget | pb.ConversionTarget | pb.OutcomeTarget
OnProgress = Callable[[Operation], None]


@dataclass(frozen=True, slots=True)
class Reason:
    """What speaks for an outcome, or against it where `contribution` is negative."""

    feature: str
    text: str
    contribution: float
    """What the score would lose if the feature were as usual."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is predicted of a person."""

    user_id: str
    point: datetime
    """As of when."""
    score: float
    """Probability of the outcome."""
    lower: float
    upper: float
    """Within which it lies with 90 %."""
    outcome: bool | None
    """Whether the outcome is said to come; None where that is too close to say."""
    reasons: tuple[Reason, ...]

    @classmethod
    def of(cls, message: pb.Prediction) -> "Prediction":
        """A prediction as the contract tells it."""
        return cls(
            user_id=message.user_id,
            point=utc(message.point),
            score=message.score,
            lower=message.lower,
            upper=message.upper,
            outcome=None if message.abstained else message.outcome,
            reasons=tuple(Reason(each.feature, each.text, each.contribution) for each in message.reasons),
        )


@dataclass(frozen=True, slots=True)
class Predictions:
    """A page of predictions, the greatest scores first, and what made them."""

    rows: tuple[Prediction, ...]
    version: str
    metrics: pb.ModelMetrics
    importance: tuple[pb.FeatureImportance, ...]
    total: int
    """How many people the model is about."""
    notes: tuple[str, ...]
    next_page_token: str
    message: pb.GetPredictiveInsightsResponse


class Models(Working):
    """The models of the client's project; needs a key of role analyst or admin to change them. A model is told by its id or its name,
    `projects/{project}/models/{model}`.
    """

    _service = model_pb2_grpc.ModelServiceStub

    async def create(
        self,
        display_name: str,
        target: Target,
        *,
        history: Span | None = None,
        event_names: Iterable[str] = (),
        sum_fields: Iterable[str] = (),
        fields: Iterable[str] = (),
        retrain: bool = False,
        step: Span | None = None,
        cuts: int = 0,
        train_start: Instant | None = None,
        test_start: Instant | None = None,
        test_end: Instant | None = None,
        folds: int = 0,
        model_id: str = "",
    ) -> pb.Model:
        """Makes a model. It looks back over `history` at `event_names` (the most frequent ones if none are given), sums `sum_fields` and
        takes the values of `fields`; the rest says how it is tested, as in `Validation`.
        """
        model = pb.Model(
            display_name=display_name,
            event_names=event_names,
            sum_fields=sum_fields,
            fields=fields,
            retrain=retrain,
            validation=pb.Validation(cuts=cuts, folds=folds),
        )
        getattr(model, _kind(target)).CopyFrom(target)
        if history is not None:
            model.history.CopyFrom(duration(history))
        if step is not None:
            model.validation.step.CopyFrom(duration(step))
        for name, given in (("train_start", train_start), ("test_start", test_start), ("test_end", test_end)):
            if given is not None:
                getattr(model.validation, name).CopyFrom(timestamp(given))
        request = pb.CreateModelRequest(
            parent=await self._parent(), model_id=model_id, model=model, request_id=str(uuid4())
        )
        return (await self._ask(self._stub.CreateModel, request)).model  # type: ignore[no-any-return]

    async def get(self, model: str) -> pb.Model:
        """Reads a model."""
        request = pb.GetModelRequest(name=await self._name(model))
        return (await self._ask(self._stub.GetModel, request)).model  # type: ignore[no-any-return]

    async def all(self) -> list[pb.Model]:
        """The models of the project, by name."""
        request = pb.ListModelsRequest(parent=await self._parent())
        return list((await self._ask(self._stub.ListModels, request)).models)

    async def delete(self, model: str) -> None:
        """Deletes a model with its versions."""
        await self._ask(self._stub.DeleteModel, pb.DeleteModelRequest(name=await self._name(model)))

    async def begin(self, model: str, *, seed: int = 0, shadow: bool = False) -> Operation:
        """Begins to train a version, and does not wait for it; follow the operation with `client.operations`."""
        request = pb.TrainModelRequest(
            name=await self._name(model), seed=seed, shadow=shadow, request_id=str(uuid4())
        )
        return Operation.of((await self._ask(self._stub.TrainModel, request)).operation)

    async def train(
        self, model: str, *, seed: int = 0, shadow: bool = False, on_progress: OnProgress | None = None
    ) -> pb.ModelVersion:
        """Trains a version, which serves at once or, with `shadow`, beside the one that does; raises what is missing."""
        begun = await self.begin(model, seed=seed, shadow=shadow)
        ended = await self._operations.wait(begun.name, on_progress)
        return ended.result(pb.ModelVersion)  # type: ignore[no-any-return]

    async def version(self, model: str, number: int) -> pb.ModelVersion:
        """Reads a version."""
        request = pb.GetModelVersionRequest(name=f"{await self._name(model)}/versions/{number}")
        return (await self._ask(self._stub.GetModelVersion, request)).version  # type: ignore[no-any-return]

    async def versions(self, model: str) -> list[pb.ModelVersion]:
        """The versions of a model, newest first, without candidates, importance and calibration."""
        request = pb.ListModelVersionsRequest(parent=await self._name(model))
        return list((await self._ask(self._stub.ListModelVersions, request)).versions)

    async def promote(self, model: str, number: int) -> pb.ModelVersion:
        """Lets a version serve, an earlier one as well."""
        request = pb.PromoteModelVersionRequest(name=f"{await self._name(model)}/versions/{number}")
        return (await self._ask(self._stub.PromoteModelVersion, request)).version  # type: ignore[no-any-return]

    async def page(
        self,
        model: str,
        user_ids: Iterable[str] = (),
        *,
        least_score: float = 0.0,
        version: int = 0,
        page_size: int = 0,
        page_token: str = "",
    ) -> Predictions:
        """Predictions for some people, or for everybody whom the model is about; one page of them."""
        request = pb.GetPredictiveInsightsRequest(
            name=await self._name(model),
            user_ids=user_ids,
            least_score=least_score,
            version=version,
            page_size=page_size,
            page_token=page_token,
        )
        found = await self._ask(self._stub.GetPredictiveInsights, request)
        return Predictions(
            rows=tuple(map(Prediction.of, found.predictions)),
            version=found.version,
            metrics=found.metrics,
            importance=tuple(found.importance),
            total=found.total_count,
            notes=tuple(found.notes),
            next_page_token=found.next_page_token,
            message=found,
        )

    async def predict(
        self, model: str, user_ids: Iterable[str] = (), *, least_score: float = 0.0, version: int = 0
    ) -> AsyncIterator[Prediction]:
        """Predictions over all pages, the greatest scores first."""
        users, token = list(user_ids), ""
        while True:
            page = await self.page(
                model, users, least_score=least_score, version=version, page_size=1000, page_token=token
            )
            for row in page.rows:
                yield row
            if not (token := page.next_page_token):
                return

    async def health(self, model: str) -> pb.GetModelHealthResponse:
        """How well the serving version has done, and whether its world has changed."""
        request = pb.GetModelHealthRequest(name=await self._name(model))
        return await self._ask(self._stub.GetModelHealth, request)  # type: ignore[no-any-return]

    async def _name(self, model: str) -> str:
        return await self._named("models", model)


def churn(activity: Step = "*", *, window: Span, active_within: Span | None = None) -> pb.ChurnTarget:
    """That people who were there within `active_within` do nothing of `activity` for as long as `window`."""
    return pb.ChurnTarget(
        activity=step(activity),
        window=duration(window),
        active_within=None if active_within is None else duration(active_within),
    )


def comeback(activity: Step = "*", *, window: Span) -> pb.ReturnTarget:
    """That people who did nothing of `activity` for as long as `window` do it within the next."""
    return pb.ReturnTarget(activity=step(activity), window=duration(window))


def conversion(
    goal: Step, *, window: Span, eligible: Step = "*", eligible_within: Span | None = None
) -> pb.ConversionTarget:
    """That people who did `eligible` before do `goal` within `window`."""
    return pb.ConversionTarget(
        goal=step(goal),
        window=duration(window),
        eligible=step(eligible),
        eligible_within=None if eligible_within is None else duration(eligible_within),
    )


def outcome(
    event: Step,
    *,
    field: str = "",
    did: Step = "",
    window: Span | None = None,
    match: Iterable[str] = (),
    negate: bool = False,
    without_history: bool = False,
) -> pb.OutcomeTarget:
    """What becomes of each event: whether `field` of it is true, or whether its person does `did` within `window`, with the same values
    in the fields of `match`.
    """
    if bool(field) == bool(did):
        raise ValueError("field: give it, or did with a window")
    found = feature_pb2.Outcome(field=field, negate=negate) if field else feature_pb2.Outcome(negate=negate)
    if did:
        found.did.CopyFrom(step(did))
        found.match.extend(match)
    if window is not None:
        found.window.CopyFrom(duration(window))
    return pb.OutcomeTarget(event=step(event), outcome=found, without_history=without_history)


def _kind(target: Any) -> str:
    kinds = {
        pb.ChurnTarget: "churn", pb.ReturnTarget: "return", pb.ConversionTarget: "conversion",
        pb.OutcomeTarget: "outcome",
    }  # fmt: skip
    return kinds[type(target)]
