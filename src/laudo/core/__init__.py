"""Values that every room shares: manifest, recipe, run, predictions, errors, messages. No torch here."""
