"""HistFactory XML with its ROOT histograms, as `hist2workspace` of ROOT takes it, through `pyhf.readxml`.

pyhf turns XML and histograms into a workspace; what it passes over is read here or refused. `StatErrorConfig` is
honoured as ROOT does: `ConstraintType` Poisson (ROOT's default) or Gaussian, and parameters of bins with a relative
uncertainty below `RelErrorThreshold` (0.05 by default) are fixed. JSON knows the Gaussian one alone, so the templates
may not go into JSON afterwards.

Paths in XML are relative to a folder that is nowhere in the files: `folder`, or else the first of the file's own
folder and those above it, two levels up, in which all inputs exist. No file outside that folder is opened.
"""

from __future__ import annotations

import logging
import math
import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wmassfit.errors import FormatError, TemplateError, UnsupportedFeature, WmassfitError
from wmassfit.interchange.histfactory.build import StatError, build
from wmassfit.interchange.registry import Format, existing_file
from wmassfit.templateset import TemplateSet

__all__ = ["FORMAT", "read_histfactory_xml"]

_LARGEST = 16 * 2**20
_FILES = ("InputFile", "HistoFile", "HistoFileLow", "HistoFileHigh")
_NUMBERS = {"OverallSys": ("High", "Low"), "NormFactor": ("Val", "Low", "High")}
_KNOWN = {
    "Combination": ("Input", "Measurement"),
    "Measurement": ("POI", "ParamSetting", "ConstraintTerm"),
    "Channel": ("Data", "StatErrorConfig", "Sample"),
    "Sample": ("StatError", "HistoSys", "OverallSys", "ShapeSys", "NormFactor", "ShapeFactor"),
}


def read_histfactory_xml(
    path: str | Path,
    *,
    measurement: str | None = None,
    folder: str | Path | None = None,
    normsys: str | None = None,
    histosys: str | None = None,
) -> TemplateSet:
    """The templates of one measurement (the first, if none is named).

    `normsys` and `histosys` choose the interpolation, code4 and code4p by default, as ROOT's.
    Raises FormatError for broken or missing files, and for paths that leave the folder; UnsupportedFeature, with a
    list, for what is in the files and cannot be honoured.
    """
    file = existing_file(path)
    top = _parsed(file, "Combination")
    inputs = [(item.text or "").strip() for item in top.findall("Input")]
    if not inputs:
        raise FormatError(f"{file}: there is no Input, so there are no channels")
    root = _folder(file, inputs, folder)
    channels = {name: _parsed(_inside(root, name, file), "Channel") for name in inputs}
    problems = list(_beyond(top, measurement))
    for name, channel in channels.items():
        problems += _beyond_channel(channel, name)
        for element in channel.iter():
            for attribute in _FILES:
                if element.get(attribute):
                    existing_file(_inside(root, element.attrib[attribute], file))
    for name, channel in channels.items():
        _check_numbers(channel, f"{file}: channel {channel.get('Name', name)}")
        _check_histograms(channel, f"{file}: channel {channel.get('Name', name)}", root)
    if problems:
        listed = "\n  ".join(problems)
        raise UnsupportedFeature(f"{file}: this cannot be honoured:\n  {listed}")
    try:
        return build(
            _workspace(file, root),
            measurement=measurement,
            codes={"normsys": normsys, "histosys": histosys},
            where=str(file),
            stat_errors={f"staterror_{c.get('Name')}": _stat_error(c, str(file)) for c in channels.values()},
        )
    except TemplateError as error:
        raise FormatError(f"{file}: {error}") from error


def _parsed(path: Path, tag: str) -> ElementTree.Element:
    existing_file(path)
    if path.stat().st_size > _LARGEST:
        raise FormatError(f"{path} has {path.stat().st_size} bytes, more than {_LARGEST}: this is no HistFactory XML")
    content = path.read_bytes()
    if b"<!ENTITY" in content:
        # Entities that expand to entities can fill any memory; HistFactory has no use for them.
        raise FormatError(f"{path} declares XML entities, which are not read; write out what they stand for")
    try:
        element = ElementTree.fromstring(content)
    except (ElementTree.ParseError, LookupError, ValueError, RecursionError) as error:
        raise FormatError(f"{path} is not XML: {error}") from error
    if element.tag != tag:
        raise FormatError(f"{path} is a {element.tag}, where a HistFactory {tag} must stand")
    return element


def _folder(file: Path, inputs: list[str], folder: str | Path | None) -> Path:
    if folder is not None:
        return Path(folder).expanduser().resolve()
    here = file.resolve().parent
    candidates = [here, *here.parents][:3]
    for candidate in candidates:
        if all((candidate / name).is_file() for name in inputs):
            return candidate
    # The message of the check says what is wrong with the first input.
    for name in inputs:
        _inside(here, name, file)
    raise FormatError(
        f"{file}: its input {inputs[0]} is neither in {' nor in '.join(map(str, candidates))}; "
        "say what the paths in it are relative to (--read folder=PATH)"
    )


def _inside(root: Path, name: str, file: Path) -> Path:
    target = (root / name).resolve()
    if not target.is_relative_to(root):
        raise FormatError(
            f"{file}: the path {name} leads out of {root}; name a folder that holds all its files (--read folder=PATH)"
        )
    return target


