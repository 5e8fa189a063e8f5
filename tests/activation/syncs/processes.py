"""Processes that start with everything imported, so that one that is soon killed does some work."""

import multiprocessing
import os
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path


def processes_with(module: str) -> ForkServerContext:
    """A context whose processes have imported the module.

    There is one fork server in a process: the first module asked for is the one that it holds.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    before = os.environ.get("PYTHONPATH")
    # Python 3.11's fork server imports before it knows the parent's path.
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[3])
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context
