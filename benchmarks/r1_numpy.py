"""R1 by hand in numpy, as an analyst would write it: all futures at once, a `Generator.binomial` for each cell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.r1_facts import FIRST_RETRAINING, MARKS, WATCHED, WEEKS, Facts, Marked, facts

Float = npt.NDArray[np.float64]


def _split(total: Float, weight: Float) -> Float:
    """Share whole totals (D,) by weights (D, n) with largest remainders."""
    sums = weight.sum(axis=1, keepdims=True)
    wanted = np.divide(weight, sums, out=np.zeros_like(weight), where=sums > 0) * total[:, None]
    base = np.floor(wanted + 1e-9)
    missing = np.round(np.where(sums[:, 0] > 0, total, 0.0) - base.sum(axis=1))
    turn = np.argsort(-np.round((wanted - base) * 1e9), axis=1, kind="stable")
    place = np.argsort(turn, axis=1)
    return base + (place < missing[:, None])


class Model:
    """The state of D futures; a pipeline is an array over weeks, futures and offices."""

    def __init__(self, given: Facts, draws: int, seed: int) -> None:
        self.f, self.d = given, draws
        self.rng = np.random.default_rng(seed)
        n = len(given.desk)
        tile = {k: np.tile(getattr(given, k), (draws, 1)) for k in ("desk", "field", "docket", "jail", "at_large")}
        self.desk, self.field = tile["desk"], tile["field"]
        self.docket, self.jail, self.at_large = tile["docket"], tile["jail"], tile["at_large"]
        self.waiting = np.zeros((draws, n))
        self.vetting, self.academy = np.zeros((26, draws, n)), np.zeros((16, draws, n))
        self.course = np.zeros((8, draws, n))
        self.served = np.zeros((WEEKS, draws, n))
        self.wait, self.asked = np.zeros((draws, n)), 0.0

    def hit(self, n: Float, p: float) -> Float:
        return self.rng.binomial(n.astype(np.int64), p).astype(np.float64)

    def week(self, t: int) -> None:
        self.arrive(t)
        retrain, hire = self.ask(t)
        self.move(t, retrain, hire)
        self.serve(t)
        self.desk -= self.hit(self.desk, self.f.quit)
        self.field -= self.hit(self.field, self.f.quit)
        for ring, p in (
            (self.vetting, self.f.drop_vetting),
            (self.academy, self.f.drop_course),
            (self.course, self.f.drop_course),
        ):
            ring -= self.hit(ring, p)
        for name in ("docket", "jail", "at_large"):
            getattr(self, name).__iadd__(self.rng.poisson(getattr(self.f, f"{name}_in"), self.desk.shape))

    def arrive(self, t: int) -> None:
        good = self.hit(self.vetting[t % 26], 0.9)
        self.waiting += good
        self.field += self.hit(self.academy[t % 16], 0.85)
        done = self.course[t % 8]
        good = self.hit(done, 0.95)
        self.field += good
        self.desk += done - good
        for ring, lasts in ((self.vetting, 26), (self.academy, 16), (self.course, 8)):
            ring[t % lasts] = 0.0

    def ask(self, t: int) -> tuple[Float, Float]:
        hire = _split(np.full(self.d, 30.0), np.tile(self.f.weight, (self.d, 1)))
        amount = min(40.0, 1500.0 - self.asked) if t >= FIRST_RETRAINING else 0.0
        self.asked += amount
        retrain = _split(np.full(self.d, amount), self.desk)
        self.wait = np.maximum(self.wait - 1, 0)
        if t >= 4:
            short = (self.served[t - 4 : t].sum(axis=0) < 4 * 43 - 1e-9) & (self.wait <= 0)
            retrain += 2.0 * (short & (self.desk > 0))
            self.wait = np.where(short, 4, self.wait)
        return retrain, hire

    def move(self, t: int, retrain: Float, hire: Float) -> None:
        room = np.floor(np.maximum(self.desk - self.f.floor, 0.0) + 1e-9)
        retrain = np.minimum(np.minimum(retrain, self.desk), room)
        asked = np.concatenate([self.waiting, retrain], axis=1)
        left = np.maximum(500.0 - self.academy.sum(axis=(0, 2)) - self.course.sum(axis=(0, 2)), 0.0)
        total = asked.sum(axis=1)
        got = np.where((total > left)[:, None], _split(np.minimum(left, total), asked), asked)
        n = self.desk.shape[1]
        start, retrain = got[:, :n], got[:, n:]
        self.waiting -= start
        self.desk -= retrain
        self.vetting[t % 26], self.academy[t % 16], self.course[t % 8] = hire, start, retrain

    def serve(self, t: int) -> None:
        hours = self.desk * 32.0
        done = np.floor(np.minimum(self.docket, hours / 8.0) + 1e-9)
        self.docket -= done
        jail = np.floor(np.minimum(self.jail, (hours - done * 8.0) / 24.0) + 1e-9)
        self.jail -= jail
        self.served[t] = np.floor(np.minimum(self.at_large, self.field * 32.0 / 60.0) + 1e-9)
        self.at_large -= self.served[t]


def measured(draws: int, seed: int) -> Marked:
    """Return each watched number after each mark, by future."""
    model = Model(facts(), draws, seed)
    found: Marked = {}
    for t in range(WEEKS):
        model.week(t)
        if t + 1 in MARKS:
            found |= {(name, t + 1): values for name, values in _now(model).items()}
    return found


def _now(model: Model) -> dict[str, Float]:
    way = model.vetting.sum(axis=(0, 2)) + model.academy.sum(axis=(0, 2)) + model.course.sum(axis=(0, 2))
    parts = (model.desk, model.field, way, model.docket, model.jail, model.at_large, model.served.sum(axis=0))
    return dict(zip(WATCHED, (p if p.ndim == 1 else p.sum(axis=1) for p in parts), strict=True))
