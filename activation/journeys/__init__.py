"""Journeys: one YAML file per node, checked before anything is compiled from it."""

from activation.journeys.condition import Condition, ConditionError, parse_condition
from activation.journeys.evaluation import holds
from activation.journeys.fields import FieldType
from activation.journeys.loading import JourneySet, load
from activation.journeys.names import Assurance, Channel, Residency
from activation.journeys.node import Kind, Node
from activation.journeys.policies import Cap, CapUnit, Policies
from expectations.located_yaml import SourceError

__all__ = [
    "Assurance",
    "Cap",
    "CapUnit",
    "Channel",
    "Condition",
    "ConditionError",
    "FieldType",
    "JourneySet",
    "Kind",
    "Node",
    "Policies",
    "Residency",
    "SourceError",
    "holds",
    "load",
    "parse_condition",
]
