"""What a solution computes, and says about dates, computed again without a model."""
