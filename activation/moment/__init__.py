"""At the moment of activation: decide about one person, from a published copy and live consent."""

from activation.moment.decision_point import DecisionPoint
from activation.moment.publishing import publish_copy
from activation.moment.read_copy import CopyError, ReadCopy
from activation.moment.request import Request, Rules

__all__ = ["CopyError", "DecisionPoint", "ReadCopy", "Request", "Rules", "publish_copy"]
