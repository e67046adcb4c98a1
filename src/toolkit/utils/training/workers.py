"""The processes that train one network together, as the engine sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Workers(Protocol):
    """This process among those that train one network together."""

    @property
    def rank(self) -> int:
        """The number of this process; 0 logs and saves."""

    @property
    def size(self) -> int:
        """How many processes there are."""

    @property
    def kvstore(self) -> str | None:
        """MXNet's name of what adds up gradients; None where nothing is to be added up."""

    @property
    def store(self) -> Any:
        """MXNet's KVStore of that name; None where there is none."""

    def command(self, body: Mapping[str, Any]) -> None:
        """Tells servers that update parameters by themselves something."""

    def reduce(self, values: Mapping[str, float]) -> dict[str, float]:
        """The sums of each value over all processes, the same in each of them."""

    def barrier(self) -> None:
        """Waits until all processes have come here."""


@dataclass(frozen=True)
class Alone:
    """The one process of a run on one machine."""

    rank: int = 0
    size: int = 1
    kvstore: str | None = None  # several contexts are added up by "device" where this is None
    store: None = None

    def command(self, body: Mapping[str, Any]) -> None:
        """Does nothing: there are no servers."""

    def reduce(self, values: Mapping[str, float]) -> dict[str, float]:
        """The values themselves."""
        return dict(values)

    def barrier(self) -> None:
        """Returns at once."""
