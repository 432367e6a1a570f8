"""`tidemark models`: what people are going to do, learnt, tested, predicted and watched."""

from argparse import ArgumentParser, Namespace

from google.protobuf.json_format import MessageToDict

from tidemark import models as models_
from tidemark.client import Client
from tidemark.commands.ask import written
from tidemark.commands.shown import add_format, joined, last_part, show, told, when
from tidemark.operations import Operation
from tidemark.terminal.console import Console
from tidemark.terminal.progress import Progress
from tidemark.v1 import model_pb2 as pb

TARGETS = ("churn", "return", "conversion", "outcome")
STEPS = 1000
"""In how many steps a share is shown."""

_MODELS = {
    "id": lambda each: last_part(each.name),
    "title": lambda each: each.display_name,
    "predicts": lambda each: each.WhichOneof("target"),
    "serves": lambda each: last_part(each.serving_version) or "nothing yet",
    "AUC": lambda each: _figure(each, each.metrics.auc),
    "rule's": lambda each: _figure(each, each.metrics.rule_auc),
    "accuracy": lambda each: _figure(each, each.metrics.accuracy),
    "majority": lambda each: _figure(each, each.metrics.majority_accuracy),
    "points": lambda each: each.metrics.count or "",
}
_VERSIONS = {
    "version": lambda each: last_part(each.name),
    "state": lambda each: told(pb.ModelVersion.State, each.state),
    "predicts by": lambda each: told(pb.Algorithm, each.algorithm),
    "AUC": lambda each: f"{each.metrics.auc:.3f}",
    "from": lambda each: f"{each.metrics.auc_lower:.3f}",
    "to": lambda each: f"{each.metrics.auc_upper:.3f}",
    "rule's": lambda each: f"{each.metrics.rule_auc:.3f}",
    "accuracy": lambda each: f"{each.metrics.accuracy:.3f}",
    "majority": lambda each: f"{each.metrics.majority_accuracy:.3f}",
    "points": lambda each: each.metrics.count,
    "made": lambda each: when(each.create_time),
}
_CANDIDATES = {
    "candidate": lambda each: told(pb.Algorithm, each.algorithm),
    "AUC": lambda each: f"{each.metrics.auc:.3f}",
    "accuracy": lambda each: f"{each.metrics.accuracy:.3f}",
    "balanced": lambda each: f"{each.metrics.balanced_accuracy:.3f}",
    "surest 80 %": lambda each: f"{each.metrics.accuracy_at_80:.3f}",
    "lift at 10 %": lambda each: f"{each.metrics.lift_at_10:.2f}",
    "Brier": lambda each: f"{each.metrics.brier:.4f}",
    "lead": lambda each: f"{each.metrics.lead_lower:.3f} to {each.metrics.lead_upper:.3f}",
}
_IMPORTANCE = {
    "feature": lambda each: each.description or each.feature,
    "AUC lost": lambda each: f"{each.importance:.4f}",
    "from": lambda each: f"{each.lower:.4f}",
    "to": lambda each: f"{each.upper:.4f}",
}
_PREDICTIONS = {
    "person": lambda each: each.user_id,
    "score": lambda each: f"{each.score:.3f}",
    "from": lambda each: f"{each.lower:.3f}",
    "to": lambda each: f"{each.upper:.3f}",
    "said": lambda each: "unsure" if each.abstained else "yes" if each.outcome else "no",
    "because": lambda each: joined(reason.text for reason in each.reasons[:2]),
}
_WINDOWS = {
    "from": lambda each: when(each.start),
    "to": lambda each: when(each.end),
    "points": lambda each: each.metrics.count,
    "AUC": lambda each: f"{each.metrics.auc:.3f}",
    "accuracy": lambda each: f"{each.metrics.accuracy:.3f}",
    "majority": lambda each: f"{each.metrics.majority_accuracy:.3f}",
    "shadow's AUC": lambda each: f"{each.shadow.auc:.3f}" if each.HasField("shadow") else "",
    "drifted": lambda each: f"{each.drifted_share:.0%}",
    "error grown": lambda each: each.loss_alarm,
}
_DRIFT = {
    "feature": lambda each: each.feature,
    "PSI": lambda each: f"{each.psi:.3f}",
    "q-value": lambda each: f"{each.q_value:.4f}",
    "drifted": lambda each: each.drifted,
    "missing": lambda each: f"{each.missing_share:.0%}",
    "was": lambda each: f"{each.train_missing_share:.0%}",
}


