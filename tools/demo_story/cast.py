"""Who plays: three sites, two brands, their channel accounts, and the agents of each site.

Live demo and story use the same cast. Times are shorter than in life, so that a wave of
customers, its overflow and its end are seen within a minute.
"""

import base64
import csv
import io
import json
import secrets
from dataclasses import dataclass, field

REGION = "baltic"
SITES = ("helsinki", "warsaw", "london")
BRANDS = ("aurora", "marlin")


@dataclass(frozen=True)
class Account:
    """A channel account; `home` is the first of its hosts, whose customers these are."""

    name: str
    brand: str
    kind: str
    hosts: tuple

    @property
    def home(self):
        return self.hosts[0]


ACCOUNTS = (
    Account("aurora-chat", "aurora", "chat", ("helsinki", "warsaw", "london")),
    Account("aurora-page", "aurora", "social", ("helsinki", "london", "warsaw")),
    Account("marlin-chat", "marlin", "chat", ("warsaw", "london", "helsinki")),
    Account("marlin-page", "marlin", "social", ("london", "warsaw", "helsinki")),
)


def account(name):
    return next(one for one in ACCOUNTS if one.name == name)


# Each setting is explained in configs/site.toml.
TIMES = {
    "chat": {"first_response": "30s", "helper_after": "2s", "pull_margin": "3s",
             "last_agent_wait": "2s"},
    "social": {"first_response": "60s", "helper_after": "3s", "pull_margin": "4s",
               "last_agent_wait": "2s", "ring": "20s", "lease": "30s"},
}


@dataclass
class Agent:
    name: str
    site: str
    chat: str      # most at once, and ":helper" where it is not the main work
    social: str    # empty: off
    brands: tuple = BRANDS
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    @property
    def channels(self):
        duties = (("chat", self.chat), ("social", self.social))
        return " ".join(f"{kind}:{duty}" for kind, duty in duties if duty)

    @property
    def display_name(self):
        return self.name.split("-")[0].capitalize()

    @property
    def signature(self):
        """What customers see under a reply: here they learn which site answered."""
        return f"{self.display_name}, {self.site.capitalize()}"


def crew():
    """Helsinki is short of people, above all for its public page: that is what the others are for.
    """
    return [
        Agent("aino", "helsinki", "2", ""),
        Agent("eero", "helsinki", "2", ""),
        Agent("saara", "helsinki", "1:helper", "1"),
        Agent("ania", "warsaw", "3", "2:helper"),
        Agent("borys", "warsaw", "3", "2:helper"),
        Agent("celina", "warsaw", "1:helper", "3"),
        Agent("dawid", "warsaw", "3", "1:helper"),
        Agent("alice", "london", "3", "2:helper"),
        Agent("ben", "london", "3", "2:helper"),
        Agent("chloe", "london", "1:helper", "3"),
        Agent("dev", "london", "2:helper", "3"),
    ]


def guests():
    """One place at each site for whoever watches the demo and wants to answer customers."""
    return [Agent(f"guest-{site}", site, "2", "2") for site in SITES]


def crew_csv(agents):
    """What `crossfloor agent import` reads."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["name", "display_name", "signature", "team", "brands", "languages", "skills",
                   "channels", "password"])
    for one in agents:
        rows.writerow([one.name, one.display_name, one.signature, "floor", " ".join(one.brands),
                       "en", "", one.channels, one.password])
    return out.getvalue()


def passwords_csv(agents):
    """What `crossfloor agent --auto` reads."""
    return "name,password\n" + "".join(f"{one.name},{one.password}\n" for one in agents)


def new_secret():
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def config(data_folder, mesh_port, http_port, account_secrets, callbacks):
    """One node's site.toml. Accounts are equal at all three."""
    lines = [
        "[node]", f"data_folder = {json.dumps(str(data_folder))}",
        "[mesh]", f'listen = "127.0.0.1:{mesh_port}"',
        "[http]", f'listen = "127.0.0.1:{http_port}"',
    ]
    for brand in BRANDS:
        lines += ["[[brand]]", f'name = "{brand}"']
    for one in ACCOUNTS:
        lines += [
            "[[account]]", f'name = "{one.name}"', f'region = "{REGION}"',
            f'brand = "{one.brand}"', f'kind = "{one.kind}"',
            f"hosts = {json.dumps(list(one.hosts))}",
            f'secrets = ["{account_secrets[one.name]}"]',
            f'callback = "{callbacks[one.name]}"',
            "trust_customer_ref = true",
        ]
        lines += [f'{name} = "{value}"' for name, value in TIMES[one.kind].items()]
    return "\n".join(lines) + "\n"
