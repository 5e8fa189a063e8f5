"""Regimes: which lawful basis a purpose rests on in a jurisdiction and channel, read from YAML."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from activation.consent.notices import NOTICE_VERSION, NOTICES_FILE, Notices, load_notices
from activation.consent.vocabulary import ANY, OWED_BASES, Basis, Channel
from expectations.located_yaml import LocatedYaml, read_yaml

REGIMES_FILE = Path(__file__).with_name("regimes.yml")
ELSEWHERE: Literal["elsewhere"] = "elsewhere"

_COUNTRY = re.compile(r"[A-Z]{2}")

PurposeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChannelRule(_Strict):
    """What holds for one channel of a regime; `none` means that it is never allowed."""

    basis: Basis | Literal["none"]
    soft_opt_in: bool = False
    double_opt_in: bool = False

    @model_validator(mode="after")
    def _opt_in_needs_consent(self) -> "ChannelRule":
        if (self.soft_opt_in or self.double_opt_in) and self.basis != "consent":
            raise ValueError("soft_opt_in and double_opt_in need basis: consent")
        return self


class Regime(ChannelRule):
    """What holds in a group of countries; `channels` lists the exceptions."""

    countries: list[str] | Literal["elsewhere"]
    # Of the regime and not of a channel: an exception for a channel must not lose it.
    opt_out_signal: bool = False
    channels: dict[Channel, ChannelRule] = Field(default_factory=dict)

    @field_validator("countries", mode="before")
    @classmethod
    def _countries_are_iso_codes(cls, countries: object) -> object:
        if countries == ELSEWHERE:
            return countries
        if not isinstance(countries, list) or not countries:
            raise ValueError("list ISO 3166-1 codes, such as [GB, IE], or write elsewhere")
        if not all(isinstance(code, str) and _COUNTRY.fullmatch(code) for code in countries):
            raise ValueError("use ISO 3166-1 codes of two capital letters, such as DE")
        if "UK" in countries:
            raise ValueError("the United Kingdom's ISO 3166-1 code is GB")
        return countries

    @model_validator(mode="after")
    def _no_signal_binds_what_is_owed(self) -> "Regime":
        bases = {self.basis, *(exception.basis for exception in self.channels.values())}
        if self.opt_out_signal and not bases.isdisjoint(OWED_BASES):
            raise ValueError("opt_out_signal needs basis: consent or legitimate_interests")
        return self


class Purpose(_Strict):
    """What people are contacted for, and the regimes it stands under, `elsewhere` included."""

    description: str
    minimum_notice: str | None = None
    special_category: bool = False
    regimes: list[Regime]

    @field_validator("minimum_notice", mode="before")
    @classmethod
    def _day_is_text(cls, version: object) -> object:
        return version.isoformat() if isinstance(version, date) else version

    @field_validator("minimum_notice")
    @classmethod
    def _notice_is_a_month(cls, version: str | None) -> str | None:
        if version is not None and not NOTICE_VERSION.fullmatch(version):
            raise ValueError("write a notice version as year-month, such as 2025-11")
        return version

    @model_validator(mode="after")
    def _each_country_stands_once(self) -> "Purpose":
        named = [country for regime in self.regimes for country in _jurisdictions(regime)]
        if named.count(ANY) != 1:
            raise ValueError("needs exactly one regime with countries: elsewhere")
        repeated = sorted({country for country in named if named.count(country) > 1})
        if repeated:
            raise ValueError(f"{', '.join(repeated)} stands in two regimes; keep one")
        return self


class Regimes(_Strict):
    """The whole file."""

    adult_age: Annotated[int, Field(ge=13, le=25)]
    channels: Annotated[list[Channel], Field(min_length=1)]
    purposes: Annotated[dict[PurposeName, Purpose], Field(min_length=1)]

    @model_validator(mode="after")
    def _exceptions_use_known_channels(self) -> "Regimes":
        for name, purpose in self.purposes.items():
            for regime in purpose.regimes:
                unknown = sorted(set(regime.channels) - set(self.channels))
                if unknown:
                    raise ValueError(
                        f"purposes.{name} names {', '.join(unknown)}; add it to channels"
                    )
        return self


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of one purpose and channel in one jurisdiction (`*` = elsewhere)."""

    jurisdiction: str
    purpose: str
    channel: str
    basis: Basis
    soft_opt_in: bool = False
    double_opt_in: bool = False
    minimum_notice: str | None = None
    special_category: bool = False
    opt_out_signal: bool = False


