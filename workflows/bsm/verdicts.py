"""One table from the JSON of many `wmassfit confront --json`: a row a measurement and model.

python workflows/bsm/verdicts.py CMS/real_triplet.json CDF/real_triplet.json … --folder results
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from wmassfit.report.tables import save_rows, to_markdown

COLUMNS = ("case", "m_w_mev", "uncertainty_mev", "sm_pull", "model", "allowed", "explains_m_w", "verdict")


def rows(paths: list[Path]) -> list[dict[str, object]]:
    """The rows of all files; the name of a file's folder is its case."""
    found: list[dict[str, object]] = []
    for path in paths:
        content = json.loads(path.read_text(encoding="utf-8"))
        for name, model in content["models"].items():
            found.append(
                {
                    "case": path.parent.name,
                    "m_w_mev": content["m_w"]["value"],
                    "uncertainty_mev": content["m_w"]["uncertainty"],
                    "sm_pull": round(content["sm"]["pull"], 3),
                    "model": name,
                    "allowed": model["allowed"],
                    "explains_m_w": model["explains_m_w"],
                    "verdict": model["verdict"],
                }
            )
    return found


def text(table: list[dict[str, object]]) -> str:
    """Markdown: models against measurements, then every verdict in a line."""
    cases = list(dict.fromkeys(str(row["case"]) for row in table))
    models = list(dict.fromkeys(str(row["model"]) for row in table))
    answer = {(row["case"], row["model"]): "allowed" if row["allowed"] else "no" for row in table}
    cells = [[name, *(answer.get((case, name), "") for case in cases)] for name in models]
    verdicts = [f"- {row['case']}, {row['model']}: {row['verdict']}" for row in table]
    return "\n".join([to_markdown(["model", *cases], cells), *verdicts]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    table = rows(arguments.files)
    save_rows(arguments.folder, "verdicts", table, keys=COLUMNS, markdown=text(table))


if __name__ == "__main__":
    main()
