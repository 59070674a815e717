"""Print the lowest versions that pyproject.toml allows, as constraints for pip."""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
for requirement in project["dependencies"] + project["optional-dependencies"]["test"]:
    match = re.fullmatch(r"([\w.-]+)>=([\w.]+)", requirement)
    assert match, f"{requirement}: a dependency has a lower bound and nothing else"
    print("{}=={}".format(*match.groups()))
