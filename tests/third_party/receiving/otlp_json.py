"""OTLP's JSON, which is not quite protobuf's: identifiers are hexadecimal, enumerations are numbers, and names are in
lowerCamelCase (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)."""

import base64
import json

from google.protobuf.json_format import ParseDict

IDENTIFIERS = {"traceId", "spanId"}
ENUMERATIONS = {"aggregationTemporality"}
# Numbers of 64 bits, which are written as strings.
LONG = {"timeUnixNano", "startTimeUnixNano", "asInt", "intValue", "count", "zeroCount", "bucketCounts", "rejectedDataPoints"}


def parse(text, message):
    """Reads `text` into `message`, and returns the flaws that are no errors.

    Bytes in attributes are not told apart from text: nothing here sends them."""
    flaws = set()
    ParseDict(translate(json.loads(text, parse_constant=no_constant), flaws), message)
    return sorted(flaws)


def no_constant(name):
    raise ValueError(f"{name} is no JSON")


def translate(value, flaws):
    """The same for protobuf's mapping."""
    if isinstance(value, list):
        return [translate(item, flaws) for item in value]
    if not isinstance(value, dict):
        return value
    translated = {}
    for key, item in value.items():
        if "_" in key:
            flaws.add(f"{key} is not in lowerCamelCase")
        if key in ENUMERATIONS and not isinstance(item, int):
            flaws.add(f"{key} is not a number")
        if key in LONG:
            items = item if isinstance(item, list) else [item]
            if not all(isinstance(item, str) for item in items):
                flaws.add(f"{key} is not a string")
        if key in IDENTIFIERS:
            translated[key] = base64.b64encode(bytes.fromhex(item)).decode()
        else:
            translated[key] = translate(item, flaws)
    return translated
