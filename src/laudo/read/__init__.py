"""One file a format: from a file to an array and its geometry, or one clear error."""
