"""At the moment of activation: decide about one person, from a published copy and live consent."""

from activation.moment.decision_point import DecisionPoint, Rules
from activation.moment.publishing import publish_copy
from activation.moment.read_copy import CopyError, ReadCopy

__all__ = ["CopyError", "DecisionPoint", "ReadCopy", "Rules", "publish_copy"]
