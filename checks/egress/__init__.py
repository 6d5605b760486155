"""
The one door through which anything dials out.

`Egress` looks a name up within the deadline, judges every address by its `Policy`, dials exactly
a judged one, and does so again at each redirect. Nothing else in Breakwater opens a socket.
"""

from checks.egress.addresses import Address
from checks.egress.door import Egress
from checks.egress.lookup import Lookup
from checks.egress.messages import Connection, DnsAnswer, HttpRequest, HttpResponse, PingReply
from checks.egress.policy import Policy, Profile, Rule, parse_policy

__all__ = [
    "Address",
    "Connection",
    "DnsAnswer",
    "Egress",
    "HttpRequest",
    "HttpResponse",
    "Lookup",
    "PingReply",
    "Policy",
    "Profile",
    "Rule",
    "parse_policy",
]
