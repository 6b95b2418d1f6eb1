"""From decoded images to what networks eat: deterministic transforms, a content-addressed cache, batch augmentation."""
