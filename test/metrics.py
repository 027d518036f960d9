#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares metrics with the JSON reports of the same runs.

    metrics.py [--served] HOURS METRICS JSON...

HOURS is --metrics-hours. Every series that the reports call for has to be
there, once, with exactly that value, and no other; --served: as node_exporter
passes them on, as doubles and among its own. A line for each difference.
"""
import datetime
import decimal
import json
import pathlib
import re
import sys

TYPES = ("full", "suspect", "partial")
COUNTED = TYPES + ("bad", "temp", "tombstoned")
HOUR = 3600
SAMPLE = re.compile(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\["\\n])*)"')
OURS = re.compile("(segment_|overlap_|(raw|editable)_(coverage|holes))")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def seconds(instant):
    """Returns the seconds since the epoch, exactly."""
    since = datetime.datetime.fromisoformat(instant) - EPOCH
    return (decimal.Decimal(since // datetime.timedelta(microseconds=1)) /
            1000000)


def by_type(name, key, tallies, types):
    return {(name, ("type", kind)): tallies[kind][key] for kind in types}


def of_hour(hour):
    wanted = {}
    counts, overlaps = hour["segments"], hour["overlaps"]
    wanted.update(by_type("segment_count", "count", counts, TYPES + ("bad",)))
    wanted.update(by_type("segment_duration", "duration", counts, TYPES))
    wanted.update(by_type("overlap_count", "count", overlaps, TYPES))
    wanted.update(by_type("overlap_duration", "duration", overlaps, TYPES))
    for part in ("raw", "editable"):
        wanted[part + "_coverage",] = hour[part]["coverage"]
        wanted[part + "_holes",] = hour[part]["hole_count"]
    return wanted


def of_holes(report, now, first):
    """Returns the seconds of recent holes, and of known ones."""
    recent = known = 0
    for hole in report["raw"]["holes"]:
        start = seconds(hole["start"])
        known += hole["duration"] * hole["known"]
        settled = start <= now - 60 or start == first
        recent += hole["duration"] * (start > now - HOUR and settled)
    return recent, known


def stalled(report, now):
    """Returns how long the stream has stopped, without a last hour."""
    unread = report["unreadable_hours"]["ranges"]
    newest = report["end"] and seconds(report["end"])
    if newest is None or unread and newest < HOUR + seconds(
            unread[-1]["last"] + ":00:00Z"):
        return None
    return now - newest if now - newest > 120 else 0


def of_quality(report, document):
    wanted = {}
    now = seconds(document["generated_at"])
    first = document["first_hour"]
    counts, overlaps = report["segments"], report["overlaps"]
    wanted.update(by_type("segments", "count", counts, COUNTED))
    wanted.update(by_type("segment_seconds", "duration", counts, TYPES))
    wanted.update(by_type("overlaps", "count", overlaps, TYPES))
    wanted.update(by_type("overlap_seconds", "duration", overlaps, TYPES))
    for part in ("raw", "editable"):
        coverage = report[part]
        longest = coverage["longest_hole"]
        wanted[part + "_covered_seconds",] = coverage["coverage"]
        wanted[part + "_ratio",] = coverage["ratio"]
        wanted[part + "_holes",] = coverage["hole_count"]
        wanted[part + "_hole_seconds",] = coverage["hole_duration"]
        wanted[part + "_longest_hole_seconds",] = (
            longest["duration"] if longest else 0)
    wanted["incomplete_segments",] = report["incomplete"]["count"]
    wanted["incomplete_seconds",] = report["incomplete"]["duration"]
    wanted["recent_hole_seconds",], wanted["known_hole_seconds",] = of_holes(
        report, now, first and seconds(first + ":00:00Z"))
    wanted["ahead_segments",] = counts["ahead"]["count"]
    wanted["stalled_seconds",] = stalled(report, now)
    for what in ("missing", "unreadable"):
        wanted[what + "_seconds",] = report[what + "_hours"]["count"] * HOUR
    for name, instant in (("oldest", "start"), ("newest", "end")):
        wanted[name + "_segment_timestamp_seconds",] = (
            report[instant] and seconds(report[instant]))
    wanted["found",] = int(report["found"])
    return wanted


def of_run(document):
    version = document["generator"].split(" ")[1]
    return {("build_info", ("version", version)): 1,
            ("run_timestamp_seconds",): seconds(document["generated_at"]),
            ("run_errors",): len(document["errors"]),
            ("run_complete",): int(document["complete"])}


def series(document, hours):
    """Yields each series that a report calls for, and its value."""
    for report in document["reports"]:
        labels = [("channel", report["channel"]),
                  ("quality", report["quality"])]
        for hour in report["hours"][-hours:] if hours else ():
            if hour["readable"]:
                for (name, *kind), value in of_hour(hour).items():
                    yield (name, frozenset(labels + kind +
                                           [("hour", hour["hour"])])), value
        for (name, *kind), value in {**of_quality(report, document),
                                     **of_run(document)}.items():
            if value is not None:
                yield ("segment_coverage_" + name,
                       frozenset(labels + kind)), value


def unescape(value):
    return re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), value)


def samples(text, served):
    """Yields each series of the metrics, and its value as it is written."""
    begun = None
    for line in text.splitlines():
        name = line.split("{")[0]
        if line.startswith("#"):
            if line.startswith("# TYPE segment_"):
                assert line.endswith(" gauge"), line
            begun = line.split(" ")[2]
        elif OURS.match(name) or not served:
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert name == begun, "outside of its family: " + line
            yield (name, frozenset((key, unescape(value)) for key, value in
                                   LABEL.findall(match[2]))), match[3]


def differences(text, documents, hours, served=False):
    """Returns a line for each difference."""
    wanted, got, lines = {}, {}, []
    for document in documents:
        wanted.update(series(document, hours))
    for key, value in samples(text, served):
        if key in got:
            lines.append("twice: %s %s" % key)
        got[key] = value
        if not served and not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?",
                                           value):
            lines.append("no plain decimal: %s %s %s" % (*key, value))
    runs = [key for key in got
            if key[0] == "segment_coverage_run_duration_seconds"]
    if not all(0 <= float(got.pop(key)) < 600 for key in runs) or len(
            runs) != sum(key[0] == "segment_coverage_found" for key in wanted):
        lines.append("run durations: %d" % len(runs))
    kind = float if served else decimal.Decimal
    for key in sorted(got.keys() | wanted.keys(), key=str):
        if (key not in got or key not in wanted or
                kind(got[key]) != kind(wanted[key])):
            lines.append("%s %s got %s wanted %s" % (
                *key, got.get(key), wanted.get(key)))
    return lines


if __name__ == "__main__":
    served = sys.argv[1] == "--served"
    hours, *names = sys.argv[1 + served:]
    text, *reports = [pathlib.Path(name).read_bytes().decode()
                      for name in names]
    sys.exit("\n".join(differences(text, [
        json.loads(report, parse_float=decimal.Decimal)
        for report in reports], int(hours), served)) or 0)
