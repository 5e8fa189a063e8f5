"""The access package for a person to read: one Markdown page."""

from typing import Any


def in_words(document: dict[str, Any]) -> str:
    """The page. Values stand in it as they are: it is the person's own copy."""
    lines = [
        "# What we know about you",
        "",
        f"As of {document['as_of']}.",
        "",
        "## Who you are to us",
        "",
        *(f"- {one['record']}, linked {one['linked']}" for one in document["known_as"]),
    ]
    hidden = document["records_not_shown"]
    if hidden["count"]:
        lines += ["", f"{hidden['count']} further records are not shown: {hidden['why']}."]
    for system, tables in document["systems"].items():
        lines += ["", f"## From {system}"]
        for table, content in tables.items():
            lines += ["", *_table(table, content)]
    lines += ["", "## Who received your data", "", *_list(document["recipients"], _recipient)]
    lines += ["", "## What you told us about being contacted", ""]
    lines += _list(document["consent"], _statement)
    lines += ["", "## What was decided about you, and why", ""]
    lines += _list(document["decisions"], lambda one: one["in_words"].replace("\n", " "))
    lines += ["", "## How decisions are made", "", document["profiling"]]
    lines += ["", "## Your rights", "", *(f"- {one}" for one in document["rights"]), ""]
    return "\n".join(lines)


def _list(items: list[dict[str, Any]], say: Any) -> list[str]:
    return [f"- {say(one)}" for one in items] or ["Nothing."]


def _recipient(one: dict[str, Any]) -> str:
    return (
        f"{one['at']}: {one['recipient']} ({one['region']}), for {one['purpose']} "
        f"by {one['channel']}: {', '.join(one['fields'])}"
    )


def _statement(one: dict[str, Any]) -> str:
    return f"{one['at']}: {one['said']} {one['purpose']} by {one['channel']} ({one['source']})"


def _table(table: str, content: dict[str, Any]) -> list[str]:
    names = list(content["columns"])
    labels = content["columns"].values()
    purposes = sorted({purpose for one in labels for purpose in one["purposes"]})
    days = sorted({one["kept_for_days"] for one in labels if one["kept_for_days"]})
    categories = sorted({name for one in labels for name in one["categories"]})
    return [
        f"### {table}",
        "",
        f"Kinds of data: {', '.join(categories)}. Used for: {', '.join(purposes)}. "
        f"Kept for: {' or '.join(map(str, days)) or 'no limit'} days.",
        "",
        f"| {' | '.join(names)} |",
        f"|{'---|' * len(names)}",
        *(f"| {' | '.join(_cell(row[name]) for name in names)} |" for row in content["rows"]),
    ]


def _cell(value: Any) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
