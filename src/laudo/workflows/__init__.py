"""One short readable function a job, tying the rooms together."""
