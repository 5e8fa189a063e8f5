"""The ways out: connectors to destinations, and what the sync engine may expect of them."""

from activation.connectors.protocol import Batch, Capabilities, Connector, ConnectorError
from activation.connectors.settings import SettingsError, build_connector, read_destinations

__all__ = [
    "Batch",
    "Capabilities",
    "Connector",
    "ConnectorError",
    "SettingsError",
    "build_connector",
    "read_destinations",
]
