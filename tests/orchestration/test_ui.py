"""`assent ui` looked at in a real browser: the path in groups, policy tags, contract rules."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

START_SECONDS = 180
PAGE_MILLISECONDS = 40_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> str:
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on this machine (Debian: apt-get install chromium); CI installs it")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Dagster's web interface over a fresh home; ended as a person would, with a signal."""
    home = tmp_path_factory.mktemp("ui") / "var"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "orchestration.cli", "ui", "--home", str(home)]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if "ASSENT" not in name},
    )
    try:
        yield _awaited(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _awaited(url: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "assent ui ended by itself"
        try:
            if httpx.get(f"{url}/server_info", timeout=5).status_code == 200:
                return url
        except httpx.TransportError:
            time.sleep(1)
    raise AssertionError(f"assent ui did not answer within {START_SECONDS} s")


def seen(browser: str, url: str, profile: Path) -> str:
    """The text of a page after its scripts have run."""
    done = subprocess.run(
        [
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            f"--user-data-dir={profile}",
            "--window-size=1600,2400",
            f"--virtual-time-budget={PAGE_MILLISECONDS}",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    return unescape(re.sub(r"<[^>]+>", " ", done.stdout))


@pytest.mark.browser
def test_the_browser_shows_the_path_in_groups(browser: str, address: str, tmp_path: Path) -> None:
    page = seen(browser, f"{address}/asset-groups", tmp_path)
    for group in ("landing", "staging", "identity", "consent", "contexts", "outbound", "syncs"):
        assert re.search(rf"\b{group}\b", page), group


@pytest.mark.browser
def test_the_browser_shows_owner_kind_and_policy_tags_of_a_landing_column(
    browser: str, address: str, tmp_path: Path
) -> None:
    page = seen(browser, f"{address}/assets/landing/crm_contacts", tmp_path)
    for shown in (
        "category/user.contact.email",
        "residency/uk",
        "retention/3650d",
        "team-data@assent.example",
    ):
        assert shown in page, shown


@pytest.mark.browser
def test_the_browser_lists_the_contract_rules_of_a_context_as_checks(
    browser: str, address: str, tmp_path: Path
) -> None:
    page = seen(browser, f"{address}/assets/contexts/ctx_policy?view=checks", tmp_path)
    assert "contract__freshness" in page
    assert "contract__person_is_known" in page
