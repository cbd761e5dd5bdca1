"""`docs/dashboards.md`: what each view answers, and what each of its panels shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tools.content import markdown
from tools.content.dashboards.schema import PREFIX, ClickTarget, Common, Panel, View

PAGE = "docs/dashboards.md"
PICTURES = "dashboards"  # next to the page
_HEAD = """\
<!-- generated from dashboards/*.yml by make generate -->
# Dashboards

{count}, each for one question, in Dashboard Studio (Splunk Enterprise 9.3 or later, and
Splunk Cloud), light and dark. Open the app *AWS CloudHSM* and choose one above. To see them without
Splunk, over a made-up week with an attack in it: `make preview`.

- **Choose** a time range, a cluster, an HSM, a user, a category: everything below follows.
- **Click** a number or a row: the records behind it open in the search page, or another view that
  goes on with what you clicked.
- **Nothing to see?** An empty table says what to do. Start with *Health*.
- Times are those of the records, in the time zone of your Splunk user. Each record counts once,
  also if it was delivered twice; an act that all HSMs of a cluster record counts once per cluster
  where the panel says so.
- Names of users are shown as text and searched by their SHA-256: whoever makes a user chooses its
  name, and a name must not become a search.
- **An error that names `set_cloudhsm_index_...`?** The macro `cloudhsm_index` is not set:
  *Settings > Advanced search > Search macros*, for example `(index=hsm)`. Every view reads that
  index only.
- Change them: *Clone* in Dashboard Studio; or in the source,
  [writing-dashboards.md](writing-dashboards.md).

"""


def manual(views: Mapping[str, View], common: Common) -> str:
    """Markdown, the views in the order of the navigation."""
    parts = [_HEAD.format(count=_counted(len(views)))]
    parts += [line for name, view in views.items() for line in _view(name, view, common)]
    return "\n".join(parts).rstrip() + "\n"


def _counted(number: int) -> str:
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    count = words[number] if number < len(words) else str(number)
    return f"{count} view" if number == 1 else f"{count} views"


def _view(name: str, view: View, common: Common) -> Iterator[str]:
    yield f"## {view.label}"
    yield f"\n*{view.question}*\n"
    yield f"![{view.label}]({PICTURES}/{name}-light.png)\n"
    titles = [common.inputs.by_name[item].title for item in view.inputs]
    titles += [item.title for item in view.own_inputs.values()]
    yield f"Inputs: {', '.join(titles)}.\n"
    titled = ((panel.title, panel) for panel in view.panels if panel.title)
    rows = ((title, panel.about or "", _opens(panel)) for title, panel in titled)
    yield from markdown.table(("panel", "says", "a click opens"), rows)
    yield ""


def _opens(panel: Panel) -> str:
    opens: ClickTarget | None = panel.opens
    if opens is None:
        return ""
    if opens.view:
        return f"`{PREFIX}{opens.view}`"
    return "the records" if opens.records else "what else is here about it"
