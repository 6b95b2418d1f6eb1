"""One file a data set: where it is, how it is laid out → a manifest."""
