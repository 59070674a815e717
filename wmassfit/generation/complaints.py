"""What users write in YAML, read and complained about in our words: file, field, value, remedy."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from wmassfit.errors import RecipeError

__all__ = ["explain", "read_mapping"]


def read_mapping(path: Path, what: str) -> dict[str, Any]:
    """The mapping in a YAML file; `what` it is to be, with its first keys. Raises RecipeError with file and remedy."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read ({error})") from error
    except RecursionError as error:
        raise RecipeError(f"{path}: not valid YAML: it is nested too deeply") from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{path}: {what}, this is {type(content).__name__}")
    return content


def explain(error: ValidationError, model: type[BaseModel], *, whole: str = "the whole") -> str:
    """One line for all that is wrong with the content of a `model`; `whole` is what it is called as a whole."""
    complaints = []
    for item in error.errors():
        place = ".".join(str(step) for step in item["loc"]) or whole
        if item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(item["loc"][-1]), _fields_beside(model, item["loc"]), n=1)
            remedy = f"did you mean {near[0]}?" if near else "remove it"
            complaints.append(f"{place}: unknown key; {remedy}")
        elif item["type"] == "missing":
            complaints.append(f"{place}: missing; give it a value")
        else:
            message = item["msg"].removeprefix("Value error, ")
            # what is said of a large part as a whole names the fields itself
            value = f" = {item['input']!r}" if len(repr(item["input"])) <= 200 else ""
            complaints.append(f"{place}{value}: {message[:1].lower()}{message[1:]}")
    return "; ".join(complaints)


def _fields_beside(model: Any, location: tuple[int | str, ...]) -> list[str]:
    for step in location[:-1]:
        if isinstance(step, int):  # an item of a list, whose type has been found
            continue
        fields = getattr(model, "model_fields", {})
        if step not in fields:
            return []
        annotation = fields[step].annotation
        options = [annotation, *getattr(annotation, "__args__", ())]
        model = next((option for option in options if hasattr(option, "model_fields")), None)
    return list(getattr(model, "model_fields", {}))
