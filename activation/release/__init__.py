"""Releases: what decides is changed only as one content-addressed, signed whole."""

from typing import TYPE_CHECKING

from activation.deferred import deferred

if TYPE_CHECKING:
    from activation.release.activation import Check, activate, require_fit, require_second_person
    from activation.release.bundle import read_bundle, read_files, same_warehouse
    from activation.release.canary import Canary
    from activation.release.errors import ReleaseError, ReleaseRefused
    from activation.release.manifest import build, release_of
    from activation.release.pointer import active_id, rollback
    from activation.release.registry import open_bundle, record, stored_releases
    from activation.release.release import Bundle, Release
    from activation.release.signing import sign

_MODULES = {
    "Bundle": ".release",
    "Canary": ".canary",
    "Check": ".activation",
    "Release": ".release",
    "ReleaseError": ".errors",
    "ReleaseRefused": ".errors",
    "activate": ".activation",
    "active_id": ".pointer",
    "build": ".manifest",
    "open_bundle": ".registry",
    "read_bundle": ".bundle",
    "read_files": ".bundle",
    "record": ".registry",
    "release_of": ".manifest",
    "require_fit": ".activation",
    "require_second_person": ".activation",
    "rollback": ".pointer",
    "same_warehouse": ".bundle",
    "sign": ".signing",
    "stored_releases": ".registry",
}

__all__ = [
    "Bundle",
    "Canary",
    "Check",
    "Release",
    "ReleaseError",
    "ReleaseRefused",
    "activate",
    "active_id",
    "build",
    "open_bundle",
    "read_bundle",
    "read_files",
    "record",
    "release_of",
    "require_fit",
    "require_second_person",
    "rollback",
    "same_warehouse",
    "sign",
    "stored_releases",
]

__getattr__ = deferred(__name__, _MODULES)
