"""wmassfit inspect: what a file holds, and what is suspicious in it."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from wmassfit.cli import console, options, reading
from wmassfit.templateset import Channel, Scale, TemplateSet

__all__ = ["command"]


@click.command("inspect")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@reading.format_options
@options.as_json
def command(files: tuple[str, ...], as_json: bool, **how: Any) -> None:
    """Channels, processes, parameters by group, and suspicious things of the templates in FILE."""
    found = _describe(reading.read_templates(files, **how))
    if as_json:
        console.print_json(found)
        return
    for name, channel in found["channels"].items():
        data = "" if channel["data"] == "counts" else ", data with a covariance"
        axes = " × ".join(f"{axis['name'] or 'axis'} ({axis['bins']})" for axis in channel["axes"])
        click.echo(f"channel {name}: {channel['bins']} bins, {axes}" + (", masked" if channel["masked"] else "") + data)
        for process, entry in channel["processes"].items():
            role = "signal" if entry["signal"] else ""
            click.echo(f"  {process:20} {entry['events']:14.6g} events  {entry['modifiers']:5} modifiers  {role}")
    click.echo(f"{found['n_bins']} fitted bins, {found['n_nuisances']} nuisance parameters, of interest: ", nl=False)
    click.echo(", ".join(found["pois"]) or "none")
    for group, number in found["groups"].items():
        click.echo(f"  {group:24} {number:5}")
    for term in found["external"]:
        click.echo(f"external term {term['name']} on {', '.join(term['parameters'])}")
    click.echo(f"data: {found['data']}")
    for remark in found["suspicious"]:
        click.echo(f"suspicious: {remark}")


def _describe(templates: TemplateSet) -> dict[str, Any]:
    channels = {
        channel.name: {
            "bins": channel.n_bins,
            "masked": channel.masked,
            "data": "counts" if channel.covariance is None else "covariance",
            "mc_stat": None if channel.mc_stat is None else channel.mc_stat.kind,
            "axes": [{"name": axis.name, "bins": len(axis)} for axis in channel.axes],
            "processes": {
                p.name: {"events": float(p.nominal.sum()), "signal": p.signal, "modifiers": len(p.modifiers)}
                for p in channel.processes
            },
        }
        for channel in templates.channels
    }
    return {
        "channels": channels,
        "n_bins": templates.n_bins,
        "n_nuisances": len(templates.nuisances),
        "pois": list(templates.pois),
        "groups": {group: len(names) for group, names in templates.groups.items()},
        "external": [{"name": term.name, "parameters": list(term.parameters)} for term in templates.external],
        "data": "none" if templates.observed is None else ("simulated" if templates.observed.simulated else "observed"),
        "suspicious": [remark for channel in templates.channels for remark in _suspicious(channel)] + _idle(templates),
    }


def _suspicious(channel: Channel) -> list[str]:
    """Empty or negative bins, and variations that change a yield by more than a factor of two."""
    remarks = []
    total = sum((p.nominal for p in channel.processes), np.zeros(channel.n_bins))
    if channel.covariance is None and np.any(total <= 0):
        remarks.append(f"channel {channel.name}: {np.sum(total <= 0)} bins expect no events")
    for process in channel.processes:
        if channel.covariance is None and np.any(process.nominal < 0):
            remarks.append(f"channel {channel.name}, {process.name}: {np.sum(process.nominal < 0)} bins are negative")
        for modifier in process.modifiers:
            if isinstance(modifier, Scale):
                largest = float(np.max(np.abs(np.log(modifier.up))))
                if largest > np.log(2.0):
                    remarks.append(
                        f"channel {channel.name}, {process.name}: {modifier.parameter} changes a bin by a factor "
                        f"{np.exp(largest):.3g} at one standard deviation"
                    )
    return remarks


def _idle(templates: TemplateSet) -> list[str]:
    """Parameters that change nothing."""
    used = {m.parameter for c in templates.channels for p in c.processes for m in p.modifiers}
    return [f"parameter {p.name} changes no template" for p in templates.parameters if p.name not in used]
