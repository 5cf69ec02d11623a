"""The conditions under which a model is judged, by name."""

from dataclasses import dataclass, replace

from benchmarks.models.simulator.bodies import Crowd
from benchmarks.models.simulator.look import Look
from benchmarks.models.simulator.optics import Optics


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One kind of volume."""

    name: str
    extent: int
    "Edge of the cube in voxels of the finest axis."
    crowd: Crowd
    look: Look = Look()
    optics: Optics = Optics()
    beyond: bool = False
    "Whether it was added to the protocol's list, and is kept out of its mean."

    @property
    def is_thin(self) -> bool:
        """Whether only a few planes are stored."""
        return self.optics.stored is not None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to find."""
        return self.crowd.fraction == 0


_TYPICAL = Crowd(diameter=(16, 20), fraction=0.25)
_NONE = Crowd(diameter=(16, 20), fraction=0)
_DARK = Look(background=0.75, body=0.35, variation=0.15, haze=0.04)
_DENSE_DARK = replace(_DARK, background=0.8, body=0.3, seam=0.7)
_CONFOCAL = Optics(axial=2.0, lateral=0.9, photons=40)
_SHARP = Optics(axial=0.5, lateral=0.5, photons=2000)
_DIM = replace(_CONFOCAL, photons=4, read_noise=0.05)

