"""Everything in `mappings/`, read and checked together, so that one run reports all faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tools.content import mappings
from tools.content.fields import Dictionary, read_dictionary
from tools.content.mappings import (
    Activity,
    CimOutcome,
    CodedName,
    CommandType,
    Operation,
    OperationList,
    Response,
)
from tools.content.standards import ecs, ocsf
from tools.content.strict_yaml import Fault, MappingError


@dataclass(frozen=True)
class Mappings:
    """The files of `mappings/`, without a fault."""

    operations: list[Operation]
    responses: list[Response]
    user_types: list[CodedName]
    log_types: list[CodedName]
    command_types: list[CommandType]
    cim_outcomes: dict[str, CimOutcome]
    activities: list[Activity]
    dictionary: Dictionary
    ocsf: ocsf.OcsfMapping
    ecs: ecs.EcsMapping


_LISTS: dict[str, Callable[[Path], Any]] = {
    "responses": mappings.read_responses,
    "user_types": mappings.read_user_types,
    "log_types": mappings.read_log_types,
    "command_types": mappings.read_command_types,
    "cim_outcomes": mappings.read_cim_outcomes,
    "activities": mappings.read_activities,
    "dictionary": read_dictionary,
}


def read_mappings(folder: Path) -> Mappings:
    """All mappings of this folder.

    Raises MappingError with the faults of all files, OSError for a file that cannot be read.
    """
    faults: list[Fault] = []

    def attempt(read: Callable[[], Any]) -> Any:  # noqa: ANN401  (as `read` returns it)
        try:
            return read()
        except MappingError as error:
            faults.extend(error.faults)
            return None

    lists = {name: attempt(partial(read, folder)) for name, read in _LISTS.items()}
    names = [row.name for row in lists["command_types"] or ()]
    operations = attempt(lambda: OperationList(folder, names))
    if operations is not None:
        known = operations
        lists["ocsf"] = attempt(lambda: ocsf.read_mapping(folder, known))
        lists["ecs"] = attempt(lambda: ecs.read_mapping(folder, known))
        faults += operations.faults
    if faults or operations is None:
        raise MappingError(faults)
    return Mappings(operations=[*operations.valid.values()], **lists)
