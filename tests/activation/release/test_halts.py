"""Halting and resuming a node: a history that only grows, and what holds now."""

import pytest
from sqlalchemy import Engine

from activation.release import ReleaseError
from activation.release.halts import changes, halt, halted, resume
from activation.store import transaction
from tests.activation.release.projects import AT


def test_a_node_is_halted_until_it_is_resumed(store: Engine) -> None:
    with transaction(store) as connection:
        for node in ("a", "b"):
            halt(connection, node, reason="wrong price", actor="ana", at=AT)
        assert halted(connection) == {"a", "b"}
        resume(connection, "a", reason="mended", actor="ben", at=AT)
        assert halted(connection) == {"b"}
        assert [(one.node, one.state) for one in changes(connection)] == [
            ("a", "halted"),
            ("b", "halted"),
            ("a", "resumed"),
        ]


def test_what_is_so_already_is_said(store: Engine) -> None:
    with transaction(store) as connection:
        with pytest.raises(ReleaseError, match="a is not halted"):
            resume(connection, "a", reason="why", actor="ana", at=AT)
        halt(connection, "a", reason="why", actor="ana", at=AT)
        with pytest.raises(ReleaseError, match="a is halted already"):
            halt(connection, "a", reason="why", actor="ana", at=AT)
        for change in (halt, resume):
            with pytest.raises(ReleaseError, match="say who does it"):
                change(connection, "b", reason="", actor="ana", at=AT)