def _beyond(top: ElementTree.Element, measurement: str | None) -> Iterator[str]:
    """What the top level asks for and pyhf passes over."""
    for element in top:
        if element.tag not in _KNOWN["Combination"]:
            yield f"{element.tag} {element.get('Name', '')}"
    measurements = top.findall("Measurement")
    for chosen in [m for m in measurements if m.get("Name") == measurement] or measurements[:1]:
        where = f"measurement {chosen.get('Name')}"
        for element in chosen:
            if element.tag not in _KNOWN["Measurement"]:
                yield f"{where}: {element.tag}"
            if element.tag == "ConstraintTerm" and element.get("Type") != "Gaussian":
                yield f"{where}: the {element.get('Type')} constraint of {(element.text or '').strip()}"


def _beyond_channel(channel: ElementTree.Element, name: str) -> Iterator[str]:
    where = f"channel {channel.get('Name', name)}"
    for element in channel:
        if element.tag not in _KNOWN["Channel"]:
            yield f"{where}: {element.tag}"
    for sample in channel.findall("Sample"):
        for element in sample:
            if element.tag not in _KNOWN["Sample"]:
                yield f"{where}, sample {sample.get('Name')}: {element.tag} {element.get('Name', '')}"
            if element.tag == "ShapeSys" and element.get("ConstraintType", "Poisson") != "Poisson":
                kind = element.get("ConstraintType")
                yield f"{where}, sample {sample.get('Name')}: the {kind} constraint of ShapeSys {element.get('Name')}"


def _check_numbers(channel: ElementTree.Element, where: str) -> None:
    """Raise FormatError where an attribute that has to be a number is none."""
    for sample in channel.findall("Sample"):
        for element in sample:
            for attribute in _NUMBERS.get(element.tag, ()):
                text = element.get(attribute)
                try:
                    number = float(text) if text is not None else 0.0
                except ValueError:
                    number = math.nan
                if not math.isfinite(number):
                    raise FormatError(
                        f"{where}, sample {sample.get('Name')}: {element.tag} {element.get('Name')} has "
                        f"{attribute}={text!r}; a finite number is needed"
                    )


def _check_histograms(channel: ElementTree.Element, where: str, root: Path) -> None:
    """Raise FormatError where data or a sample name no histogram, or one that its file lacks."""
    import uproot

    keys: dict[Path, set[str]] = {}
    for element in (*channel.findall("Data"), *channel.findall("Sample")):
        what = f"{where}, {element.tag.lower()} {element.get('Name', '')}".rstrip()
        name, file = element.get("HistoName"), element.get("InputFile") or channel.get("InputFile")
        if not name or not file:
            raise FormatError(f"{what} names no {'HistoName' if file else 'InputFile'}")
        path = (root / file).resolve()
        if path not in keys:
            try:
                with uproot.open(path) as opened:
                    keys[path] = set(opened.keys(cycle=False))
            except Exception as error:
                # uproot meets damage with errors of many kinds.
                first = str(error).strip().partition("\n")[0]
                raise FormatError(f"{path} cannot be read ({type(error).__name__}: {first})") from error
        inside = "/".join(part for part in ((element.get("HistoPath") or "").strip("/"), name) if part)
        if inside not in keys[path]:
            there = ", ".join(sorted(keys[path])[:8])
            raise FormatError(f"{what}: {path} has no histogram {inside}; there are {there}")


def _stat_error(channel: ElementTree.Element, where: str) -> StatError:
    config = channel.find("StatErrorConfig")
    kind = "Poisson" if config is None else config.get("ConstraintType", "Poisson")
    threshold = "0.05" if config is None else config.get("RelErrorThreshold", "0.05")
    try:
        limit = float(threshold)
    except ValueError as error:
        raise FormatError(f"{where}: RelErrorThreshold {threshold!r} is not a number") from error
    if kind not in ("Poisson", "Gaussian", "Gauss"):
        raise UnsupportedFeature(f"{where}: StatErrorConfig with a {kind} constraint; there are Poisson and Gaussian")
    return StatError("poisson" if kind == "Poisson" else "normal", limit)


def _workspace(file: Path, root: Path) -> dict[str, Any]:
    from pyhf import readxml

    log = logging.getLogger("pyhf.readxml")
    level = log.level
    try:
        # What it would warn of has been refused already.
        log.setLevel(logging.CRITICAL)
        return dict(readxml.parse(os.fspath(file), root))
    except WmassfitError:
        raise
    except Exception as error:
        # pyhf and uproot meet damage with errors of many kinds.
        first = str(error).strip().partition("\n")[0]
        raise FormatError(f"{file} cannot be read ({type(error).__name__}: {first})") from error
    finally:
        log.setLevel(level)
        for opened, _ in readxml.__FILECACHE__.values():
            opened.close()
        readxml.clear_filecache()


def _is_xml(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    except OSError:
        return False


FORMAT = Format(name="histfactory_xml", suffixes=(".xml",), read=read_histfactory_xml, recognises=_is_xml)
