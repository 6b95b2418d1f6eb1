"""Cases and images in a data base that can be searched."""
