"""Search over settings: Optuna draws them, the data base hands every trial to one process, a trial never sees the test part."""
