"""Everything in `mappings/`, read and checked together, so that one run reports all faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

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

T = TypeVar("T")


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


def read_mappings(folder: Path) -> Mappings:
    """All mappings of this folder.

    Raises MappingError with the faults of all files, OSError for a file that cannot be read.
    """
    faults: list[Fault] = []

    def attempt(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except MappingError as error:
            faults.extend(error.faults)
            return None

    responses = attempt(lambda: mappings.read_responses(folder))
    user_types = attempt(lambda: mappings.read_user_types(folder))
    log_types = attempt(lambda: mappings.read_log_types(folder))
    command_types = attempt(lambda: mappings.read_command_types(folder))
    cim_outcomes = attempt(lambda: mappings.read_cim_outcomes(folder))
    activities = attempt(lambda: mappings.read_activities(folder))
    dictionary = attempt(lambda: read_dictionary(folder))
    names = [row.name for row in command_types or ()]
    operations = attempt(lambda: OperationList(folder, names))
    in_ocsf = in_ecs = None
    if operations is not None:
        known = operations
        in_ocsf = attempt(lambda: ocsf.read_mapping(folder, known))
        in_ecs = attempt(lambda: ecs.read_mapping(folder, known))
        faults += operations.faults
    if (
        faults
        or operations is None
        or responses is None
        or user_types is None
        or log_types is None
        or command_types is None
        or cim_outcomes is None
        or activities is None
        or dictionary is None
        or in_ocsf is None
        or in_ecs is None
    ):
        raise MappingError(faults)
    return Mappings(
        [*operations.valid.values()],
        responses,
        user_types,
        log_types,
        command_types,
        cim_outcomes,
        activities,
        dictionary,
        in_ocsf,
        in_ecs,
    )
