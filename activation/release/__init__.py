"""Releases: what decides is changed only as one content-addressed whole."""

from activation.decisions.contract import Release
from activation.release.manifest import build
from activation.release.registry import ReleaseError, active, register, stored_releases

__all__ = ["Release", "ReleaseError", "active", "build", "register", "stored_releases"]
