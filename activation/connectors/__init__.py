"""The ways out: connectors to destinations, and what the sync engine may expect of them."""

from activation.connectors.protocol import Batch, Capabilities, Connector, ConnectorError
from activation.connectors.settings import build_connector, read_destinations

__all__ = [
    "Batch",
    "Capabilities",
    "Connector",
    "ConnectorError",
    "build_connector",
    "read_destinations",
]
