"""Holds events against schemas: columns of events come in, which rows are not allowed and why go out to `judgement`.

Rows are looked at by the name of their event, and properties that are the same text once. Whether a text is allowed takes half a
microsecond; what is wrong with it is asked only where it is not. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import jsonschema_rs
import numpy as np
import orjson
import pyarrow as pa

from services.ingest.schemas.document import Document, read
from services.ingest.schemas.fault import told
from tidemark.v1 import schema_pb2 as pb

WARN = pb.ENFORCEMENT_WARN


@dataclass(frozen=True, slots=True)
class Compiled:
    """A schema that can be held against events."""

    version: int
    enforcement: pb.Enforcement
    document: Document

    def fault(self, properties: object) -> tuple[str, str] | None:
        """The field at fault and what is wrong; None where the properties are allowed."""
        try:
            self.document.explainer.validate(properties)
        except jsonschema_rs.ValidationError as error:
            return told(error)
        return None


@dataclass(frozen=True, slots=True)
class Violation:
    """The first thing that a schema does not allow in a row."""

    row: int
    field: str
    """As in `properties.amount`."""
    message: str
    enforcement: pb.Enforcement


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of rows."""

    versions: dict[str, int] = field(default_factory=dict)
    """By name of event, the version of the schema applied."""
    checked: dict[str, int] = field(default_factory=dict)
    """By name of event, how many rows were checked."""
    violations: list[Violation] = field(default_factory=list)
    """In the order of the rows; at most one for each."""


def compile_schema(schema: pb.Schema, at: str = "schema") -> Compiled:
    """A schema made ready; raises `Invalid` naming the place below `at`."""
    document = read(schema.document, f"{at}.document")
    return Compiled(schema.version, schema.enforcement or WARN, document)


def check(schemas: Mapping[str, Compiled], rows: pa.RecordBatch) -> Checked:
    """Holds every row against the schema of its event, where there is one; events without properties have empty ones."""
    found = Checked()
    if not schemas:
        return found
    encoded = rows.column("name").dictionary_encode()
    places = encoded.indices.to_numpy()
    for number, name in enumerate(encoded.dictionary.to_pylist()):
        schema = schemas.get(name)
        if schema is None:
            continue
        at = np.flatnonzero(places == number)
        found.versions[name], found.checked[name] = schema.version, len(at)
        texts = rows.column("properties").take(pa.array(at)).to_pylist()
        faults = _faults(schema, texts)
        if faults:
            found.violations.extend(
                Violation(row, *faults[text], schema.enforcement)
                for row, text in zip(at.tolist(), texts)
                if text in faults
            )
    found.violations.sort(key=lambda violation: violation.row)
    return found


def _faults(schema: Compiled, texts: list[str | None]) -> dict[str | None, tuple[str, str]]:
    """By text, the fault of those that are not allowed."""
    is_valid, loads = schema.document.validator.is_valid, orjson.loads
    bad = [text for text in set(texts) if not is_valid(loads(text or "{}"))]
    return {text: fault for text in bad if (fault := schema.fault(loads(text or "{}"))) is not None}
