"""Plots of a confrontation: the measurements, m_W against m_t, and against sin²θ_eff."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from wmassfit.electroweak.confrontation import Verdict
from wmassfit.electroweak.constants import Array
from wmassfit.electroweak.inputs import PDG_2024, SMInputs
from wmassfit.electroweak.m_w import m_w_two_loop, sm_m_w_mev, sm_m_w_uncertainty
from wmassfit.electroweak.model_verdict import SIN2THETA_MEASURED
from wmassfit.electroweak.models.stueckelberg import MODEL as STUECKELBERG
from wmassfit.electroweak.models.stueckelberg_portal import MODEL as PORTAL
from wmassfit.electroweak.neutral_mixing import g_c_for_z_mass
from wmassfit.electroweak.oblique import m_w_gradient_stu, sin2theta_gradient_stu
from wmassfit.electroweak.sm_zpole import sm_sin2theta_eff
from wmassfit.electroweak.world import LHC_TEVATRON, WORLD, combine
from wmassfit.electroweak.zpole import sm_column
from wmassfit.report.electroweak_style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, frame
from wmassfit.report.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ladder", "mass_against_angle", "mass_against_top"]


def ladder(verdict: Verdict, *, name: str = "this result") -> Figure:
    """All measurements of m_W, their averages, and this one, with the Standard Model's band."""
    with styled():
        figure, axes = frame(height=5.2)
        rows = [(entry.name, entry.value_mev, entry.uncertainty_mev, GREY) for entry in WORLD]
        everything, rest = combine(), combine([entry for entry in WORLD if entry.name != "CDF"])
        rows += [
            ("all six, uncorrelated", everything.value_mev, everything.uncertainty_mev, BLUE),
            ("without CDF, uncorrelated", rest.value_mev, rest.uncertainty_mev, BLUE),
        ]
        rows += [
            (
                f"LHC–Tevatron group{' w/o CDF' if 'without' in key else ''}",
                entry.value_mev,
                entry.uncertainty_mev,
                GREEN,
            )
            for key, entry in LHC_TEVATRON.items()
        ]
        rows.append((name, verdict.m_w_mev, verdict.uncertainty, RED))
        low, high = verdict.sm.m_w_mev - verdict.sm.uncertainty, verdict.sm.m_w_mev + verdict.sm.uncertainty
        axes.axvspan(low, high, color=ORANGE, alpha=0.35, lw=0, label="Standard Model")
        for index, (_, value, error, colour) in enumerate(rows):
            axes.errorbar(value, -index, xerr=error, fmt="o", color=colour, capsize=3, ms=5)
        axes.set_yticks([-index for index in range(len(rows))], [row[0] for row in rows])
        axes.tick_params(axis="y", which="both", left=False, right=False)
        left = min(row[1] - row[2] for row in rows)
        right = max(row[1] + row[2] for row in rows)
        span = right - left
        axes.set_xlim(left - 0.08 * span, right + 0.52 * span)
        for index, (_, value, error, colour) in enumerate(rows):
            axes.text(
                right + 0.07 * span, -index, f"{value:.1f} ± {error:.1f}", va="center", fontsize=9.5, color=colour
            )
        axes.set_ylim(-len(rows) + 0.3, 1.3)
        axes.set_xlabel(r"$m_W$ [MeV]")
        axes.locator_params(axis="x", nbins=5)
        axes.ticklabel_format(axis="x", useOffset=False, style="plain")
        axes.legend(loc="upper left")
    return figure


def mass_against_top(verdict: Verdict, *, inputs: SMInputs = PDG_2024, name: str = "this result") -> Figure:
    """m_W against m_t: the Standard Model's line with the uncertainty that is not m_t's, and the measurements."""
    with styled():
        figure, axes = frame()
        top = np.linspace(168, 178, 200)
        fixed = inputs.values()
        line = 1e3 * np.asarray(
            m_w_two_loop(
                m_z=fixed["m_z"],
                m_h=fixed["m_h"],
                m_t=top,
                alpha_s=fixed["alpha_s"],
                delta_alpha_had=fixed["delta_alpha_had"],
            )
        )
        parts = sm_m_w_uncertainty(inputs)
        others = [value for name, value in parts.parametric.items() if name != "m_t"]
        band = float(np.hypot(parts.theory, np.linalg.norm(others)))
        axes.fill_between(top, line - band, line + band, color=ORANGE, alpha=0.4, lw=0, label="Standard Model")
        axes.plot(top, line, color=ORANGE)
        centre, width = inputs.m_t.value, inputs.m_t.uncertainty
        axes.axvspan(centre - width, centre + width, color=BLUE, alpha=0.15, lw=0, label="$m_t$, direct (PDG)")
        edge = 178.6
        axes.axvline(178, color=GREY, lw=0.8)
        others_shown = [entry for entry in WORLD if entry.uncertainty_mev < 20]
        for index, entry in enumerate(others_shown):
            place = edge + 1.1 * index
            axes.errorbar(
                place, entry.value_mev, yerr=entry.uncertainty_mev, fmt="s", color=GREY, ms=4, capsize=3, clip_on=False
            )
            above = entry.value_mev + entry.uncertainty_mev
            axes.annotate(
                entry.name,
                (place, above),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                color=GREY,
                fontsize=9,
            )
        axes.errorbar(
            centre,
            verdict.m_w_mev,
            xerr=width,
            yerr=verdict.uncertainty,
            fmt="o",
            color=RED,
            capsize=3,
            label=name,
        )
        axes.set_xlim(top[0], edge + 1.1 * len(others_shown) - 0.4)
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.07 * (high - low))
        axes.set_xticks(np.arange(168, 179, 2), minor=False)
        axes.minorticks_off()
        axes.set_xlabel("$m_t$ [GeV]")
        axes.set_ylabel(r"$m_W$ [MeV]")
        axes.ticklabel_format(axis="y", useOffset=False, style="plain")
        axes.legend(loc="upper left")
    return figure


