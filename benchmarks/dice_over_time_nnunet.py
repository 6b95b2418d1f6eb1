"""The peer of dice_over_time.py: nnU-Net's own trainer on a data set in its layout, stopped after so many minutes and asked.

Runs in an environment with nnunetv2; the folders of nnU-Net are in the environment variables that it reads. Only its training
steps, with the augmentation in its worker processes, are on the clock: neither planning, preprocessing, validation nor writing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path

import torch


def main() -> None:
    """Plan, preprocess, train; after each number of minutes write the masks of fold 0 and how many steps were done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", type=int, required=True)
    parser.add_argument("--minutes", type=float, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    from nnunetv2.experiment_planning.plan_and_preprocess_api import extract_fingerprints, plan_experiments, preprocess

    extract_fingerprints([options.dataset], num_processes=2)
    plans = plan_experiments([options.dataset])
    preprocess([options.dataset], plans, configurations=["3d_fullres"], num_processes=[2])
    from nnunetv2.run.run_training import get_trainer_from_args

    trainer = get_trainer_from_args(str(options.dataset), "3d_fullres", 0, device=torch.device("cpu"))
    trainer.on_train_start()
    _train, held_out = trainer.do_split()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "held_out.json").write_text(json.dumps(sorted(held_out)), encoding="utf-8")
    steps, clock = 0, 0.0
    for minutes in sorted(options.minutes):
        while clock < 60 * minutes:
            if steps % trainer.num_iterations_per_epoch == 0:
                trainer.on_train_epoch_start()
            started = time.monotonic()
            trainer.train_step(next(trainer.dataloader_train))
            clock += time.monotonic() - started
            steps += 1
            if steps % trainer.num_iterations_per_epoch == 0:
                trainer.current_epoch += 1
        trainer.perform_actual_validation(save_probabilities=False)
        shutil.copytree(Path(trainer.output_folder) / "validation", options.out / f"{minutes:g}", dirs_exist_ok=True)
        (options.out / f"{minutes:g}" / "steps.json").write_text(json.dumps({"steps": steps, "seconds": clock}))
        print(f"nnU-Net: {clock / 60:.1f} minutes, {steps} steps", flush=True)
    trainer.on_train_end()


if __name__ == "__main__":
    main()
