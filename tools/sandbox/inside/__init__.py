"""What runs on the far side of a sandbox's wall, next to the code. Standard library only: nothing else of ours is there."""
