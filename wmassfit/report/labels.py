"""Labels written for plots, as plain text for tables and terminals."""

from __future__ import annotations

import re

__all__ = ["plain_label"]

_SIGNS = {
    r"\to": "→",
    r"\mu": "μ",
    r"\nu": "ν",
    r"\tau": "τ",
    r"\eta": "η",
    r"\theta": "θ",
    r"\alpha": "α",
    r"\epsilon": "ε",
    r"\varepsilon": "ε",
    r"\Gamma": "Γ",
    r"\Delta": "Δ",
    r"\rho": "ρ",
    r"\sigma": "σ",
    r"\psi": "ψ",
    r"\pm": "±",
    r"\,": " ",
}


def plain_label(label: str) -> str:
    """A label without mathematical markup.

    >>> plain_label(r"$p_T^W$ modelling"), plain_label(r"$W\\to\\mu\\nu$"), plain_label(r"$m_{\\mathrm{W}}$")
    ('p_T^W modelling', 'W→μν', 'm_W')
    """
    text = label.replace("$", "")
    text = re.sub(r"\\(?:mathrm|rm|text|mathit|bar|hat|overline)\b\s*", "", text)
    for command, sign in _SIGNS.items():
        text = re.sub(re.escape(command) + r"(?![A-Za-z])", sign, text)
    return text.replace("{", "").replace("}", "").replace("\\", "")
