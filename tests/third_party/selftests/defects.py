"""check.py passes what is right, and fails with each defect that is planted into it."""

import copy
import json
import subprocess
import sys

from selftests.common import FOLDER, Test

RESOURCE = {"service.name": "defects"}
DELTA = "AGGREGATION_TEMPORALITY_DELTA"
CUMULATIVE = "AGGREGATION_TEMPORALITY_CUMULATIVE"
INSTANCE = "6a0e7e1e-5b0f-4a43-8d1e-3f0f4d0a7c11"


def attributes(values):
    return [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]


def point(window, **values):
    start, end = window
    return {"startTimeUnixNano": str(start), "timeUnixNano": str(end)} | values


def metrics(window, temporality):
    """Two of everything: recorded were 1, 2 and 3 into both histograms, by delta in each window anew."""
    times = 1 if temporality == DELTA else window[1] // 100
    values = {"sum": 6.0 * times, "min": 1.0, "max": 3.0}
    # At scale 1: 1 is in bucket -1, 2 in bucket 1, 3 in bucket 3.
    buckets = {"offset": -1, "bucketCounts": [str(times * count) for count in (1, 0, 1, 0, 1)]}
    exponential = point(window, scale=1, count=str(3 * times), positive=buckets, **values)
    counts = [str(times * count) for count in (1, 1, 1)]
    explicit = point(window, count=str(3 * times), bucketCounts=counts, explicitBounds=[1.0, 2.0], **values)
    left = {"attributes": attributes({"side": "left"})}
    total = {"aggregationTemporality": CUMULATIVE}
    windowed = {"aggregationTemporality": temporality}
    return [
        {"name": "events", "sum": windowed | {"isMonotonic": True, "dataPoints": [point(window, asInt=str(5 * times)) | left]}},
        {"name": "depth", "sum": total | {"dataPoints": [point((100, window[1]), asInt="-4")]}},
        {"name": "load", "gauge": {"dataPoints": [{"timeUnixNano": str(window[1]), "asDouble": 0.5}]}},
        {"name": "sizes", "exponentialHistogram": windowed | {"dataPoints": [exponential]}},
        {"name": "waits", "histogram": windowed | {"dataPoints": [explicit]}},
    ]


