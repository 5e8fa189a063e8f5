"""`assent demo`: writes a simulated insurer's landing zone."""

from datetime import datetime
from pathlib import Path

import click

from orchestration import environment

# Morning in Europe and night in America, so that a run has something to defer.
AS_OF = "2026-11-20T09:00:00+00:00"


@click.command("demo")
@click.option(
    "--people",
    type=int,
    default=5_000,
    show_default=True,
    help="How many persons the insurer knows.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes."
)
@click.option(
    "--as-of",
    default=AS_OF,
    show_default=True,
    help="The moment of the export, ISO 8601 with an offset.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="The landing zone.  [default: the home's, whose clock then stands at --as-of]",
)
@click.option(
    "--days", type=int, default=0, show_default=True, help="How many next days to write as well."
)
@click.option(
    "--truth",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Who is who, for scoring only.  [default: truth/identity.csv beside the landing zone]",
)
def demo(
    people: int, seed: int, as_of: str, out: Path | None, days: int, truth: Path | None
) -> None:
    """Write the landing zone of a simulated insurer: the exports of its systems, as messy as real
    ones.
    """
    # Imported here: a command line that does something else need not wait for numpy and pyarrow.
    from rich.console import Console

    from orchestration.demo.at_home import simulate
    from orchestration.demo.landing_zone import write_world
    from orchestration.demo.summary import rendered

    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError:
        raise click.BadParameter("not an ISO 8601 timestamp", param_hint="--as-of") from None
    try:
        if out is None:
            home = environment.home()
            summary = simulate(home, people=people, seed=seed, as_of=moment, days=days)
        else:
            summary = write_world(
                out, people=people, seed=seed, as_of=moment, days=days, truth=truth
            )
    except (ValueError, FileExistsError) as error:
        raise click.ClickException(str(error)) from None
    Console().print(rendered(summary))
