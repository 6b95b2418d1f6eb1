"""A search's result as tune.json holds it, made without training anything."""

from __future__ import annotations

import numpy as np

RANGES = {
    "training.learning_rate": {"low": 1e-5, "high": 1e-2, "log": True},
    "network.head.dropout": {"low": 0.0, "high": 0.5, "step": 0.1},
    "network.head.hidden": {"choices": [[], [64], [128, 64]]},
    "training.optimizer": {"choices": ["adam", "sgd"]},
}
HIDDEN = ("[]", "[64]", "[128, 64]")


def make_result(trials: int = 30, **changes) -> dict:
    """Better near a rate of 3e-4; every seventh trial ended early, every eleventh failed."""
    random = np.random.default_rng(0)
    rows = [_trial(number, random) for number in range(1, trials + 1)]
    done = [row for row in rows if row["value"] is not None]
    best = max(done, key=lambda row: row["value"])["number"] if done else None
    states = [row["state"] for row in rows]
    counts = {name: states.count(name) for name in ("finished", "pruned", "failed", "open")}
    value = rows[best - 1]["value"] if best else None
    return {
        "laudo": "0.1.0", "recipe": "figshare-cnn", "study": "figshare-cnn-tpe-0123456789",
        "data_base": "postgresql://user:***@host/searches", "state": "finished", "sampler": "tpe", "population": None,
        "seed": 0, "pruning": "median", "metric": "auc_roc", "higher": True, "folds": None, "wanted": trials,
        "counts": counts, "ranges": RANGES, "own": True, "trials": rows, "best": best,
        "optimism": {"why_not": "one_trial"} if len(done) < 2 else {
            "corrected": value - 0.012, "ci95": [value - 0.06, value + 0.03], "optimism": 0.012, "n_trials": len(done),
            "groups": 40, "best_share": 0.4,
        },
        "importance": {"method": "fanova", "keys": {
            "training.learning_rate": 0.71, "training.optimizer": 0.16, "network.head.hidden": 0.09, "network.head.dropout": 0.04,
        }},
        **changes,
    }  # fmt: skip


def _trial(number: int, random: np.random.Generator) -> dict:
    rate, dropout = float(10 ** random.uniform(-5, -2)), float(random.integers(0, 6)) / 10
    hidden, optimizer = str(random.choice(HIDDEN)), str(random.choice(["adam", "sgd"]))
    value = 0.93 - 0.04 * (np.log10(rate) + 3.5) ** 2 - 0.02 * (optimizer == "sgd") + float(random.normal(0, 0.006))
    state = "pruned" if number % 7 == 0 else "failed" if number % 11 == 0 else "finished"
    shown = {
        "training.learning_rate": rate, "network.head.dropout": dropout, "network.head.hidden": hidden,
        "training.optimizer": optimizer,
    }  # fmt: skip
    done = state == "finished"
    why = {
        "error": "RunError",
        "what": "The training has diverged: <the> network's answers are no longer numbers.",
        "found": "epoch 2",
    }
    return {
        "number": number, "state": state, "value": value if done else None, "values": shown, "shown": shown,
        "folder": f"trial-{number:04d}", "here": True, "curve": [], "ci95": [value - 0.03, value + 0.02] if done else None,
        "n": 120 if done else None, "groups": 40 if done else None, "folds": None, "epochs": 8 if done else 3, "best_epoch": 5,
        "seconds": 64.0, "why": why if state == "failed" else {},
    }  # fmt: skip