def record(window, temporality, answer="ok"):
    sdk = {"telemetry.sdk.name": "a", "telemetry.sdk.version": "1", "telemetry.sdk.language": "rust"}
    resource = attributes(RESOURCE | sdk | {"service.instance.id": INSTANCE})
    scope = {"scope": {"name": "freewheel", "version": "1"}, "metrics": metrics(window, temporality)}
    headers = {"user-agent": "freewheel-otlp-exporter-rust/1", "x-tenant": "north"}
    return {
        "answer": answer, "transport": "http/json", "path": "/v1/metrics", "encoding": "zstd", "tls": False,
        "client": None, "headers": headers, "flaws": [],
        "request": {"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [scope]}]},
    }  # fmt: skip


def delta():
    windows = [(100, 200), (200, 300), (300, 400)]
    return [record(window, DELTA) for window in windows]


def cumulative():
    return [record((100, end), CUMULATIVE) for end in (200, 300, 400)]


def expected(records, temporality, times):
    values = {"1": times, "2": times, "3": times}
    return {
        "temporality": temporality, "resource": RESOURCE, "refused": 0,
        "counters": {"events": {"side=left": 5 * times}}, "up_down_counters": {"depth": {"": -4}},
        "gauges": {"load": {"": 0.5}}, "histograms": {"sizes": {"": values}}, "bounded": {"waits": {"": values}},
        "bounds": {"waits": [1.0, 2.0]},
    }  # fmt: skip


def metric(record, name):
    (found,) = [metric for metric in record["request"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"] if metric["name"] == name]
    return found


def data_point(record, name):
    (data,) = [data for key, data in metric(record, name).items() if key != "name"]
    return data["dataPoints"][0]


class Defects(Test):
    def check(self, records, wanted):
        """What the checker complains of; nothing if it passes."""
        received, expected = self.folder / "received", self.folder / "expected"
        received.write_text("".join(json.dumps(record) + "\n" for record in records))
        expected.write_text(json.dumps(wanted))
        command = [sys.executable, FOLDER / "check.py", received, expected]
        outcome = subprocess.run(command, capture_output=True, text=True)
        if outcome.returncode == 0:
            return None
        # A defect is to be found, not stumbled over.
        *_, complaint = outcome.stderr.strip().splitlines()
        return complaint

    def setUp(self):
        super().setUp()
        self.records = delta()
        self.wanted = expected(self.records, "delta", 3)
        self.values = {"1": 3, "2": 3, "3": 3}

    def must_pass(self, records=None, **wanted):
        self.assertIsNone(self.check(self.records if records is None else records, self.wanted | wanted))

    def must_fail(self, complaint, records=None, **wanted):
        found = self.check(self.records if records is None else records, self.wanted | wanted)
        self.assertRegex(found or "passed", complaint)

    def planted(self, plant, complaint, which=1):
        """Each defect alone, in one of the requests."""
        records = copy.deepcopy(self.records)
        plant(records[which])
        with self.subTest(complaint):
            self.must_fail(complaint, records)

    def test_what_is_right_passes(self):
        self.must_pass()
        records = cumulative()
        self.wanted = expected(records, "cumulative", 4)
        self.must_pass(records)

    def test_buckets_that_are_wrong(self):
        def sizes(record):
            return data_point(record, "sizes")["positive"]

        def waits(record):
            return data_point(record, "waits")

        off_by_one = r"sizes\{\}: at scale 1: Counter\(\{\(1, 0\): 1\}\) more, Counter\(\{\(1, 1\): 1\}\) less"
        self.planted(lambda record: sizes(record).update(bucketCounts=["1", "1", "0", "0", "1"]), off_by_one)
        self.planted(lambda record: sizes(record).update(offset=0), r"sizes\{\}: at scale 1")
        self.planted(lambda record: sizes(record).update(offset=9), r"sizes\{\}: min 1 is not in its bucket")
        one_higher = r"waits\{\}: \[2, 4, 3\] instead of \[3, 3, 3\]"
        self.planted(lambda record: waits(record).update(bucketCounts=["0", "2", "1"]), one_higher)
        self.planted(lambda record: waits(record).update(bucketCounts=["1", "2", "0"]), r"waits\{\}: extremes")
        self.planted(lambda record: data_point(record, "sizes").update(count="4"), r"sizes\{\}: count 4")
        self.planted(lambda record: data_point(record, "waits").update(explicitBounds=[1.0, 2.5]), "the bounds changed")

    def test_figures_that_are_wrong(self):
        self.planted(lambda record: data_point(record, "sizes").update(sum=6.1), r"sizes\{\}: sum 18.1, not 18")
        self.planted(lambda record: data_point(record, "waits").update(min=0.5), r"waits\{\}: min 0.5, not 1")
        self.planted(lambda record: data_point(record, "events").update(asInt="6"), "16 instead of 15")
        self.planted(lambda record: data_point(record, "depth").update(asInt="-3"), "-3 instead of -4", which=2)
        self.planted(lambda record: data_point(record, "load").update(asDouble=0.6), "0.6 instead of 0.5", which=2)

    def test_attributes_that_are_missing(self):
        def resource(record):
            return record["request"]["resourceMetrics"][0]["resource"]["attributes"]

        self.planted(lambda record: data_point(record, "events").update(attributes=[]), "10 instead of 15")
        self.planted(lambda record: resource(record).pop(0), "KeyError: 'service.name'")
        self.planted(lambda record: resource(record)[0]["value"].update(stringValue="other"), "service.name is other")
        self.planted(lambda record: resource(record).pop(), "KeyError: 'service.instance.id'")

    def test_temporality_that_is_wrong(self):
        def cumulative(name, kind):
            return lambda record: metric(record, name)[kind].update(aggregationTemporality=CUMULATIVE)

        self.planted(cumulative("events", "sum"), "events.*CUMULATIVE")
        self.planted(cumulative("sizes", "exponentialHistogram"), "sizes")
        self.planted(cumulative("waits", "histogram"), "waits")
        self.planted(lambda record: metric(record, "depth")["sum"].update(aggregationTemporality=DELTA), "depth.*DELTA")
        self.planted(lambda record: metric(record, "events")["sum"].update(isMonotonic=False), "monotonic")

    def test_windows_that_are_lost_repeated_or_overlap(self):
        first, second, third = self.records
        self.must_fail("10 instead of 15", [first, third])
        self.must_fail("starts at 200, the last window ended at 300", [first, second, second, third])
        self.planted(lambda record: data_point(record, "events").update(startTimeUnixNano="199"), "starts at 199")
        self.must_fail("nothing was received", [])
        records = cumulative()
        self.wanted = expected(records, "cumulative", 4)
        self.must_fail("15 instead of 20", records[:2])
        self.must_fail("the start moved|time stands still", [records[0], records[0]])
        data_point(records[2], "events")["startTimeUnixNano"] = "101"
        self.must_fail("the start moved", records)

    def test_low_memory_has_totals_of_what_is_observed(self):
        """Of the two counters, one is observed."""
        for index, record in enumerate(self.records):
            total = copy.deepcopy(metric(record, "events"))
            total["name"] = "observed"
            total["sum"]["aggregationTemporality"] = CUMULATIVE
            (total_point,) = total["sum"]["dataPoints"]
            del total_point["asInt"]
            total_point |= {"asDouble": 2.5 * index + 2.5, "startTimeUnixNano": "100"}
            record["request"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].append(total)
        counters = self.wanted["counters"] | {"observed": {"side=left": 7.5}}
        self.wanted |= {"temporality": "lowmemory", "counters": counters, "observed": ["observed"]}
        self.must_pass()
        self.must_fail("observed.*CUMULATIVE", temporality="delta")
        self.planted(lambda record: data_point(record, "observed").update(asDouble=8.5), "8.5 instead of 7.5", which=2)
        self.planted(lambda record: data_point(record, "observed").update(asDouble=1.5), "fell from 2.5 to 1.5")
        self.planted(lambda record: metric(record, "events")["sum"].update(aggregationTemporality=CUMULATIVE), "events.*CUMULATIVE")

    def test_gauges_may_be_anything_if_nobody_knows(self):
        self.must_pass(gauges={"load": {"": None}})
        self.must_fail("KeyError", gauges={"load": {"": None}, "level": {"": None}})

    def test_exemplars_that_are_wrong(self):
        trace, span = "00" * 15 + "ff", "01" * 8
        exemplar = {"traceId": "A" * 20 + "/w==", "spanId": "AQEBAQEBAQE=", "timeUnixNano": "300", "asDouble": 2.0}
        data_point(self.records[1], "sizes")["exemplars"] = [exemplar]
        wanted = {"trace": trace, "span": span, "metrics": ["sizes"]}
        self.must_fail(r"sizes\{\}: the trace of an exemplar is 0{30}ff")
        self.wanted["exemplars"] = wanted
        self.must_pass()
        self.must_fail("the span of an exemplar", exemplars=wanted | {"span": trace})
        self.must_fail("exemplars of {'sizes'}", exemplars=wanted | {"metrics": ["sizes", "waits"]})

        def wrong(**values):
            return lambda record: data_point(record, "sizes")["exemplars"][0].update(values)

        self.planted(wrong(timeUnixNano="301"), "an exemplar at 301, not within 200..300")
        self.planted(wrong(timeUnixNano="200"), "an exemplar at 200, not within 200..300")
        self.planted(wrong(asDouble=2.5), r"sizes\{\}: exemplars of \{2.5\}")
        self.planted(lambda record: data_point(record, "sizes").pop("exemplars"), r"exemplars of set\(\)")

    def test_points_that_are_malformed(self):
        def sizes(**values):
            return lambda record: data_point(record, "sizes").update(values)

        def waits(**values):
            return lambda record: data_point(record, "waits").update(values)

        def twice(items):
            items.append(copy.deepcopy(items[0]))

        def scope(record):
            return record["request"]["resourceMetrics"][0]["scopeMetrics"][0]

        self.planted(lambda record: twice(data_point(record, "events")["attributes"]), "key side twice")
        self.planted(lambda record: twice(scope(record)["metrics"]), "events twice in a request")
        self.planted(lambda record: twice(metric(record, "load")["gauge"]["dataPoints"]), r"load\{\} twice in a metric")
        self.planted(lambda record: metric(record, "load")["gauge"].update(dataPoints=[]), "load has no points")
        self.planted(lambda record: data_point(record, "load").update(startTimeUnixNano="1"), r"load\{\}")
        self.planted(lambda record: data_point(record, "load").update(timeUnixNano="0"), r"load\{\}")
        self.planted(lambda record: data_point(record, "events").update(timeUnixNano="200"), "starts at 200, ends at 200")
        self.planted(lambda record: data_point(record, "events").update(asInt="0"), "an empty window")
        self.planted(sizes(zeroThreshold=0.1), r"sizes\{\}")
        self.planted(sizes(positive={"offset": -2, "bucketCounts": ["0", "1", "0", "1", "0", "1"]}), r"sizes\{\}: buckets")
        self.planted(sizes(positive={"offset": -1, "bucketCounts": ["1", *["0"] * 160, "2"]}), r"sizes\{\}: buckets")
        self.planted(sizes(max=9.0), r"sizes\{\}: max 9 is not in its bucket")
        self.planted(waits(max=3.5), r"waits\{\}: max 3.5, not 3")
        self.planted(waits(count="4"), r"waits\{\}: count 4")
        self.planted(waits(bucketCounts=["1", "1", "1", "0"]), r"waits\{\}: 4 buckets, 2 bounds")
        self.planted(lambda record: data_point(record, "waits").pop("sum"), r"waits\{\}: the sum of")
        nothing = {"offset": 0, "bucketCounts": []}
        self.planted(sizes(count="0", positive=nothing), r"sizes\{\}: extremes of nothing")
        self.planted(sizes(count="4", zeroCount="1", min=0.0), r"sizes\{\}: 10 values")
        self.planted(lambda record: scope(record)["scope"].update(name="other"), "AssertionError")
        self.planted(lambda record: scope(record)["scope"].update(version=""), "AssertionError")

    def test_zeros_and_negative_values(self):
        for record in self.records:
            data_point(record, "sizes").update(min=0.0, count="4", zeroCount="1")
        values = {"0": 3, "1": 3, "2": 3, "3": 3}
        self.must_pass(histograms={"sizes": {"": values}})
        self.must_fail(r"sizes\{\}: 3 zeros", histograms={"sizes": {"": {"0": 2, "1e-12": 1} | self.values}})
        self.must_fail(r"sizes\{\}: sum 18.0 with negative values", histograms={"sizes": {"": {"-1": 3} | self.values}})
        self.must_fail("waits: \\[1.0, 2.0\\]", histograms={"sizes": {"": values}}, bounds={"waits": [1.0, 2.5]})

    def test_the_language_and_the_version(self):
        for key in ("telemetry.sdk.language", "telemetry.sdk.version", "telemetry.sdk.name"):
            records = copy.deepcopy(self.records)
            for item in records[0]["request"]["resourceMetrics"][0]["resource"]["attributes"]:
                if item["key"] == key:
                    item["value"]["stringValue"] = ""
            self.must_fail("AssertionError", records)

    def test_totals_that_fall(self):
        records = cumulative()
        self.wanted = expected(records, "cumulative", 4)
        data_point(records[0], "events")["asInt"] = "16"
        self.must_fail("fell from 16 to 15", records)

    def test_what_nobody_recorded(self):
        self.planted(lambda record: metric(record, "load").update(name="other"), "nobody recorded")
        self.must_fail("KeyError", counters={"events": {"side=left": 15, "side=right": 1}})

    def test_repeats_count_once_and_only_so_many(self):
        first, second, third = self.records
        # The windows of three series; the fourth is a total.
        self.must_pass([first, second, second, third], repeats=4)
        self.must_fail("4 windows came again", [first, second, second, third], repeats=3)
        longer = record((200, 400), DELTA)
        for name, value in (("sizes", "positive"), ("waits", None)):
            place = data_point(longer, name)
            counts = place[value] if value else place
            counts["bucketCounts"] = [str(2 * int(count)) for count in counts["bucketCounts"]]
            place.update(count="6", sum=12.0)
        data_point(longer, "events")["asInt"] = "10"
        self.must_pass([first, second, longer], repeats=3)
        self.must_fail("starts at 200", [first, second, longer])
        self.must_fail("10 instead of 15", [first, second, second], repeats=4)

    def test_transport_encoding_and_headers_are_as_demanded(self):
        self.must_pass(transport="http/json", encoding="zstd", headers={"x-tenant": "north"}, path="/v1/metrics")
        self.must_fail("transport is http/json", transport="grpc")
        self.must_fail("encoding is zstd", encoding=None)
        self.must_fail("the header x-tenant is north", headers={"x-tenant": "south"})
        self.must_fail("freewheel", product="shop/1")
        self.must_fail("the header x-other is None", headers={"x-other": "south"})
        self.must_fail("the path is /v1/metrics", path="/other")
        self.planted(lambda record: record.update(path="/elsewhere"), "the path is /elsewhere")
        self.planted(lambda record: record["headers"].update({"user-agent": "curl"}), "curl")

    def test_flaws_and_invalid_requests(self):
        self.planted(lambda record: record.update(answer="invalid", error="no protobuf"), "no protobuf")
        self.records[1]["flaws"] = ["count is not a string"]
        self.must_fail("count is not a string")
        self.must_pass(flaws=["count is not a string"])

    def test_answers_decide_what_counts(self):
        for answer in ("503", "429", "UNAVAILABLE", "reset", "hang", "garbage", "given up"):
            unanswered = record((300, 400), DELTA, answer)
            with self.subTest(answer):
                self.must_pass([*self.records[:2], unanswered, self.records[2]])
                self.must_fail("10 instead of 15", [*self.records[:2], unanswered])
        for answer in ("400", "404", "redirect", "INVALID_ARGUMENT"):
            self.records[2]["answer"] = answer
            with self.subTest(answer):
                self.must_fail("1 refused requests")
                self.must_pass(refused=1)
        self.records[2]["answer"] = "garbage"
        self.must_pass(accepted=["garbage"])
        self.must_pass(final=["garbage"], refused=1)