def add_models(command: ArgumentParser) -> None:
    """The arguments of `tidemark models`."""
    actions = command.add_subparsers(dest="models", required=True, metavar="ACTION")
    add_format(actions.add_parser("list", help="by name"))
    _add_create(actions.add_parser("create", help="a new one; predicts nothing until it is trained"))
    showing = actions.add_parser("show", help="how well a version was measured to do, and what it looks at")
    showing.add_argument("--version", type=int, default=0, help="the one that serves if not given")
    actions.add_parser("versions", help="all that were trained")
    training = actions.add_parser("train", help="a new version, and wait for it")
    training.add_argument("--seed", type=int, default=0, help="of everything random; 1 if not given")
    training.add_argument("--shadow", action="store_true", help="beside the one that serves, to be compared")
    predicting = actions.add_parser("predict", help="the greatest scores first")
    predicting.add_argument("--user", action="append", default=[], help="only this person; repeat for more")
    predicting.add_argument(
        "--least", type=float, default=0.0, metavar="SCORE", help="only from this score on"
    )
    predicting.add_argument("--version", type=int, default=0, help="the one that serves if not given")
    predicting.add_argument("--limit", type=int, default=20, help="how many, up to 1 000")
    actions.add_parser("health", help="how it does since it serves, and whether its world has changed")
    promoting = actions.add_parser("promote", help="let a version serve, an earlier one as well")
    actions.add_parser("delete", help="delete one with its versions")
    for name, chosen in actions.choices.items():
        if name not in ("list", "create"):
            chosen.add_argument("model", metavar="MODEL", help="its id or name")
        if name not in ("list", "create", "promote", "delete"):
            add_format(chosen)
        chosen.set_defaults(run=models)
    promoting.add_argument("version", type=int, help="its number")


async def models(client: Client, arguments: Namespace, console: Console) -> int:
    """Lists, makes, trains, asks, watches, promotes or deletes models."""
    match arguments.models:
        case "list":
            show(await client.models.all(), _MODELS, arguments, console)
        case "create":
            console.say((await _created(client, arguments)).name)
        case "show":
            number = arguments.version or await _serving(client, arguments.model)
            _show_version(await client.models.version(arguments.model, number), arguments, console)
        case "versions":
            show(await client.models.versions(arguments.model), _VERSIONS, arguments, console)
        case "train":
            await _train(client, arguments, console)
        case "predict":
            await _predict(client, arguments, console)
        case "health":
            return await _health(client, arguments, console)
        case "promote":
            promoted = await client.models.promote(arguments.model, arguments.version)
            console.say(f"{promoted.name} serves")
        case "delete":
            await client.models.delete(arguments.model)
    return 0


def _add_create(create: ArgumentParser) -> None:
    create.add_argument("title", help="the name people read")
    create.add_argument("target", choices=TARGETS, help="what is predicted")
    create.add_argument(
        "--id", default="", help="the last part of its name; made from the title if not given"
    )
    create.add_argument(
        "--step",
        default="",
        help="what being there is, what people are to do, or the event whose outcome it is",
    )
    create.add_argument("--window", metavar="SPAN", help="within which time")
    create.add_argument("--of", default="*", metavar="STEP", help="conversion: whoever did this before")
    create.add_argument(
        "--within", metavar="SPAN", help="churn and conversion: who did so within this time before"
    )
    create.add_argument("--outcome", default="", metavar="FIELD", help="outcome: the field that tells it")
    create.add_argument("--did", default="", metavar="STEP", help="outcome: or what its person does then")
    create.add_argument(
        "--match",
        action="append",
        default=[],
        metavar="FIELD",
        help="outcome: with the same value; repeat for more",
    )
    create.add_argument("--negate", action="store_true", help="outcome: that it is not so")
    create.add_argument("--alone", action="store_true", help="outcome: look at the event's own fields only")
    create.add_argument("--history", metavar="SPAN", help="how far back it looks; 365d if not given")
    create.add_argument(
        "--event",
        action="append",
        default=[],
        metavar="NAME",
        help="has features of its own; repeat for more",
    )
    create.add_argument(
        "--sum", action="append", default=[], metavar="FIELD", help="a number to sum; repeat for more"
    )
    create.add_argument(
        "--field", action="append", default=[], help="whose value is a feature; repeat for more"
    )
    create.add_argument("--retrain", action="store_true", help="by itself, when its world has changed")
    create.add_argument("--every", metavar="SPAN", help="how far apart it learns; the window if not given")
    create.add_argument("--cuts", type=int, default=0, help="at how many instants it learns; 12 if not given")
    create.add_argument(
        "--folds", type=int, default=0, help="outcome: test in parts, where order in time means nothing"
    )
    create.add_argument("--train-start", metavar="TIME", help="learn from nothing before")
    create.add_argument("--test-start", metavar="TIME", help="test from here on")
    create.add_argument("--test-end", metavar="TIME", help="up to here")


