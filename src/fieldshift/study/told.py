"""What the data cannot tell apart: directions of the unknowns along which nothing that was observed changes.

Source:
    Raue et al. (2009), Structural and practical identifiability analysis of partially observed dynamical models by
    exploiting the profile likelihood, Bioinformatics 25(15).
    Gutenkunst et al. (2007), Universally sloppy parameter sensitivities, PLoS Computational Biology 3(10) (directions
    as eigenvectors of the Fisher information).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import ndtr

from fieldshift.study.fitted import Fitted
from fieldshift.study.written import Written, digits, listed

__all__ = ["Flat", "flat_directions"]

_FLAT = 1.0
"""Information below which the declared range says more of a direction than the data do."""

_MATTERS = 0.3
"""The share of a direction above which an unknown is named in it."""


@dataclass(frozen=True)
class Flat:
    """A direction that the data do not tell.

    Attributes:
        paths: The unknowns in it.
        shares: How far each goes along it, as numbers whose squares add up to at most 1; 1 for those told of alone.
        information: What the data say along it, against 1 that the declared ranges say.
        sentence: It, for a reader.
    """

    paths: tuple[str, ...]
    shares: tuple[float, ...]
    information: float
    sentence: str


def flat_directions(found: Fitted) -> tuple[Flat, ...]:
    """Return what the data do not tell, the least told first.

    First the unknowns of which the declared range says more than the data would even if all others were known, then
    the directions in the others along which it says more.
    """
    own = np.diag(found.information)
    little = [int(i) for i in np.argsort(own, kind="stable") if own[i] < _FLAT]
    flat = [_alone(found, little)] if little else []
    rest = [i for i in range(len(own)) if i not in little]
    if len(rest) < 2:
        return tuple(flat)
    values, vectors = linalg.eigh(found.information[np.ix_(rest, rest)])
    for value, vector in zip(values.tolist(), vectors.T, strict=True):
        if value >= _FLAT:
            break
        named = [int(i) for i in np.argsort(-np.abs(vector)) if abs(vector[i]) >= _MATTERS]
        if len(named) < 2:
            continue
        way = np.zeros(len(own))
        way[rest] = vector * np.sign(vector[named[0]])
        at = [rest[i] for i in named]
        paths = tuple(found.fitted[i].path for i in at)
        shares = tuple(float(way[i]) for i in at)
        flat.append(Flat(paths, shares, max(value, 0.0), _sentence(found, at, way)))
    return tuple(flat)


def _alone(found: Fitted, little: list[int]) -> Flat:
    paths = tuple(found.fitted[i].path for i in little)
    said = f"The data say little of {listed(paths)}: what is told of {'it is' if len(paths) == 1 else 'them is'} mostly"
    least = float(found.information[little[0], little[0]])
    return Flat(paths, tuple(1.0 for _ in paths), least, f"{said} what was declared.")


def _sentence(found: Fitted, named: list[int], vector: npt.NDArray[np.float64]) -> str:
    """Return a direction in words, with a step along it in the unknowns' own units."""
    steps = []
    for i in named:
        reader = Written(found.scenario, found.fitted[i])
        at = float(found.peak.scores[i])
        one = reader.at(float(ndtr(at + vector[i] / 2))) - reader.at(float(ndtr(at - vector[i] / 2)))
        steps.append(
            f"{found.fitted[i].path} {'up' if one >= 0 else 'down'} by {digits(abs(one), 2)} {reader.unit}".strip()
        )
    names = listed([found.fitted[i].path for i in named])
    return f"The data cannot tell {names} apart: {listed(steps)} together change next to nothing that was observed."