def _angle(asymmetry: Array) -> Array:
    """sin²θ_eff of the leptons from A_e: A = 2r/(1+r²), r = v/a = 1 − 4 sin²θ."""
    ratio = (1 - np.sqrt(1 - asymmetry**2)) / asymmetry
    return np.asarray((1 - ratio) / 4)


def _sm_ellipse(inputs: SMInputs) -> tuple[Array, Array]:
    """One-σ contour of the parametric uncertainties in (sin²θ, m_W in MeV), their correlation included."""
    covariance = np.zeros((2, 2))
    for name, entry in inputs.items():
        shift = []
        for sign in (1, -1):
            moved = inputs.with_values(**{name: entry.value + sign * entry.uncertainty})
            shift.append((sm_sin2theta_eff(moved), sm_m_w_mev(moved)))
        half = (np.array(shift[0]) - np.array(shift[1])) / 2
        covariance += np.outer(half, half)
    # missing orders: 4 MeV in m_W (hep-ph/0311148), 4.3e-5 in the angle (arXiv:1906.08815)
    covariance += np.diag([4.3e-5**2, sm_m_w_uncertainty(inputs).theory ** 2])
    phi = np.linspace(0, 2 * np.pi, 120)
    points = np.linalg.cholesky(covariance) @ np.array([np.cos(phi), np.sin(phi)])
    return points[0], points[1]


def mass_against_angle(verdict: Verdict, *, inputs: SMInputs = PDG_2024) -> Figure:
    """m_W against sin²θ_eff: Standard Model, measurements, and where S, T, U and the models lead."""
    with styled():
        figure, axes = frame(width=7.2, height=5.2)
        angle, mass = sm_sin2theta_eff(inputs), verdict.sm.m_w_mev
        measured, error = SIN2THETA_MEASURED
        axes.axvspan(measured - error, measured + error, color=BLUE, alpha=0.13, lw=0, label="LEP + SLD average")
        axes.axhspan(
            verdict.m_w_mev - verdict.uncertainty,
            verdict.m_w_mev + verdict.uncertainty,
            color=RED,
            alpha=0.18,
            lw=0,
            label="this result",
        )
        around_x, around_y = _sm_ellipse(inputs)
        axes.fill(angle + around_x, mass + around_y, color=ORANGE, alpha=0.8, lw=0, label="Standard Model")
        reach = 1.35 * max(60.0, abs(verdict.required.delta_m_w_mev))
        gradient_m, gradient_s = m_w_gradient_stu(), sin2theta_gradient_stu()
        directions = (
            (1, 1.0, RED, r"$\Delta\rho>0$: real triplet, 2HDM, squarks, $U(1)_R$"),
            (1, -1.0, PURPLE, r"$\Delta\rho<0$: complex triplet"),
            (0, -1.0, GREY, "$S<0$"),
            (2, 1.0, GREY, "$U>0$"),
        )
        for index, sign, colour, label in directions:
            length = 0.6 * reach if sign < 0 and index == 1 else reach
            amount = sign * length / abs(gradient_m[index])
            axes.annotate(
                "",
                xy=(angle + amount * gradient_s[index], mass + amount * gradient_m[index]),
                xytext=(angle, mass),
                arrowprops={"arrowstyle": "->", "color": colour, "lw": 1.6, "ls": "--" if colour == GREY else "-"},
            )
            if colour == GREY:
                tip = (angle + amount * gradient_s[index], mass + amount * gradient_m[index])
                axes.annotate(label, tip, xytext=(0, 4), textcoords="offset points", color=GREY, ha="center")
            else:
                axes.plot([], [], color=colour, label=label)
        shift = np.linspace(0.5, reach, 40)
        reference = float(_angle(sm_column()["A_e"]))
        g_c = g_c_for_z_mass(725.0, delta_m_w=shift, g_y_shift=0.0)
        portal = _angle(PORTAL.z_pole(m1=725.0, g_c=g_c, g_y_shift=0.0)["A_e"]) - reference
        axes.plot(angle + portal, mass + shift, color=GREEN, lw=1.8, label=r"Stueckelberg–Higgs portal, $\bar g_Y=g_Y$")
        epsilon = np.linspace(0.005, 0.12, 200)
        plain_shift = STUECKELBERG.delta_m_w(m1=725.0, epsilon=epsilon)
        keep = plain_shift < reach
        plain = _angle(STUECKELBERG.z_pole(m1=725.0, epsilon=epsilon)["A_e"]) - reference
        axes.plot(
            angle + plain[keep], mass + plain_shift[keep], color="black", lw=1.4, ls=":", label="plain Stueckelberg"
        )
        axes.set_xlabel(r"$\sin^2\theta_{\rm eff}^{\ell}$")
        axes.set_ylabel(r"$m_W$ [MeV]")
        low, high = mass - 0.75 * reach, mass + 1.65 * reach
        axes.set_ylim(low, high)
        axes.set_xlim(angle - 2.1e-3, angle + 0.9e-3)
        axes.ticklabel_format(axis="both", useOffset=False, style="plain")
        axes.legend(loc="upper left", ncols=2, fontsize=8.5)
    return figure