def load_regimes(path: Path = REGIMES_FILE) -> Regimes:
    """Read and check a regimes file, against the notices that lie beside it, if any do.

    Raises SourceError, which names file, line, field and fix.
    """
    source = read_yaml(path)
    regimes = source.validate(Regimes)
    beside = path.with_name(NOTICES_FILE.name)
    if beside.exists():
        _check_minimums(source, regimes, load_notices(beside))
    return regimes


def _check_minimums(source: LocatedYaml, regimes: Regimes, notices: Notices) -> None:
    """Consent under a notice older than the last material change does not count, so a purpose must
    ask for that version, no older one and no other."""
    for name, purpose in regimes.purposes.items():
        minimum = notices.minimum(name)
        if purpose.minimum_notice != minimum:
            raise source.error(
                ("purposes", name, "minimum_notice"),
                "is not the version of the last material change in notices.yml",
                f"write {minimum}" if minimum else "remove it, or list the purpose in a notice",
            )


def rules(regimes: Regimes) -> list[Rule]:
    """Every rule of the file: one per jurisdiction named, purpose and channel allowed there."""
    return [
        Rule(
            jurisdiction=jurisdiction,
            purpose=name,
            channel=channel,
            basis=chosen.basis,
            soft_opt_in=chosen.soft_opt_in,
            double_opt_in=chosen.double_opt_in,
            minimum_notice=purpose.minimum_notice,
            special_category=purpose.special_category,
            opt_out_signal=regime.opt_out_signal,
        )
        for name, purpose in regimes.purposes.items()
        for regime in purpose.regimes
        for jurisdiction in _jurisdictions(regime)
        for channel in regimes.channels
        if (chosen := regime.channels.get(channel, regime)).basis != "none"
    ]


class RuleBook:
    """The rules of a regimes file, ready to look one up."""

    def __init__(self, regimes: Regimes) -> None:
        self._rules = {(r.jurisdiction, r.purpose, r.channel): r for r in rules(regimes)}
        self._named = {
            (jurisdiction, name)
            for name, purpose in regimes.purposes.items()
            for regime in purpose.regimes
            for jurisdiction in _jurisdictions(regime)
        }

    def find(self, jurisdiction: str | None, purpose: str, channel: str) -> Rule | None:
        """The rule for a person of `jurisdiction`, or None where nothing allows it.

        A country that a purpose names stands for itself: `elsewhere` never fills its gaps.
        """
        if jurisdiction is None or (jurisdiction, purpose) not in self._named:
            jurisdiction = ANY
        return self._rules.get((jurisdiction, purpose, channel))


def flatten(regimes: Regimes) -> list[dict[str, Any]]:
    """Rows of the warehouse table reference.regime: one per jurisdiction, purpose and channel.

    What is forbidden has a row too, with a null basis, so that `*` cannot stand in for it.
    """
    return [
        {
            "jurisdiction": jurisdiction,
            "purpose": name,
            "channel": channel,
            "basis": None if chosen.basis == "none" else chosen.basis,
            "soft_opt_in": chosen.soft_opt_in,
            "double_opt_in": chosen.double_opt_in,
            "minimum_notice": purpose.minimum_notice,
            "opt_out_signal": regime.opt_out_signal,
        }
        for name, purpose in regimes.purposes.items()
        for regime in purpose.regimes
        for jurisdiction in _jurisdictions(regime)
        for channel in regimes.channels
        for chosen in [regime.channels.get(channel, regime)]
    ]


def signalled_purposes(regimes: Regimes) -> frozenset[str]:
    """The purposes that an opt-out signal binds in some jurisdiction."""
    return frozenset(
        name
        for name, purpose in regimes.purposes.items()
        if any(regime.opt_out_signal for regime in purpose.regimes)
    )


def flatten_purposes(regimes: Regimes) -> list[dict[str, Any]]:
    """Rows of the warehouse table reference.purpose: one per purpose."""
    return [
        {
            "purpose": name,
            "description": purpose.description,
            "special_category": purpose.special_category,
            "adult_age": regimes.adult_age,
        }
        for name, purpose in regimes.purposes.items()
    ]


def _jurisdictions(regime: Regime) -> list[str]:
    return [ANY] if isinstance(regime.countries, str) else regime.countries
