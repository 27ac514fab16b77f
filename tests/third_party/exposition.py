"""Compares an exposition, in both formats, with what was recorded.

    exposition.py TEXT OPENMETRICS EXPECTED

EXPECTED is a JSON object:

    text            metric -> [type, description], for the text format
    open_metrics    metric -> [type, unit, description], for OpenMetrics
    samples         [name, labels, value]; an integer is written without a point
    histograms      objects:
        name, labels
        scale       of the bounds, or
        bounds      the bounds themselves, as written
        values      [recorded value (a decimal, in the unit of the metric), how often]
    created         how many series tell in OpenMetrics when they began
"""

import json
import math
import sys
from decimal import Decimal, getcontext

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.utils import floatToGoString

getcontext().prec = 80


def series(name, labels):
    return name, tuple(sorted(labels.items()))


def bound_at(index, scale):
    """2 ** (index / 2 ** scale), exact where it is a power of two."""
    power, remainder = divmod(index, 2**scale) if scale >= 0 else (index * 2**-scale, 0)
    exact = Decimal(2) ** power
    return exact * Decimal(2) ** (Decimal(remainder) / 2**scale) if remainder else exact


def index_of(bound, scale):
    """The index of a bound on the grid of `scale`, of which it must be the nearest number or its neighbour."""
    index = round(math.log2(bound) * 2.0**scale)
    nearest = float(bound_at(index, scale))
    is_power_of_two = math.frexp(nearest)[0] == 0.5 and Decimal(nearest) == bound_at(index, scale)
    near = {nearest} if is_power_of_two else {nearest, math.nextafter(nearest, 0), math.nextafter(nearest, math.inf)}
    assert bound in near, f"{bound} is no bound at scale {scale}; {nearest} is"
    return index


class Exposition:
    """The samples of an exposition."""

    def __init__(self, families, total):
        """`total` is what the parser has dropped from the names of counters."""
        self.families, self.samples, self.buckets = {}, {}, {}
        for family in families:
            name = family.name + total if family.type == "counter" else family.name
            assert name not in self.families, f"{name} twice"
            self.families[name] = family
            for sample in family.samples:
                assert sample.timestamp is None and sample.exemplar is None, sample
                self.add(sample, is_bucket=family.type == "histogram" and sample.name.endswith("_bucket"))

    def add(self, sample, is_bucket):
        if is_bucket:
            labels = dict(sample.labels)
            text = labels.pop("le")
            # Of two shortest forms that are equally near, Rust takes another than Python.
            canonical = floatToGoString(float(text))
            is_canonical = len(text) == len(canonical) and float(text) == float(canonical)
            assert is_canonical, f"{text} is not canonical, {canonical} is"
            self.buckets.setdefault(series(sample.name, labels), []).append((text, sample.value))
            return
        key = series(sample.name, sample.labels)
        assert key not in self.samples, f"{key} twice"
        self.samples[key] = sample.value

    def take(self, name, labels, value):
        """A sample must have this value, a text; an integer to the last digit."""
        got = self.samples.pop(series(name, labels))
        is_equal = got == int(value) if value.lstrip("-").isdigit() else got == float(value)
        is_nan = isinstance(got, float) and math.isnan(got) and value == "NaN"
        assert is_equal or is_nan, f"{name}{labels}: {got} instead of {value}"

    def take_histogram(self, expected, is_open_metrics):
        name, labels = expected["name"], expected["labels"]
        values = [(Decimal(value), times) for value, times in expected["values"]]
        buckets = self.buckets.pop(series(name + "_bucket", labels))
        count = sum(times for _, times in values)
        assert buckets[-1] == ("+Inf", count), f"{name}: {buckets[-1]} of {count}"
        if "bounds" in expected:
            assert [text for text, _ in buckets[:-1]] == expected["bounds"], f"{name}: {buckets}"
            exact = [Decimal(float(text)) for text, _ in buckets[:-1]]
        else:
            exact = self.grid(name, [float(text) for text, _ in buckets[:-1]], values, expected["scale"])
        for (text, got), bound in zip(buckets, exact):
            # Exponential buckets go by magnitude: of negative values, one that equals a bound is not below it.
            below = [times for value, times in values if value < bound or (value == bound and bound >= 0)]
            if "bounds" in expected:
                below = [times for value, times in values if value <= bound]
            assert got == sum(below), f"{name}{labels}: {got} instead of {sum(below)} up to {text}"

        can_fall = any(value < 0 for value, _ in values) or any(bound < 0 for bound in exact)
        assert (series(name + "_sum", labels) in self.samples) != can_fall, f"{name}{labels}: sum"
        if not can_fall:
            exact_sum = sum(value * times for value, times in values)
            got = self.samples.pop(series(name + "_sum", labels))
            assert math.isclose(got, exact_sum, rel_tol=1e-12), f"{name}{labels}: sum {got}, not {exact_sum}"
        if not (can_fall and is_open_metrics):
            self.take(name + "_count", labels, str(count))

    @staticmethod
    def grid(name, bounds, values, scale):
        """The exact bounds; those in use, the one below the lowest, and none is missing between."""
        assert len(bounds) == len(set(bounds)) and bounds == sorted(bounds), f"{name}: {bounds}"
        exact = []
        for sign in (-1, 1):
            magnitudes = sorted(abs(value) for value, _ in values if value * sign > 0)
            side = sorted(abs(bound) for bound in bounds if bound * sign > 0)
            assert bool(magnitudes) == bool(side), f"{name}: {side} for {magnitudes}"
            if not side:
                continue
            indices = [index_of(bound, scale) for bound in side]
            assert indices == list(range(indices[0], indices[-1] + 1)), f"{name}: {side} has gaps"
            lowest, highest = (indices[0], indices[0] + 1), (indices[-1] - 1, indices[-1])
            for (low, high), value in [(lowest, magnitudes[0]), (highest, magnitudes[-1])]:
                is_in = bound_at(low, scale) < value <= bound_at(high, scale)
                assert is_in, f"{name}: {value} is not in {low}..{high} of scale {scale}"
            exact += [sign * bound_at(index, scale) for index in indices]
        up_to_zero = any(value <= 0 for value, _ in values)
        assert (0.0 in bounds) == up_to_zero, f"{name}: zero"
        return sorted(exact + [Decimal(0)] * up_to_zero)


def check(exposition, expected, families, is_open_metrics):
    got = {
        name: [family.type, family.unit, family.documentation] if is_open_metrics else [family.type, family.documentation]
        for name, family in exposition.families.items()
    }
    assert got == families, f"families {got}\ninstead of {families}"
    for name, labels, value in expected["samples"]:
        exposition.take(name, labels, value)
    for histogram in expected["histograms"]:
        exposition.take_histogram(histogram, is_open_metrics)
    created = [key for key in exposition.samples if key[0].endswith("_created")]
    begins = [exposition.samples.pop(key) for key in created]
    assert len(created) == (expected["created"] if is_open_metrics else 0), created
    assert all(1.6e9 < begin < 1e11 for begin in begins), begins
    assert not exposition.samples and not exposition.buckets, f"nobody recorded {exposition.samples} {exposition.buckets}"


def main():
    text, open_metrics, expected = (open(path, encoding="utf-8", newline="").read() for path in sys.argv[1:])
    expected = json.loads(expected)
    check(Exposition(parse_text(text), total="_total"), expected, expected["text"], is_open_metrics=False)
    families = parse_open_metrics(open_metrics)
    check(Exposition(families, total=""), expected, expected["open_metrics"], is_open_metrics=True)
    lines = text.count("\n") + open_metrics.count("\n")
    print(f"{lines} lines, all as recorded")


main()
