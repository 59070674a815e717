"""What a recipe says about generation. Field names carry units; unknown keys and wrong ranges are refused."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from wmassfit.generation.bosons import Boson, Z
from wmassfit.generation.kernel import TransverseMassCut
from wmassfit.generation.radiator import LEADING_LOGARITHMS, RadiatorChange
from wmassfit.generation.transverse_momentum import PT_MAX_GEV, PtRatio, PtShape
from wmassfit.templateset import Array

__all__ = [
    "AxisConfig",
    "BackgroundsConfig",
    "DimuonConfig",
    "EfficiencyConfig",
    "KernelConfig",
    "OtherMuonConfig",
    "PdfConfig",
    "PredictionConfig",
    "PtShapeConfig",
    "SelectionConfig",
    "Strict",
    "VetoConfig",
]

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Strict(BaseModel):
    """Base of every part of a recipe: frozen, finite numbers, nothing unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AxisConfig(Strict):
    """A uniform axis."""

    bins: int = Field(gt=0, le=1000)
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> AxisConfig:
        if not self.low < self.high:
            raise ValueError(f"low {self.low} must be below high {self.high}")
        return self

    @property
    def edges(self) -> Array:
        """Bin edges, [bins + 1]."""
        return np.linspace(self.low, self.high, self.bins + 1)

    @property
    def centres(self) -> Array:
        """Middles of the bins, [bins]."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])


class PdfConfig(Strict):
    """Parton densities: the embedded set, or an LHAPDF set by name (LHAPDF_DATA_PATH) or path (folder or .tar.gz)."""

    set: str = "embedded"
    path: Path | None = None
    alphas: tuple[Path, Path] | None = Field(
        default=None,
        description="paths of sets with a smaller and a larger α_s(M_Z), if `set` has no such members",
    )


class KernelConfig(Strict):
    """How finely the decay kernel is filled."""

    log2_points: int = Field(default=18, ge=8, le=24, description="2^n Sobol points in each of the p_T^V cells")
    radiation: bool = Field(default=True, description="final-state radiation of the muon")
    scrambles: int = Field(default=1, ge=1, le=1000, description="independent rules of so many points, averaged")
    higher_orders: bool = Field(
        default=False,
        description="of the radiation: its exact first order, the second leading-logarithmic one, and pairs",
    )

    @property
    def radiator(self) -> RadiatorChange:
        """What is added to the leading-logarithmic radiator."""
        return (
            RadiatorChange(matrix_element=1.0, second_order=1.0, pairs=1.0)
            if self.higher_orders
            else LEADING_LOGARITHMS
        )


class SelectionConfig(Strict):
    """The transverse-mass cut, smeared by the resolution of the recoil."""

    transverse_mass_threshold_gev: float = Field(default=40.0, ge=0, lt=100)
    transverse_mass_resolution_gev: Positive = 12.0

    @property
    def cut(self) -> TransverseMassCut:
        """The cut as the kernel takes it."""
        return TransverseMassCut(self.transverse_mass_threshold_gev, self.transverse_mass_resolution_gev)


class PtShapeConfig(Strict):
    """Another nominal p_T^V density: (1−f) p[1+(p/p0)^a]^−n + f p²[1+(p/p1)²]^−k, momenta in GeV."""

    p0: Positive
    a: Positive
    n: Positive
    f: Fraction
    p1: Positive
    k: Positive


class PtRatioConfig(Strict):
    """A p_T^V density over the nominal one: a cubic spline through `ratio` at `pt_gev`, constant outside, norm kept."""

    pt_gev: tuple[float, ...] = Field(min_length=2)
    ratio: tuple[Positive, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _of_one_length(self) -> PtRatioConfig:
        if len(self.pt_gev) != len(self.ratio):
            raise ValueError(f"{len(self.pt_gev)} pt_gev for {len(self.ratio)} values of ratio: give one for each")
        if any(a >= b for a, b in pairwise(self.pt_gev)) or self.pt_gev[0] < 0 or self.pt_gev[-1] > PT_MAX_GEV:
            raise ValueError(f"pt_gev: {list(self.pt_gev)} must rise within 0 … {PT_MAX_GEV:g} GeV")
        return self


class EfficiencyConfig(Strict):
    """Muon efficiency over p_T and η: a plateau with an endcap step and a central gap, times a trigger turn-on."""

    barrel: Fraction = 0.845
    endcap_loss: Fraction = Field(default=0.05, description="the plateau is lower by this beyond |η| of 1.45")
    gap_loss: Fraction = Field(
        default=0.03, description="depth of the dip at |η| of 0.25, where the central wheels meet"
    )
    turn_on_gev: Positive = Field(default=24.0, description="p_T at half efficiency of the trigger")
    turn_on_width_gev: Positive = 1.3


class OtherMuonConfig(Strict):
    """The muon of a Z that plays the neutrino. It lies in the |η| acceptance of the other one."""

    pt_threshold_gev: float = Field(default=26.0, ge=15, le=40)
    efficiency: Fraction = Field(default=0.82, description="of finding it, on the trigger plateau, constant")


class VetoConfig(Strict):
    """The veto of a second muon in the W selection: a Z enters where its other muon is not found."""

    pt_threshold_gev: float = Field(default=15.0, ge=5, le=40)
    abs_eta: float = Field(default=2.4, gt=0, le=2.5)
    inefficiency: float = Field(
        default=0.003, gt=0, lt=1, description="of finding a second muon in this acceptance (assumption)"
    )


class DimuonConfig(Strict):
    """Bins of pairs of muons. Where the pair is observed, `eta` and `pt` are the cells of muon efficiency and scale."""

    mass: AxisConfig = Field(default=AxisConfig(bins=60, low=76, high=106), description="GeV")
    pt: AxisConfig = Field(default=AxisConfig(bins=30, low=0, high=60), description="GeV")
    rapidity: AxisConfig = Field(default=AxisConfig(bins=20, low=-2.4, high=2.4), description="symmetric about 0")
    pt_threshold_gev: float = Field(default=26.0, ge=15, le=40, description="of both muons, as measured")

    @model_validator(mode="after")
    def _within_reach(self) -> DimuonConfig:
        if self.mass.low < 66 or self.mass.high > 114:
            raise ValueError(f"mass: bins from {self.mass.low:g} to {self.mass.high:g} GeV; 66 to 114 GeV are covered")
        if self.pt.low != 0 or self.pt.high > 85:
            raise ValueError(f"pt: bins from {self.pt.low:g} to {self.pt.high:g} GeV; 0 to at most 85 GeV are covered")
        if self.rapidity.low != -self.rapidity.high:
            raise ValueError(f"rapidity: {self.rapidity.low:g} to {self.rapidity.high:g} is not symmetric about 0")
        return self


class BackgroundsConfig(Strict):
    """Yields as fractions of the selected signal, and the slopes of the simple shapes. Z and W → τν are predicted."""

    nonprompt: Fraction = 0.07
    nonprompt_slope_gev: Positive = 6.0
    nonprompt_eta_rise: float = Field(
        default=0.30, ge=0, description="relative rise from |η| of 0 to the acceptance edge"
    )
    top: Fraction = 0.002
    diboson: Fraction = 0.002
    top_slope_gev: Positive = Field(default=40.0, description="of top and diboson")
    z_to_tau: Fraction = Field(default=0.0008, description="of the Z: both taus decay to muons")
    z_to_tau_slope_gev: Positive = 9.0
    top_diboson: Fraction = Field(default=0.002, description="of the Z: two muons from top pairs and boson pairs")
    pair_mass_slope_gev: Positive = Field(
        default=40.0, description="of pairs from taus, top and diboson, over their mass"
    )
    pair_pt_slope_gev: Positive = Field(default=25.0, description="of pairs from top and diboson, p e^(−p/slope)")


class PredictionConfig(Strict):
    """Boson, collider, binning, densities, detector and backgrounds: all that the nominal prediction depends on."""

    boson: Literal["W", "Z"] = Field(default="W", description="whose mass is measured; Z: W-like, one muon an event")
    observable: Literal["muon", "dimuon_mass", "dimuon_pt_rapidity"] = Field(
        default="muon",
        description="muon: (η, p_T, charge) of one muon; of the Z's two muons: (|η| of the more forward one, mass), or "
        "(y, p_T) of the pair",
    )
    mass_gev: float = Field(default=80.379, description="mass of the nominal templates (Z: 91.1876 by default)")
    width_gev: float = Field(default=2.0911, gt=1, lt=4, description="Z: 2.4942 by default")
    energy_gev: float = Field(default=13000.0, ge=5000, le=14000, description="proton–proton centre-of-mass energy")
    luminosity_fb: float = Field(gt=0, lt=1e5, description="integrated luminosity in fb⁻¹")
    eta: AxisConfig
    pt: AxisConfig = Field(description="muon p_T in GeV")
    pdf: PdfConfig = PdfConfig()
    kernel: KernelConfig = KernelConfig()
    selection: SelectionConfig = SelectionConfig()
    rapidity_correlation: bool = Field(
        default=True, description="p_T^V changes with rapidity as for a boson beside a jet; else not at all"
    )
    pt_shape: PtShapeConfig | None = Field(
        default=None, description="replaces the nominal p_T^V of the measured boson, W of both charges"
    )
    pt_ratio: PtRatioConfig | None = Field(default=None, description="multiplies the nominal p_T^V of all bosons")
    efficiency: EfficiencyConfig = EfficiencyConfig()
    other_muon: OtherMuonConfig = OtherMuonConfig()
    veto: VetoConfig = VetoConfig()
    dimuon: DimuonConfig = DimuonConfig()
    backgrounds: BackgroundsConfig = BackgroundsConfig()
    mass_points_mev: tuple[float, ...] = Field(default=(-100.0, -10.0, 10.0, 100.0), min_length=2)
    mc_statistics: float = Field(default=2.5, ge=0, description="equivalent simulated sample over data; 0: unlimited")

    @model_validator(mode="before")
    @classmethod
    def _own_mass_and_width(cls, content: Any) -> Any:
        if isinstance(content, dict) and content.get("boson") == "Z":
            return {"mass_gev": Z.mass_gev, "width_gev": Z.width_gev, **content}
        return content

    @field_validator("mass_gev")
    @classmethod
    def _near_the_boson(cls, mass: float, info: ValidationInfo) -> float:
        boson = info.data.get("boson", "W")
        low, high = {"W": (79.0, 82.0), "Z": (90.0, 92.5)}[boson]
        if not low < mass < high:
            raise ValueError(f"for the {boson} it should be greater than {low:g} and less than {high:g}")
        return mass

    @field_validator("mass_points_mev")
    @classmethod
    def _two_sided(cls, points: tuple[float, ...]) -> tuple[float, ...]:
        if sorted(points) != list(points) or len(set(points)) != len(points) or 0.0 in points:
            raise ValueError(f"{points} must grow and leave out 0, the nominal mass")
        if not points[0] < 0 < points[-1] or max(abs(points[0]), abs(points[-1])) > 1000:
            raise ValueError(f"{points} must lie on both sides of 0, within ±1000 MeV")
        return points

    def shape_of(self, boson: Boson) -> PtShape | PtRatio | None:
        """What becomes of a boson's nominal p_T^V: `pt_ratio` for all, `pt_shape` for the measured one alone."""
        if self.pt_ratio is not None:
            return PtRatio(self.pt_ratio.pt_gev, self.pt_ratio.ratio)
        if self.pt_shape is None or (boson.charge == 0) != (self.boson == "Z"):
            return None
        return PtShape(**self.pt_shape.model_dump())

    @model_validator(mode="after")
    def _one_spectrum(self) -> PredictionConfig:
        if self.pt_shape is not None and self.pt_ratio is not None:
            raise ValueError("pt_shape and pt_ratio: each gives another p_T^V spectrum; leave one of them out")
        return self

    @model_validator(mode="after")
    def _pairs_are_of_the_z(self) -> PredictionConfig:
        if self.observable != "muon" and self.boson != "Z":
            raise ValueError(f"observable: {self.observable} needs two muons; set boson: Z")
        return self

    @model_validator(mode="after")
    def _within_reach(self) -> PredictionConfig:
        if self.pt.low < 20 or self.pt.high > 80:
            raise ValueError(f"pt: bins from {self.pt.low} to {self.pt.high} GeV; the kernel covers 20 to 80 GeV")
        if np.abs(self.eta.edges).max() > 2.5:
            raise ValueError(f"eta: bins from {self.eta.low} to {self.eta.high}; muons are modelled up to |η| of 2.5")
        return self
