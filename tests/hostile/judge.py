"""The answers that are allowed; any other is a finding."""

from __future__ import annotations

from service.http.problems import MAX_BYTES, TITLES
from tests.hostile.corpus import Request
from tests.soak.wire import Answer

REFUSALS = frozenset({400, 401, 404, 405, 408, 413, 415, 422})
"""What hostile input may be answered with, besides 200."""
SHED = frozenset({503, 504})
"""What load may be answered with."""
NEVER = {"internal", "client_gone"}
HEAVY = ("/predict/batch", "/explain", "/catalogue/listings")
"""Paths that may say that they are busy, and take their time."""
NOT_HTTP = b"Invalid HTTP request received."
MANY_SECONDS = 60.0
LONGEST_SECONDS = 5.0
"""Nothing that is not waiting in a line takes longer; the contract's worst input takes 1 s on a quiet machine."""


def fault_of_answer(answer: Answer, *, longest: float = LONGEST_SECONDS, shed: bool = False) -> str | None:
    """The fault of any answer at all, or None. `shed`: the server may be too busy."""
    if answer.seconds > longest:
        return f"took {answer.seconds:.1f} s"
    if answer.status == 400 and _is_not_http(answer):
        return None
    if "x-request-id" not in answer.headers:
        return "has no X-Request-ID"
    if answer.headers.get("x-content-type-options") != "nosniff" or "content-security-policy" not in answer.headers:
        return "has no security headers"
    if answer.status in (200, 204, 304):
        return None
    if answer.status not in REFUSALS and not (shed and answer.status in SHED):
        return f"status {answer.status}"
    return fault_of_problem(answer)


def _is_not_http(answer: Answer) -> bool:
    """Whether the server says in its one plain text that the request was no HTTP; to HEAD without the text."""
    head = answer.headers.get("content-type", "").partition(";")[0], answer.headers.get("content-length")
    return answer.body == NOT_HTTP or (not answer.body and head == ("text/plain", str(len(NOT_HTTP))))


def fault_of_problem(answer: Answer) -> str | None:
    """The fault of a problem body, or None."""
    if not answer.body:  # HEAD
        return None
    if answer.headers.get("content-type") != "application/problem+json":
        return f"status {answer.status} without a problem body"
    if len(answer.body) > MAX_BYTES or not answer.body.isascii():
        return "problem body is too long or not ASCII"
    body = answer.json()
    if body["status"] != answer.status or body["code"] not in TITLES or body["code"] in NEVER:
        return f"problem with status {body['status']} and code {body['code']}"
    if body["request_id"] != answer.headers["x-request-id"]:
        return "problem of another request"
    if answer.status == 503 and "retry-after" not in answer.headers:
        return "503 without Retry-After"
    return None


def fault_of_hostile(
    request: Request, answer: Answer, *, longest: float = LONGEST_SECONDS, shed: bool = False
) -> str | None:
    """The fault of the answer to a hostile request, or None."""
    if ("X-Deadline-Ms", "1") in request.headers:
        shed = True  # no time at all was given
    if request.target.startswith(HEAVY):
        shed, longest = True, max(longest, MANY_SECONDS)  # only so many at once; batches wait in line
    if (fault := fault_of_answer(answer, longest=longest, shed=shed)) is not None:
        return fault
    if answer.status == 200 and request.method == "POST" and request.target.startswith("/predict"):
        return fault_of_results(answer, shed=shed)
    return None


def fault_of_results(answer: Answer, *, shed: bool) -> str | None:
    """The fault of predictions, alone or many, or None."""
    body = answer.json()
    if isinstance(body, dict) and "results" not in body:
        return _fault_of_prediction(body)
    for number, result in enumerate(body if isinstance(body, list) else body["results"]):
        if result["index"] != number:
            return f"result {result['index']} stands at {number}"
        if result["status"] == 200:
            fault = _fault_of_prediction(result["prediction"])
        elif result["status"] in REFUSALS or (shed and result["status"] in SHED):
            fault = None if result["error"]["code"] in TITLES.keys() - NEVER else "unknown code in a result"
        else:
            fault = f"a result with status {result['status']}"
        if fault is not None:
            return fault
    return None


def _fault_of_prediction(body: dict) -> str | None:  # type: ignore[type-arg]
    confidences = [one["confidence"] for one in body["predictions"]]
    if not confidences or sorted(confidences, reverse=True) != confidences or not 0 < confidences[0] <= 1:
        return f"confidences {confidences[:5]}"
    if body["category"]["code"] != body["predictions"][0]["code"] or not body["prediction_set"]["codes"]:
        return "category or prediction set do not fit"
    return None
