"""A sample is a request like any other; what makes one of bytes is found here too."""

from anchorbolt.emulator.requests.sample import FORM, JSON, Payload, Sample, as_form, as_json, as_payload, encode

__all__ = ["FORM", "JSON", "Payload", "Sample", "as_form", "as_json", "as_payload", "encode"]
