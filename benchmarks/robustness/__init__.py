"""What changes of a volume that should not matter do to its segmentation."""
