"""Rules that OpenAPI cannot express."""

from datetime import datetime, timezone

import schemathesis

KNOWN_CLASS = "Forest"
TAKEN = "2026-01-01T00:00:00Z"
FUTURE = "2999-01-01T00:00:00Z"


@schemathesis.hook
def filter_case(context, case):
    """The start of a range is not after its end, and the south of a box is not north of its north."""
    query = case.query or {}
    if query.get("bbox") and not is_south_first(str(query["bbox"])):
        return False
    if not query.get("from") or not query.get("to"):
        return True
    try:
        first, last = (time_of(str(query[name])) for name in ("from", "to"))
        return first <= last
    except (ValueError, OverflowError):
        return True


@schemathesis.hook
def before_call(context, case, kwargs):
    """The class of an event is known, its time is past, and its mean lies between its minimum and maximum. A mute has a scope, and ends in the future."""
    if case.path == "/api/mutes" and isinstance(case.body, dict) and "until" in case.body:
        mute(case.body)
        return
    for event in case.body if isinstance(case.body, list) else [case.body]:
        if not isinstance(event, dict):
            continue
        if isinstance(event.get("class_name"), str) and 0 < len(event["class_name"]) <= 256:
            event["class_name"] = KNOWN_CLASS
        if "timestamp" in event:
            event["timestamp"] = TAKEN
        for name in ("ndvi_min", "ndvi_max"):
            if is_number(event.get(name)) and is_number(event.get("ndvi_mean")):
                event[name] = event["ndvi_mean"]


def mute(body):
    if isinstance(body["until"], str):
        body["until"] = FUTURE
    if isinstance(body.get("from"), str):
        body["from"] = TAKEN
    scope = [name for name in ("site", "class", "region") if name in body]
    if scope:
        body.pop("all", None)
    else:
        body["all"] = True
    region = body.get("region")
    if isinstance(region, list) and len(region) == 4 and all(is_number(each) for each in region):
        region[1], region[3] = sorted((region[1], region[3]))


def is_south_first(box):
    try:
        _, south, _, north = (float(corner) for corner in box.split(","))
    except ValueError:
        return True
    return south <= north


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def time_of(text):
    if text.isdecimal():
        return datetime.fromtimestamp(int(text) / 1000, timezone.utc)
    time = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)
