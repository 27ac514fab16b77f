"""Compares what a receiver got with what was recorded.

    check.py RECEIVED EXPECTED

RECEIVED has one JSON object for each request (see receiver.py), EXPECTED is one JSON object:

    temporality         "cumulative", "delta" or "lowmemory"
    resource            attributes that must be there
    counters            metric -> series -> total; a series is written `key=value,...`
    up_down_counters    the same
    gauges              the same; null for whatever it is
    histograms          metric -> series -> recorded value (a decimal, in the unit of the metric) -> how often
    bounded             the same, of histograms with bounds
    bounds              metric -> bounds
    refused             how many requests were refused for good

and, if wanted:

    observed            counters that are observed, and so cumulative under "lowmemory"
    exemplars           {"trace": hexadecimal, "span": hexadecimal, "metrics": [...]}: all histograms that have exemplars, which
                        were recorded in this span; there are no others
    product             what the user agent begins with, before our own
    transport           how every request came: "grpc", "http/protobuf" or "http/json"
    encoding            how every request was compressed: "gzip", "zstd", or null for not at all
    headers             headers that every request must have, by their names in lower case
    path                of every request over HTTP, if not "/v1/metrics"
    accepted            further answers that accept a request, such as "garbage"
    final               further answers that refuse a request for good
    repeats             how many windows may come again, as part of a longer one or not, because the receiver was killed
                        between keeping and acknowledging them; the later one counts
    flaws               what receiving/log.py calls flaws, and is tolerated
"""

import base64
import copy
import json
import math
import sys
import uuid
from collections import Counter, defaultdict
from decimal import Decimal, getcontext
from functools import cache

getcontext().prec = 80

