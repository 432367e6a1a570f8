"""What a task remembers from one look to the next, as bytes and back. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

import orjson

from services.insights.watch.control import Control
from services.insights.watch.series import Chosen


@dataclass(frozen=True, slots=True)
class State:
    """Between two looks at the series of a project."""

    chosen: Chosen = field(default_factory=Chosen)
    chosen_at: datetime | None = None
    control: Control = field(default_factory=Control)

    def encode(self) -> bytes:
        """As bytes, to be stored."""
        return orjson.dumps(
            {
                "names": self.chosen.names,
                "metrics": self.chosen.metrics,
                "chosen_at": self.chosen_at,
                "control": self.control.plain(),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> "State":
        """What `encode` has made; the first state of nothing."""
        if not data:
            return cls()
        found = orjson.loads(data)
        chosen_at = found["chosen_at"]
        return cls(
            Chosen(tuple(found["names"]), tuple((name, kind) for name, kind in found["metrics"])),
            datetime.fromisoformat(chosen_at) if chosen_at else None,
            Control.of(found["control"]),
        )
