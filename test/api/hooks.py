"""Rule that OpenAPI cannot express: the start of a range is not after its end."""

from datetime import datetime, timezone

import schemathesis


@schemathesis.hook
def filter_case(context, case):
    query = case.query or {}
    if not query.get("from") or not query.get("to"):
        return True
    try:
        first, last = (time_of(str(query[name])) for name in ("from", "to"))
        return first <= last
    except (ValueError, OverflowError):
        return True


def time_of(text):
    if text.isdecimal():
        return datetime.fromtimestamp(int(text) / 1000, timezone.utc)
    time = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)
