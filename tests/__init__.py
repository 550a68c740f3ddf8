"""The promises of Anchorbolt, each a sentence."""
