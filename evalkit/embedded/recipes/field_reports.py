"""Summarization: a short report in, one sentence out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evalkit.embedded.dice import Dice
from evalkit.embedded.recipes.phrases import (
    CITIES,
    DAYS,
    MONTHS,
    full_name,
    goods,
    order_number,
)
from evalkit.embedded.recipes.recipe import Recipe, Row

CONFIG = """\
name: field-reports
task: summarization
description: Short reports on weather, sales, matches, failures and meetings, told in one sentence.
test: test.jsonl
train: train.jsonl
validation: validation.jsonl
scorers: [rouge_l, rouge1, rouge2, exact_match]
system: >-
  Summarize the report in one sentence: place, main event, main figures. Leave out who reported it,
  the wind, the audience and reference numbers.
generation: {temperature: 0, max_tokens: 64, stop: ["\\n"], seed: 0}
slices: [topic, form]
"""

SKIES = ("sun", "fog", "rain", "snow", "clouds", "storms", "drizzle", "hail")
WINDS = ("weak", "strong", "gusty", "moderate")
TEAMS = ("Lions", "Bears", "Hawks", "Wolves", "Foxes", "Sharks", "Ravens", "Tigers", "Eagles")
SYSTEMS = ("mail server", "printer", "lift", "website", "heating", "phone line", "ticket machine")
CAUSES = ("a power cut", "a full disk", "a broken cable", "a wrong setting", "water", "dust")
GROUPS = ("design", "sales", "kitchen", "garden", "travel", "music", "safety", "library")
TOPICS = ("new logo", "summer party", "longer opening hours", "price list", "bus trip", "web page")

Told = tuple[list[tuple[str, str]], list[str], str]
"""A report as fields, the same report as sentences, and its summary."""


def weather(dice: Dice) -> Told:
    """Two skies and the highest temperature; the wind is beside the point."""
    city, day, high = dice.pick(CITIES), dice.pick(DAYS), dice.number(-9, 35)
    early, late = dice.several(SKIES, 2)
    wind = dice.pick(WINDS)
    fields = [
        ("City", city),
        ("Morning", early),
        ("Wind", wind),
        ("Day", day),
        ("Afternoon", late),
        ("Highest temperature", str(high)),
    ]
    prose = [
        f"{day} begins with {early}, and the wind is {wind}.",
        f"In {city} it is {high} degrees at most.",
        f"After noon there is {late}.",
    ]
    return fields, prose, f"{city} has {early} and then {late} on {day}, with up to {high} degrees."


def sales(dice: Dice) -> Told:
    """Whether a figure rose or fell between two months."""
    city, (_, item) = dice.pick(CITIES), goods(dice)
    month = dice.number(0, 10)
    before, after = (10 * number for number in dice.several(range(11, 99), 2))
    verb = "rose" if after > before else "fell"
    first, second, name = MONTHS[month], MONTHS[month + 1], full_name(dice)
    fields = [
        ("Store", city),
        ("Manager", name),
        ("Product", item),
        (first, str(before)),
        (second, str(after)),
    ]
    prose = [
        f"The store in {city} counted its {item}.",
        f"It sold {before} in {first}.",
        f"{name} is the manager.",
        f"In {second} it sold {after}.",
    ]
    return fields, prose, f"Sales of {item} in {city} {verb} from {before} to {after} in {second}."


def match(dice: Dice) -> Told:
    """Who won; the audience is beside the point."""
    home, away = dice.several(TEAMS, 2)
    city, name, crowd = dice.pick(CITIES), full_name(dice), dice.number(21, 98) * 100
    ours, theirs = dice.number(0, 5), dice.number(0, 5)
    if ours == theirs:
        told = f"The {home} and the {away} drew {ours}-{theirs} in {city}."
    elif ours > theirs:
        told = f"The {home} beat the {away} {ours}-{theirs} in {city}."
    else:
        told = f"The {away} beat the {home} {theirs}-{ours} in {city}."
    fields = [
        ("Home team", home),
        ("Away team", away),
        ("Audience", str(crowd)),
        ("Score", f"{ours}-{theirs}"),
        ("Place", city),
        ("Referee", name),
    ]
    prose = [
        f"In {city} the {home} met the {away}.",
        f"The match ended {ours}-{theirs}.",
        f"{crowd} people watched.",
        f"{name} was the referee.",
    ]
    return fields, prose, told


def failure(dice: Dice) -> Told:
    """What failed, when, why and for how long."""
    system, cause, city = dice.pick(SYSTEMS), dice.pick(CAUSES), dice.pick(CITIES)
    time, minutes = f"{dice.number(7, 19)}:{dice.number(10, 59)}", dice.number(12, 95)
    name = full_name(dice)
    fields = [
        ("Site", city),
        ("Reported by", name),
        ("System", system),
        ("Failed at", time),
        ("Cause", cause),
        ("Minutes until repaired", str(minutes)),
    ]
    prose = [
        f"{name} called from {city}.",
        f"The {system} failed at {time}.",
        f"The cause was {cause}.",
        f"After {minutes} minutes it was repaired.",
    ]
    told = f"The {system} in {city} failed at {time} for {minutes} minutes because of {cause}."
    return fields, prose, told


def meeting(dice: Dice) -> Told:
    """What a team decided and who does it by when."""
    team, topic, day = dice.pick(GROUPS), dice.pick(TOPICS), dice.pick(DAYS)
    verb = dice.pick(("approved", "rejected", "postponed"))
    name, note = full_name(dice), order_number(dice)
    fields = [
        ("Team", team),
        ("Topic", topic),
        ("Minutes", note),
        ("Decision", verb),
        ("Told by", name),
        ("Next meeting", day),
    ]
    prose = [
        f"{name} told of the {team} team, which met for the minutes {note}.",
        f"The {topic} was {verb}.",
        f"The next meeting is on {day}.",
    ]
    return fields, prose, f"The {team} team {verb} the {topic} and meets again on {day}."


KINDS: dict[str, Callable[[Dice], Told]] = {
    "weather": weather,
    "sales": sales,
    "match": match,
    "failure": failure,
    "meeting": meeting,
}


def rows(dice: Dice) -> Iterator[Row]:
    """Reports without end, half of them lists of fields, half of them prose."""
    while True:
        topic = dice.pick(tuple(KINDS))
        fields, prose, told = KINDS[topic](dice)
        form = dice.pick(("fields", "prose"))
        lines = "; ".join(f"{name}: {value}" for name, value in dice.shuffled(fields))
        prompt = lines if form == "fields" else " ".join(prose)
        yield Row(prompt=prompt, references=(told,), fields={"topic": topic, "form": form})


RECIPE = Recipe(name="field-reports", config=CONFIG, rows=rows, train=5000)
