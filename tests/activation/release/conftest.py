from pathlib import Path

import pytest

from activation.release import Bundle, read_bundle

ROOT = Path(__file__).parents[3]
ASKED = "days_to_renewal between 76 and 90"


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle]:
    """The project's release, and one that reminds of renewals later."""
    first = read_bundle(ROOT)
    root = tmp_path_factory.mktemp("later")
    first.write(root)
    path = root / "activation/journeys/renewal_reminder_day_90.yml"
    path.write_text(path.read_text().replace(ASKED, "days_to_renewal between 76 and 80"))
    return first, read_bundle(root)
