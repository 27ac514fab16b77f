"""Compares what a receiver got with what was recorded.

    check.py RECEIVED EXPECTED

RECEIVED has one JSON object for each request (see receiver.py), EXPECTED is one JSON object:

    temporality         "cumulative" or "delta"
    resource            attributes that must be there
    counters            metric -> series -> total; a series is written `key=value,...`
    up_down_counters    the same
    gauges              the same
    histograms          metric -> series -> recorded value (a decimal, in the unit of the metric) -> how often
    refused             how many requests were refused for good
"""

import json
import math
import sys
import uuid
from collections import Counter, defaultdict
from decimal import Decimal, getcontext
from functools import cache

getcontext().prec = 80

ACCEPTED = {"ok", "partial"}
# gRPC status codes that the OTLP specification has clients retry.
RETRYABLE = {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
CUMULATIVE, DELTA = "AGGREGATION_TEMPORALITY_CUMULATIVE", "AGGREGATION_TEMPORALITY_DELTA"


@cache
def bound(index, scale):
    """The lower bound of bucket `index`: 2 ** (index / 2 ** scale), exact where it is a power of two."""
    power, remainder = divmod(index, 2**scale) if scale >= 0 else (index * 2**-scale, 0)
    exact = Decimal(2) ** power
    return exact * Decimal(2) ** (Decimal(remainder) / 2**scale) if remainder else exact


def bucket_of(value, scale):
    """The index of the bucket (bound(index), bound(index + 1)] that holds `value`."""
    index = math.floor(math.log2(value) * 2.0**scale)
    while value <= bound(index, scale):
        index -= 1
    while value > bound(index + 1, scale):
        index += 1
    return index


def attributes(items):
    values = {}
    for item in items:
        assert item["key"] not in values, f"key {item['key']} twice"
        (value,) = item["value"].values()
        values[item["key"]] = str(value)
    return values


def series_of(point):
    return ",".join(f"{key}={value}" for key, value in sorted(attributes(point.get("attributes", [])).items()))


class Buckets:
    """The sum of exponential histograms, at the smallest of their scales."""

    def __init__(self):
        self.scale, self.zeros, self.counts = None, 0, Counter()

    def add(self, scale, zeros, offset, counts):
        if self.scale is None:
            self.scale = scale
        if scale < self.scale:
            self.counts, mine = Counter(), self.counts
            for index, count in mine.items():
                self.counts[index >> (self.scale - scale)] += count
            self.scale = scale
        self.zeros += zeros
        for index, count in enumerate(counts, offset):
            self.counts[index >> (scale - self.scale)] += count

    def must_hold(self, values, where):
        values = {Decimal(value): times for value, times in values.items()}
        assert self.zeros == values.pop(0, 0), f"{where}: {self.zeros} zeros"
        wanted = Counter()
        for value, times in values.items():
            wanted[bucket_of(value, self.scale)] += times
        got = Counter({index: count for index, count in self.counts.items() if count})
        assert got == wanted, f"{where}: at scale {self.scale}: {got - wanted} more, {wanted - got} less"


class Series:
    """What was said about one series so far."""

    def __init__(self):
        self.last = None
        self.first_start = None
        self.total = 0
        self.sum = 0.0
        self.buckets = Buckets()
        self.least, self.most = math.inf, -math.inf

    def follow(self, start, time, delta, where):
        assert 0 < start < time, f"{where}: starts at {start}, ends at {time}"
        if self.last is None:
            self.first_start = start
        elif delta:
            # Later is fine: windows in which nothing happened are left out.
            assert start >= self.last, f"{where}: starts at {start}, the last window ended at {self.last}"
        else:
            assert start == self.first_start, f"{where}: the start moved"
            assert time > self.last, f"{where}: time stands still"
        self.last = time


class Check:
    def __init__(self, expected):
        self.expected = expected
        self.delta = expected["temporality"] == "delta"
        self.windowed = DELTA if self.delta else CUMULATIVE
        self.series = defaultdict(Series)

    def request(self, request):
        (resource_metrics,) = request["resourceMetrics"]
        resource = attributes(resource_metrics["resource"]["attributes"])
        for key, value in self.expected["resource"].items():
            assert resource[key] == value, f"{key} is {resource[key]}"
        assert uuid.UUID(resource["service.instance.id"]).version == 4
        assert resource["telemetry.sdk.name"] and resource["telemetry.sdk.version"]
        assert resource["telemetry.sdk.language"] == "rust"
        (scope_metrics,) = resource_metrics["scopeMetrics"]
        assert scope_metrics["scope"]["name"] == "freewheel" and scope_metrics["scope"]["version"]
        seen = set()
        for metric in scope_metrics["metrics"]:
            assert metric["name"] not in seen, f"{metric['name']} twice in a request"
            seen.add(metric["name"])
            self.metric(metric)

    def metric(self, metric):
        name = metric["name"]
        kinds = {"sum": self.number, "gauge": self.gauge, "exponentialHistogram": self.histogram}
        (kind,) = kinds.keys() & metric.keys()
        data = metric[kind]
        seen = set()
        assert data["dataPoints"], f"{name} has no points"
        for point in data["dataPoints"]:
            series = series_of(point)
            assert series not in seen, f"{name}{{{series}}} twice in a metric"
            seen.add(series)
            kinds[kind](data, point, self.series[name, series], f"{name}{{{series}}}")

    def number(self, data, point, series, where):
        name = where.split("{")[0]
        monotonic = name in self.expected["counters"]
        assert data.get("isMonotonic", False) == monotonic, f"{where}: monotonic"
        temporality = self.windowed if monotonic else CUMULATIVE
        assert data["aggregationTemporality"] == temporality, f"{where}: {data['aggregationTemporality']}"
        delta = temporality == DELTA
        series.follow(int(point["startTimeUnixNano"]), int(point["timeUnixNano"]), delta, where)
        value = int(point["asInt"])
        if delta:
            assert value > 0, f"{where}: an empty window"
            series.total += value
        else:
            assert not monotonic or value >= series.total, f"{where}: fell from {series.total} to {value}"
            series.total = value

    def gauge(self, _data, point, series, where):
        assert "startTimeUnixNano" not in point and int(point["timeUnixNano"]) > 0, where
        series.total = point["asDouble"] if "asDouble" in point else int(point["asInt"])

    def histogram(self, data, point, series, where):
        assert data["aggregationTemporality"] == self.windowed, where
        series.follow(int(point["startTimeUnixNano"]), int(point["timeUnixNano"]), self.delta, where)
        positive = point.get("positive", {})
        counts = [int(count) for count in positive.get("bucketCounts", [])]
        offset, scale, zeros = positive.get("offset", 0), point.get("scale", 0), int(point.get("zeroCount", 0))
        count = int(point.get("count", 0))
        assert count == sum(counts) + zeros, f"{where}: count {count}, buckets {sum(counts)}, zeros {zeros}"
        assert len(counts) <= 160 and (not counts or (counts[0] and counts[-1])), f"{where}: buckets"
        assert "negative" not in point and not point.get("zeroThreshold"), where
        if not self.delta:
            series.total, series.sum, series.buckets = 0, 0.0, Buckets()
        series.total += count
        series.sum += point["sum"]
        series.buckets.add(scale, zeros, offset, counts)
        if count:
            self.extremes(point, offset, scale, zeros, counts, where)
            series.least, series.most = min(series.least, point["min"]), max(series.most, point["max"])
        else:
            assert "min" not in point and "max" not in point, f"{where}: extremes of nothing"

    @staticmethod
    def extremes(point, offset, scale, zeros, counts, where):
        # A hair of room: bounds are exact, the extremes are floating-point numbers.
        room = Decimal("1e-9")
        least, most = Decimal(point["min"]), Decimal(point["max"])
        low = Decimal(0) if zeros else bound(offset, scale) * (1 - room)
        low_end = Decimal(0) if zeros else bound(offset + 1, scale) * (1 + room)
        high = bound(offset + len(counts) - 1, scale) * (1 - room) if counts else Decimal(0)
        high_end = bound(offset + len(counts), scale) * (1 + room) if counts else Decimal(0)
        # A window knows its extremes to a recorded unit (of at most one nanosecond or one).
        unit = Decimal("1e-9") if most < 1 else Decimal(1)
        assert low - unit <= least <= low_end, f"{where}: min {least} is not in its bucket {low}..{low_end}"
        assert high - unit <= most <= high_end, f"{where}: max {most} is not in its bucket {high}..{high_end}"

    def totals(self):
        for kind in ("counters", "up_down_counters", "gauges"):
            for name, all_series in self.expected[kind].items():
                for series, total in all_series.items():
                    got = self.series.pop((name, series)).total
                    assert got == total, f"{name}{{{series}}}: {got} instead of {total}"
        for name, all_series in self.expected["histograms"].items():
            for series, values in all_series.items():
                where = f"{name}{{{series}}}"
                got = self.series.pop((name, series))
                assert got.total == sum(values.values()), f"{where}: {got.total} values"
                exact = sum(Decimal(value) * times for value, times in values.items())
                assert math.isclose(got.sum, exact, rel_tol=1e-9), f"{where}: sum {got.sum}, not {exact}"
                got.buckets.must_hold(values, where)
                least, most = min(map(Decimal, values)), max(map(Decimal, values))
                assert math.isclose(got.least, least, rel_tol=1e-9), f"{where}: min {got.least}, not {least}"
                assert math.isclose(got.most, most, rel_tol=1e-9), f"{where}: max {got.most}, not {most}"
        assert not self.series, f"nobody recorded {list(self.series)}"


def main():
    received, expected = sys.argv[1:]
    with open(received, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    with open(expected, encoding="utf-8") as text:
        expected = json.load(text)

    check = Check(expected)
    refused = 0
    for record in records:
        assert record["metadata"]["user-agent"].startswith("freewheel-otlp-exporter-rust/"), record["metadata"]
        answer = record["answer"]
        final = answer.isupper() and answer not in RETRYABLE and answer != "RESOURCE_EXHAUSTED"
        refused += final
        # A window that was refused for good is answered for: it must not come again, and nothing else may be missing.
        if final or answer in ACCEPTED:
            check.request(record["request"])
    assert refused == expected["refused"], f"{refused} refused requests"
    assert records, "nothing was received"
    check.totals()
    print(f"{len(records)} requests, all as recorded")


main()
