"""The network: U-Net with two heads, losses, checkpoints, devices."""