CONDITIONS = (
    Condition(name="bright", extent=96, crowd=_TYPICAL),
    Condition(name="dark", extent=96, crowd=_TYPICAL, look=_DARK),
    Condition(
        name="small",
        extent=64,
        crowd=Crowd(diameter=(6, 7), fraction=0.1),
        optics=Optics(axial=1.0, lateral=0.7),
    ),
    Condition(
        name="small dark",
        extent=72,
        crowd=Crowd(diameter=(8, 11), fraction=0.15),
        look=replace(_DARK, num_fibres=4, fibre_radius=1.5, fibre_level=0.4),
        optics=Optics(axial=0.8, lateral=0.8, read_noise=0.06),
    ),
    Condition(
        name="large",
        extent=112,
        crowd=Crowd(diameter=(28, 34), fraction=0.35, clearance=-1.0),
        look=Look(texture=0.2, grain=2.5, seam=0.5),
        optics=_CONFOCAL,
    ),
    Condition(
        name="largest",
        extent=128,
        crowd=Crowd(diameter=(38, 40), fraction=0.3, clearance=-1.0, bumps=0.15),
        look=Look(texture=0.3, grain=3, nucleoli=2, seam=0.5),
        optics=Optics(axial=2.5, lateral=1.2, photons=40),
    ),
    Condition(
        name="mixed sizes",
        extent=112,
        crowd=Crowd(diameter=(9, 32), fraction=0.3),
        look=Look(haze=0.02),
        optics=_CONFOCAL,
    ),
    Condition(
        name="dense",
        extent=80,
        crowd=Crowd(diameter=(14, 18), fraction=0.6, clearance=-1.5),
        look=Look(variation=0.3, seam=0.8),
        optics=Optics(axial=1.4, lateral=0.8),
    ),
    Condition(
        name="dense dark",
        extent=80,
        crowd=Crowd(diameter=(14, 18), fraction=0.6, clearance=-1.5),
        look=_DENSE_DARK,
        optics=Optics(axial=1.2, lateral=0.8, photons=80),
    ),
    Condition(
        name="sparse",
        extent=112,
        crowd=Crowd(diameter=(14, 18), fraction=0.012, clearance=10),
        look=Look(variation=0.5, haze=0.04),
        optics=_CONFOCAL,
    ),
    Condition(name="low light", extent=96, crowd=_TYPICAL, optics=_DIM),
    Condition(
        name="rims", extent=96, crowd=Crowd(diameter=(18, 24), fraction=0.25), look=Look(body=0.2, rim=2.0)
    ),
    Condition(
        name="membranes",
        extent=80,
        crowd=Crowd(diameter=(17, 22), fraction=0.7, clearance=-3.0),
        look=Look(body=0.15, background=0.15, variation=0.08, rim=2.0, rim_level=0.8),
        optics=Optics(axial=1.2),
    ),
    Condition(
        name="chromatin",
        extent=96,
        crowd=Crowd(diameter=(20, 26), fraction=0.3),
        look=Look(body=0.55, texture=0.6, grain=1.6, nucleoli=4),
        optics=_CONFOCAL,
    ),
    Condition(
        name="elongated",
        extent=96,
        crowd=Crowd(diameter=(14, 18), fraction=0.35, elongation=(1.8, 2.6), clearance=-0.5),
        look=Look(seam=0.6),
    ),
    Condition(
        name="bumpy",
        extent=96,
        crowd=Crowd(diameter=(18, 24), fraction=0.35, bumps=0.3, clearance=-0.5),
        look=Look(seam=0.6),
        optics=_CONFOCAL,
    ),
    Condition(
        name="fibres",
        extent=96,
        crowd=Crowd(diameter=(16, 20), fraction=0.15),
        look=Look(num_fibres=40, fibre_radius=1.6, fibre_level=0.9, haze=0.03),
    ),
    Condition(
        name="uneven light",
        extent=96,
        crowd=_TYPICAL,
        look=Look(shading=0.9, haze=0.02),
        optics=replace(_CONFOCAL, photons=80),
    ),
    Condition(name="spacing 3", extent=96, crowd=_TYPICAL, optics=replace(_CONFOCAL, step=3)),
    Condition(
        name="spacing 3, dense dark",
        extent=90,
        crowd=Crowd(diameter=(16, 20), fraction=0.5, clearance=-1.0),
        look=_DENSE_DARK,
        optics=Optics(step=3, photons=80),
    ),
    Condition(
        name="spacing 5",
        extent=110,
        crowd=Crowd(diameter=(20, 26), fraction=0.25),
        optics=replace(_CONFOCAL, step=5),
    ),
    Condition(
        name="spacing 5, low light",
        extent=110,
        crowd=Crowd(diameter=(20, 26), fraction=0.2),
        optics=replace(_DIM, step=5, photons=6),
    ),
    Condition(name="empty", extent=80, crowd=_NONE),
    Condition(
        name="empty, fibres",
        extent=80,
        crowd=_NONE,
        look=Look(num_fibres=20, haze=0.03, shading=0.5),
    ),
    Condition(
        name="mottled, dark",
        beyond=True,
        extent=80,
        crowd=Crowd(diameter=(8, 11), fraction=0.08),
        look=Look(background=0.65, body=0.12, variation=0.2, mottle=0.1),
        optics=Optics(axial=0.7, lateral=0.7),
    ),
    Condition(
        name="mottled, bright",
        beyond=True,
        extent=96,
        crowd=Crowd(diameter=(13, 17), fraction=0.2),
        look=Look(background=0.3, body=0.65, variation=0.15, mottle=0.1, mottle_size=2.5),
        optics=Optics(axial=1.2, lateral=0.8, photons=80),
    ),
    Condition(
        name="between litter",
        beyond=True,
        extent=96,
        crowd=Crowd(diameter=(18, 24), fraction=0.35, bumps=0.15),
        look=Look(background=0.45, body=0.7, variation=0.08, texture=0.25, grain=1.5, litter=0.15),
        optics=Optics(axial=0.7, lateral=0.7),
    ),
    Condition(
        name="tomography",
        beyond=True,
        extent=96,
        crowd=Crowd(diameter=(8, 11), fraction=0.03, clearance=2),
        look=Look(
            background=0.55,
            body=0.2,
            variation=0.2,
            haze=0.02,
            mottle=0.05,
            mottle_size=2.5,
            edge=0.6,
            num_fibres=3,
            fibre_radius=2.5,
            fibre_level=0.3,
        ),
        optics=Optics(axial=0.7, lateral=0.7, photons=2000),
    ),
    Condition(
        name="few in grain, dark",
        beyond=True,
        extent=96,
        crowd=Crowd(diameter=(7, 9), fraction=0.008, clearance=2),
        look=Look(background=0.65, body=0.15, variation=0.1, mottle=0.1, mottle_size=1.3),
        optics=_SHARP,
    ),
    Condition(
        name="few in grain, bright",
        beyond=True,
        extent=96,
        crowd=Crowd(diameter=(9, 12), fraction=0.01, clearance=2),
        look=Look(background=0.25, body=0.75, variation=0.1, mottle=0.1, mottle_size=1.5),
        optics=_SHARP,
    ),
    Condition(
        name="tiny",
        beyond=True,
        extent=72,
        crowd=Crowd(diameter=(4.5, 6.5), fraction=0.012, clearance=2),
        look=Look(background=0.15, body=0.6, variation=0.5, haze=0.02),
        optics=Optics(axial=1.6, lateral=0.7),
    ),
    Condition(
        name="empty, mottled",
        beyond=True,
        extent=80,
        crowd=_NONE,
        look=Look(background=0.5, litter=0.1, mottle=0.1, mottle_size=2.5),
    ),
    Condition(
        name="empty, uneven",
        beyond=True,
        extent=80,
        crowd=_NONE,
        look=Look(background=0.4, haze=0.08, shading=0.6),
        optics=Optics(photons=30),
    ),
    Condition(
        name="empty, very uneven",
        beyond=True,
        extent=80,
        crowd=_NONE,
        look=Look(background=0.4, haze=0.15, shading=0.3),
        optics=_CONFOCAL,
    ),
    Condition(
        name="empty, uneven, low light",
        beyond=True,
        extent=80,
        crowd=_NONE,
        look=Look(background=0.4, haze=0.08, shading=0.6),
        optics=_DIM,
    ),
    Condition(name="thin", extent=96, crowd=_TYPICAL, optics=Optics(stored=(44, 8))),
    Condition(name="thin, dark", extent=96, crowd=_TYPICAL, look=_DARK, optics=Optics(stored=(40, 16))),
    Condition(
        name="thin, dense",
        extent=96,
        crowd=Crowd(diameter=(14, 18), fraction=0.6, clearance=-1.5),
        look=Look(variation=0.3, seam=0.8),
        optics=Optics(axial=1.4, lateral=0.8, stored=(43, 10)),
    ),
    Condition(
        name="thin, chromatin",
        extent=112,
        crowd=Crowd(diameter=(20, 26), fraction=0.3),
        look=Look(body=0.55, texture=0.6, grain=1.6, nucleoli=4),
        optics=replace(_CONFOCAL, stored=(50, 12)),
    ),
    Condition(
        name="thin, small",
        extent=96,
        crowd=Crowd(diameter=(6, 7), fraction=0.1),
        optics=Optics(axial=1.0, lateral=0.7, stored=(45, 5)),
    ),
    Condition(
        name="thin, spacing 5",
        extent=128,
        crowd=Crowd(diameter=(20, 26), fraction=0.25),
        optics=replace(_CONFOCAL, step=5, stored=(10, 4)),
    ),
)