ACCEPTED = {"ok", "partial", "slow"}
# gRPC status codes that the OTLP specification has clients retry.
RETRYABLE = {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
# The same of HTTP.
RETRYABLE_STATUSES = {"429", "502", "503", "504"}
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


def number(point):
    return point["asDouble"] if "asDouble" in point else int(point["asInt"])


class Buckets:
    """The sum of exponential histograms, at the smallest of their scales. Sides are 1 and -1."""

    def __init__(self):
        self.scale, self.zeros, self.counts = None, 0, Counter()

    def add(self, scale, zeros, sides):
        if self.scale is None:
            self.scale = scale
        if scale < self.scale:
            self.counts, mine = Counter(), self.counts
            for (side, index), count in mine.items():
                self.counts[side, index >> (self.scale - scale)] += count
            self.scale = scale
        self.zeros += zeros
        for side, (offset, counts) in sides.items():
            for index, count in enumerate(counts, offset):
                self.counts[side, index >> (scale - self.scale)] += count

    def must_hold(self, values, where):
        values = {Decimal(value): times for value, times in values.items()}
        assert self.zeros == values.pop(0, 0), f"{where}: {self.zeros} zeros"
        wanted = Counter()
        for value, times in values.items():
            wanted[1 if value > 0 else -1, bucket_of(abs(value), self.scale)] += times
        got = Counter({place: count for place, count in self.counts.items() if count})
        assert got == wanted, f"{where}: at scale {self.scale}: {got - wanted} more, {wanted - got} less"


class Bounded:
    """The sum of histograms with bounds."""

    def __init__(self):
        self.bounds, self.counts = None, None

    def add(self, bounds, counts, where):
        assert len(counts) == len(bounds) + 1, f"{where}: {len(counts)} buckets, {len(bounds)} bounds"
        self.counts = [mine + count for mine, count in zip(self.counts or [0] * len(counts), counts, strict=True)]
        assert self.bounds in (None, bounds), f"{where}: the bounds changed"
        self.bounds = bounds

    def must_hold(self, values, where):
        wanted = [0] * (len(self.bounds) + 1)
        for value, times in values.items():
            # A value that equals a bound lies below it.
            wanted[sum(bound < float(value) for bound in self.bounds)] += times
        assert self.counts == wanted, f"{where}: {self.counts} instead of {wanted}"


class Series:
    """What was said about one series so far."""

    def __init__(self):
        self.last = None
        self.last_start = None
        self.first_start = None
        self.total = 0
        # None once a point had none.
        self.sum = 0.0
        self.buckets = Buckets()
        self.bounded = Bounded()
        self.least, self.most = math.inf, -math.inf
        # What it was before the last window.
        self.before = None

    def may_repeat(self, start):
        """Forgets the last window if this one begins as it did; returns whether it does."""
        again = self.before is not None and start == self.last_start
        if again:
            self.__dict__ = self.before
        self.before = None
        self.before = copy.deepcopy(self.__dict__)
        return again

    def follow(self, start, time, delta, where):
        assert 0 < start < time, f"{where}: starts at {start}, ends at {time}"
        self.last_start = start
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
        self.delta = expected["temporality"] != "cumulative"
        self.windowed = DELTA if self.delta else CUMULATIVE
        # Counters that go out as totals although others do not.
        self.totalled = set(expected.get("observed", [])) if expected["temporality"] == "lowmemory" else set()
        self.series = defaultdict(Series)
        self.exemplars = defaultdict(set)
        self.repeats = 0
        self.refused = 0

    def record(self, record):
        """A request with what is known about it."""
        answer = record["answer"]
        assert answer != "invalid", f"invalid: {record['error']}"
        self.transport(record)
        # A window that was refused for good is answered for: it must not come again, and nothing else may be missing.
        if final := self.is_final(answer):
            self.refused += 1
        if final or answer in ACCEPTED or answer in self.expected.get("accepted", []):
            self.request(record["request"])

    def is_final(self, answer):
        status = answer.isdigit() and answer not in RETRYABLE_STATUSES
        code = answer.isupper() and answer not in RETRYABLE and answer != "RESOURCE_EXHAUSTED"
        return status or code or answer == "redirect" or answer in self.expected.get("final", [])

    def transport(self, record):
        headers = record["headers"]
        product = self.expected["product"] + " " if "product" in self.expected else ""
        assert headers["user-agent"].startswith(product + "freewheel-otlp-exporter-rust/"), headers
        for key in ("transport", "encoding"):
            if key in self.expected:
                assert record[key] == self.expected[key], f"{key} is {record[key]}"
        for key, value in self.expected.get("headers", {}).items():
            assert headers.get(key) == value, f"the header {key} is {headers.get(key)}"
        if record["transport"] != "grpc":
            assert record["path"] == self.expected.get("path", "/v1/metrics"), f"the path is {record['path']}"
        flaws = set(record["flaws"]) - set(self.expected.get("flaws", []))
        assert not flaws, f"flaws: {flaws}"

    def follow(self, point, series, delta, where):
        start, time = int(point["startTimeUnixNano"]), int(point["timeUnixNano"])
        if "repeats" in self.expected:
            if not delta and time == series.last:
                # A total that comes again says what it said.
                self.repeats += 1
                return
            self.repeats += delta and series.may_repeat(start)
        series.follow(start, time, delta, where)

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
        kinds = {
            "sum": self.number,
            "gauge": self.gauge,
            "exponentialHistogram": self.exponential,
            "histogram": self.explicit,
        }
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
        temporality = self.windowed if monotonic and name not in self.totalled else CUMULATIVE
        assert data["aggregationTemporality"] == temporality, f"{where}: {data['aggregationTemporality']}"
        delta = temporality == DELTA
        value = number(point)
        if name in self.expected.get("observed", []) and not delta and int(point["timeUnixNano"]) == series.last:
            # Readers side by side share what a callback observed, which has the time when it was observed.
            assert value == series.total, f"{where}: at one time first {series.total}, then {value}"
            return
        self.follow(point, series, delta, where)
        if delta:
            assert value > 0, f"{where}: an empty window"
            series.total += value
        else:
            assert not monotonic or value >= series.total, f"{where}: fell from {series.total} to {value}"
            series.total = value

    def gauge(self, _data, point, series, where):
        assert "startTimeUnixNano" not in point and int(point["timeUnixNano"]) > 0, where
        series.total = number(point)

    def exponential(self, data, point, series, where):
        self.begin(data, point, series, where)
        scale, zeros, count = point.get("scale", 0), int(point.get("zeroCount", 0)), int(point.get("count", 0))
        sides = {}
        for side, name in ((1, "positive"), (-1, "negative")):
            buckets = point.get(name, {})
            counts = [int(count) for count in buckets.get("bucketCounts", [])]
            assert len(counts) <= 160 and (not counts or (counts[0] and counts[-1])), f"{where}: buckets"
            if counts:
                sides[side] = buckets.get("offset", 0), counts
        total = zeros + sum(sum(counts) for _, counts in sides.values())
        assert count == total, f"{where}: count {count}, buckets {sides}, zeros {zeros}"
        assert not point.get("zeroThreshold"), where
        series.buckets.add(scale, zeros, sides)
        self.figures(point, count, -1 in sides, series, where)
        if count:
            self.extremes(point, sides, scale, zeros, where)

    def explicit(self, data, point, series, where):
        self.begin(data, point, series, where)
        counts, count = [int(count) for count in point["bucketCounts"]], int(point.get("count", 0))
        assert count == sum(counts), f"{where}: count {count}, buckets {counts}"
        bounds = point["explicitBounds"]
        series.bounded.add(bounds, counts, where)
        self.figures(point, count, count and point["min"] < 0, series, where)
        if count:
            least, most = ([-math.inf, *bounds, math.inf][index] for index in (
                min(index for index, count in enumerate(counts) if count),
                max(index for index, count in enumerate(counts) if count) + 1,
            ))
            assert least <= point["min"] <= point["max"] <= most, f"{where}: extremes {point['min']}, {point['max']}"

    def begin(self, data, point, series, where):
        assert data["aggregationTemporality"] == self.windowed, where
        self.follow(point, series, self.delta, where)
        for exemplar in point.get("exemplars", []):
            self.exemplar(exemplar, point, where)
        if not self.delta:
            series.total, series.sum, series.buckets, series.bounded = 0, 0.0, Buckets(), Bounded()

    def exemplar(self, exemplar, point, where):
        wanted = self.expected.get("exemplars", {})
        for key in ("trace", "span"):
            identifier = base64.b64decode(exemplar[key + "Id"]).hex()
            assert identifier == wanted.get(key), f"{where}: the {key} of an exemplar is {identifier}"
        start, time, end = (int(of[key]) for of, key in (
            (point, "startTimeUnixNano"), (exemplar, "timeUnixNano"), (point, "timeUnixNano"),
        ))
        assert start < time <= end, f"{where}: an exemplar at {time}, not within {start}..{end}"
        self.exemplars[where].add(exemplar["asDouble"])

    @staticmethod
    def figures(point, count, has_negative, series, where):
        """OTLP wants no sum where negative values were recorded."""
        assert ("sum" in point) != bool(has_negative), f"{where}: the sum of {point}"
        series.total += count
        series.sum = None if has_negative or series.sum is None else series.sum + point["sum"]
        if count:
            series.least, series.most = min(series.least, point["min"]), max(series.most, point["max"])
        else:
            assert "min" not in point and "max" not in point, f"{where}: extremes of nothing"

    @staticmethod
    def extremes(point, sides, scale, zeros, where):
        # A hair of room: bounds are exact, the extremes are floating-point numbers.
        room = Decimal("1e-9")
        least, most = Decimal(point["min"]), Decimal(point["max"])
        # The buckets in use, rising: where each begins and ends.
        buckets = []
        if -1 in sides:
            offset, counts = sides[-1]
            last = offset + len(counts) - 1
            buckets += [(-bound(last + 1, scale), -bound(last, scale)), (-bound(offset + 1, scale), -bound(offset, scale))]
        if zeros:
            buckets.append((Decimal(0), Decimal(0)))
        if 1 in sides:
            offset, counts = sides[1]
            last = offset + len(counts) - 1
            buckets += [(bound(offset, scale), bound(offset + 1, scale)), (bound(last, scale), bound(last + 1, scale))]
        (low, low_end), (high, high_end) = buckets[0], buckets[-1]
        # A window knows its extremes to a recorded unit (of at most one nanosecond or one).
        unit = Decimal("1e-9") if most < 1 else Decimal(1)
        low, high = low - abs(low) * room - unit, high - abs(high) * room - unit
        low_end, high_end = low_end + abs(low_end) * room, high_end + abs(high_end) * room
        assert low <= least <= low_end, f"{where}: min {least} is not in its bucket {low}..{low_end}"
        assert high <= most <= high_end, f"{where}: max {most} is not in its bucket {high}..{high_end}"

    def totals(self):
        for kind in ("counters", "up_down_counters", "gauges"):
            for name, all_series in self.expected[kind].items():
                for series, total in all_series.items():
                    got = self.series.pop((name, series)).total
                    assert got == total or total is None, f"{name}{{{series}}}: {got} instead of {total}"
        for name, all_series in self.expected["histograms"].items():
            for series, values in all_series.items():
                self.distribution(name, series, values).buckets.must_hold(values, f"{name}{{{series}}}")
        for name, all_series in self.expected["bounded"].items():
            for series, values in all_series.items():
                bounded = self.distribution(name, series, values).bounded
                assert bounded.bounds == self.expected["bounds"][name], f"{name}: {bounded.bounds}"
                bounded.must_hold(values, f"{name}{{{series}}}")
        assert not self.series, f"nobody recorded {list(self.series)}"
        with_exemplars = {where.split("{")[0] for where in self.exemplars}
        wanted = set(self.expected.get("exemplars", {}).get("metrics", []))
        assert with_exemplars == wanted, f"exemplars of {with_exemplars}"

    def distribution(self, name, series, values):
        """What is the same for all histograms."""
        where = f"{name}{{{series}}}"
        got = self.series.pop((name, series))
        assert got.total == sum(values.values()), f"{where}: {got.total} values"
        strange = self.exemplars[where] - {float(value) for value in values} if where in self.exemplars else None
        assert not strange, f"{where}: exemplars of {strange}"
        exact = sum(Decimal(value) * times for value, times in values.items())
        least, most = min(map(Decimal, values)), max(map(Decimal, values))
        if least < 0:
            assert got.sum is None, f"{where}: sum {got.sum} with negative values"
        else:
            assert math.isclose(got.sum, exact, rel_tol=1e-9), f"{where}: sum {got.sum}, not {exact}"
        assert math.isclose(got.least, least, rel_tol=1e-9), f"{where}: min {got.least}, not {least}"
        assert math.isclose(got.most, most, rel_tol=1e-9), f"{where}: max {got.most}, not {most}"
        return got


def main():
    received, expected = sys.argv[1:]
    with open(received, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    with open(expected, encoding="utf-8") as text:
        expected = json.load(text)

    assert records, "nothing was received"
    check = Check(expected)
    for record in records:
        check.record(record)
    assert check.refused == expected["refused"], f"{check.refused} refused requests"
    assert check.repeats <= expected.get("repeats", 0), f"{check.repeats} windows came again"
    check.totals()
    print(f"{len(records)} requests, all as recorded")


main()