async def _created(client: Client, arguments: Namespace) -> pb.Model:
    return await client.models.create(
        arguments.title,
        _target(arguments),
        history=arguments.history,
        event_names=arguments.event,
        sum_fields=arguments.sum,
        fields=arguments.field,
        retrain=arguments.retrain,
        step=arguments.every,
        cuts=arguments.cuts,
        train_start=arguments.train_start,
        test_start=arguments.test_start,
        test_end=arguments.test_end,
        folds=arguments.folds,
        model_id=arguments.id,
    )


def _target(arguments: Namespace) -> models_.Target:
    if arguments.window is None and not arguments.outcome:
        raise ValueError("window: is missing; say within which time, as in --window 30d")
    if arguments.target in ("conversion", "outcome") and not arguments.step:
        raise ValueError(
            "step: is missing; say what people are to do, or of which events, as in --step order_placed"
        )
    step, window = arguments.step or "*", arguments.window
    match arguments.target:
        case "churn":
            return models_.churn(step, window=window, active_within=arguments.within)
        case "return":
            return models_.comeback(step, window=window)
        case "conversion":
            return models_.conversion(
                step, window=window, eligible=arguments.of, eligible_within=arguments.within
            )
        case _:
            return models_.outcome(
                step,
                field=arguments.outcome,
                did=arguments.did,
                window=window,
                match=arguments.match,
                negate=arguments.negate,
                without_history=arguments.alone,
            )


async def _serving(client: Client, model: str) -> int:
    found = await client.models.get(model)
    if not found.serving_version:
        raise ValueError(f"model: {found.name} predicts nothing yet; train it")
    return int(last_part(found.serving_version))


async def _train(client: Client, arguments: Namespace, console: Console) -> None:
    bar = Progress("training", console.err, total=STEPS, width=console.width)

    def progress(operation: Operation) -> None:
        bar.show(0, round(operation.progress * STEPS), operation.step or "waiting")

    try:
        version = await client.models.train(
            arguments.model, seed=arguments.seed, shadow=arguments.shadow, on_progress=progress
        )
    finally:
        bar.end()
    _show_version(version, arguments, console)


def _show_version(version: pb.ModelVersion, arguments: Namespace, console: Console) -> None:
    if arguments.format == "json":
        show([version], {}, arguments, console)
        return
    metrics = version.metrics
    console.say(
        f"{version.name}: {told(pb.ModelVersion.State, version.state)}",
        version.verdict,
        f"tested on {metrics.count:,} points, {metrics.positive_share:.1%} with the outcome; learnt from {version.train_rows:,}",
        f"accuracy {metrics.accuracy:.3f} ({metrics.accuracy_lower:.3f} to {metrics.accuracy_upper:.3f}), "
        f"majority {metrics.majority_accuracy:.3f}, balanced {metrics.balanced_accuracy:.3f}",
        f"AUC {metrics.auc:.3f} ({metrics.auc_lower:.3f} to {metrics.auc_upper:.3f}), rule {metrics.rule_auc:.3f}",
        "",
    )
    show(version.candidates, _CANDIDATES, arguments, console)
    if version.importance:
        console.say("")
        show(version.importance[:10], _IMPORTANCE, arguments, console)


async def _predict(client: Client, arguments: Namespace, console: Console) -> None:
    found = await client.models.page(
        arguments.model,
        arguments.user,
        least_score=arguments.least,
        version=arguments.version,
        page_size=arguments.limit,
    )
    show(found.message.predictions, _PREDICTIONS, arguments, console)
    if arguments.format == "table":
        console.say("", f"{len(found.rows):,} of {found.total:,}, by {found.version}", *found.notes)


async def _health(client: Client, arguments: Namespace, console: Console) -> int:
    """Shows how a model fares; the exit code says whether it should be trained anew."""
    found = await client.models.health(arguments.model)
    if arguments.format == "json":
        console.say(*written([MessageToDict(found, preserving_proto_field_name=True)], "json"))
    else:
        console.say(found.summary)
        for messages, columns in ((found.windows, _WINDOWS), (found.drift[:10], _DRIFT)):
            if messages:
                console.say("")
                show(messages, columns, arguments, console)
    return 1 if found.alarm else 0


def _figure(model: pb.Model, value: float) -> str:
    return f"{value:.3f}" if model.serving_version else ""
