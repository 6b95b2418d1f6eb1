"""One file a network; table.py lists them."""

import os

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"  # read when huggingface_hub is imported; transformers and open_clip ask it
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # else every process that a loader forks prints a warning
