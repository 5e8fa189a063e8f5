"""What a PostgreSQL error means for the rows of the batch that met it.

The SQLSTATE decides: the server's texts repeat the values of the offending row. Only a connection
that fails has no SQLSTATE in libpq; then the text is looked at, and never passed on.
"""

import re

import psycopg

from activation.connectors.protocol import ErrorClass

# Classes of SQLSTATE (first two characters), PostgreSQL documentation, appendix A.
_CLASS_OF_PREFIX = {
    "08": ErrorClass.TRANSIENT,  # connection
    "22": ErrorClass.BATCH_POISON,  # data
    "23": ErrorClass.BATCH_POISON,  # integrity
    "28": ErrorClass.AUTH,
    "40": ErrorClass.TRANSIENT,  # rolled back: serialisation, deadlock
    "53": ErrorClass.TRANSIENT,  # resources
    "55": ErrorClass.TRANSIENT,  # object in use, lock not available
    "57": ErrorClass.TRANSIENT,  # cancelled, shutting down
    "58": ErrorClass.TRANSIENT,  # system
}
_CLASS_OF_STATE = {
    "42501": ErrorClass.AUTH,  # insufficient privilege
}
# What a server that speaks English says; in other languages the class is transient.
_REFUSED_LOGIN = re.compile(r'authentication failed|no pg_hba\.conf entry|role ".*" does not exist')
_NO_DATABASE = re.compile(r'database ".*" does not exist')


def class_of(error: psycopg.Error) -> ErrorClass:
    """The class of an error met before the commit, when the server keeps nothing of the batch."""
    state = error.sqlstate
    if state is None:
        if isinstance(error, psycopg.OperationalError):
            return _class_of_failed_connection(str(error))
        # Values that the client can't even write down, such as text with a NUL.
        return ErrorClass.BATCH_POISON
    known = _CLASS_OF_STATE.get(state) or _CLASS_OF_PREFIX.get(state[:2])
    # Unknown states include 3D, 3F, 42: no such database, schema, table, column or constraint.
    return known or ErrorClass.CONFIG


def _class_of_failed_connection(text: str) -> ErrorClass:
    if _REFUSED_LOGIN.search(text):
        return ErrorClass.AUTH
    return ErrorClass.CONFIG if _NO_DATABASE.search(text) else ErrorClass.TRANSIENT
