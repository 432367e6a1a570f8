"""What is stored of a predictor: a `Predictor` goes in, text and bytes come out, and the other way round. Pure.

All but trees is JSON, in which every number reads back as it was. Trees are kept by skops, which is read only where it holds nothing
but the types of `TRUSTED`; its file is brought to one form, because it would otherwise tell addresses in memory and the time.
"""

import hashlib
import io
import zipfile
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import orjson
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier

from services.insights.models.calibration import Calibration
from services.insights.models.candidate import BOOSTED, LOGISTIC, MEAN, Boosted, Candidates, Logistic
from services.insights.models.drift import Reference
from services.insights.models.expectation import Expected
from services.insights.models.matrix import Column
from services.insights.models.predictor import Predictor
from services.insights.models.rule import Rule

TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""Types beyond those of scikit-learn and numpy that skops knows to be harmless."""
_NOT_NEEDED = ("_bin_mapper", "_feature_subsample_rng", "train_score_", "validation_score_")
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Content:
    """A predictor as it is stored."""

    text: bytes
    trees: bytes | None

    @property
    def sha256(self) -> str:
        """Of all of it, as hexadecimal digits."""
        return hashlib.sha256(self.text + (self.trees or b"")).hexdigest()


def stored(predictor: Predictor) -> Content:
    """What is kept: of the candidates only those that the predictor uses."""
    logistic, boosted = predictor.candidates.logistic, predictor.candidates.boosted
    text = {
        "algorithm": int(predictor.algorithm),
        "columns": [asdict(each) for each in predictor.columns],
        "rule": asdict(predictor.candidates.rule),
        "calibration": asdict(predictor.calibration),
        "shown": predictor.shown,
        "references": [asdict(each) for each in predictor.references],
        "expected": asdict(predictor.expected),
    }
    trees = None
    if predictor.algorithm in (LOGISTIC, MEAN) and logistic is not None:
        text["logistic"] = asdict(logistic)
    if predictor.algorithm in (BOOSTED, MEAN) and boosted is not None:
        text["ranks"] = boosted.ranks
        trees = _one_form(skops.io.dumps(boosted.trees))
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_SORT_KEYS
    return Content(orjson.dumps(text, option=options, default=_plain), trees)


def loaded(content: Content) -> Predictor:
    """The predictor; raises `ValueError` for content with types that are not trusted."""
    text = orjson.loads(content.text)
    logistic = boosted = None
    if given := text.get("logistic"):
        arrays = {
            name: np.array(given[name]) for name in ("logged", "center", "scale", "gaps", "coefficients")
        }
        logistic = Logistic(**arrays, levels=tuple(given["levels"]), intercept=given["intercept"])
    if content.trees is not None:
        ranks = tuple(None if each is None else np.array(each, dtype=np.float64) for each in text["ranks"])
        boosted = Boosted(ranks, _trees(content.trees))
    return Predictor(
        algorithm=text["algorithm"],
        columns=tuple(
            Column(
                each["name"],
                None if each["levels"] is None else tuple(each["levels"]),
                _number(each["usual"]),
            )
            for each in text["columns"]
        ),
        candidates=Candidates(Rule(**_tuples(text["rule"])), logistic, boosted),
        calibration=Calibration(**_tuples(text["calibration"])),
        shown=tuple(text["shown"]),
        references=tuple(Reference(**_tuples(each)) for each in text["references"]),
        expected=Expected(**text["expected"]),
    )


def _trees(data: bytes) -> HistGradientBoostingClassifier:
    unknown = set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED)
    if unknown:
        raise ValueError(f"a stored model holds types that are not trusted: {', '.join(sorted(unknown))}")
    found = skops.io.loads(data, trusted=list(TRUSTED))
    if not isinstance(found, HistGradientBoostingClassifier):
        raise ValueError(f"a stored model is {type(found).__name__}, not trees")
    return found


def _one_form(data: bytes) -> bytes:
    """The same file with objects numbered in their order, and without times."""
    given = zipfile.ZipFile(io.BytesIO(data))
    schema, numbers = orjson.loads(given.read("schema.json")), dict[int, int]()
    _renumber(schema, numbers)
    files = {
        f"{numbers[int(name.removesuffix('.npy'))]}.npy": name
        for name in given.namelist()
        if name.endswith(".npy")
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as into:
        for name in sorted(files):
            into.writestr(zipfile.ZipInfo(name, _EPOCH), given.read(files[name]), zipfile.ZIP_DEFLATED)
        text = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
        into.writestr(zipfile.ZipInfo("schema.json", _EPOCH), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _renumber(node: Any, numbers: dict[int, int]) -> None:
    if isinstance(node, list):
        for each in node:
            _renumber(each, numbers)
    elif isinstance(node, dict):
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers))
        if str(node.get("file", "")).endswith(".npy"):
            node["file"] = f"{numbers[int(node['file'].removesuffix('.npy'))]}.npy"
        for each in node.values():
            _renumber(each, numbers)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value)} is not stored")


def _number(value: float | None) -> float:
    """JSON has no NaN and tells nothing instead."""
    return float("nan") if value is None else value


def _tuples(given: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
