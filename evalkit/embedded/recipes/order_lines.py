"""Extraction: orders and appointments in everyday words into JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from evalkit.embedded.dice import Dice
from evalkit.embedded.recipes.phrases import (
    CITIES,
    DAYS,
    NUMBERS,
    capitalised,
    full_name,
    goods,
)
from evalkit.embedded.recipes.recipe import Recipe, Row

CONFIG = """\
name: order-lines
task: extraction
description: Orders and appointments in everyday words, read into JSON.
test: test.jsonl
train: train.jsonl
validation: validation.jsonl
scorers: [json_match, json_valid, exact_match]
system: >-
  Reply with one JSON object. An order has customer, item (singular), quantity (number), city, day;
  an appointment has name, service, day, time (24 hours).
generation: {temperature: 0, max_tokens: 72, stop: ["\\n"], seed: 0}
slices: [kind, style]
"""

SERVICES = (
    "haircut",
    "massage",
    "eye test",
    "piano lesson",
    "car repair",
    "dental check",
    "photo session",
    "tax advice",
    "house visit",
    "language course",
)
ORDERS = {
    "note": (
        "{name} from {city} wants {count} {items} by {day}.",
        "Order taken: {count} {items} for {name}, to be in {city} on {day}.",
        "For {day}: {count} {items}, goes to {city}, paid by {name}.",
        "{count} {items} for {name} in {city}, needed {day}.",
    ),
    "message": (
        "Hi, this is {name}. Can I have {count} {items} sent to {city} on {day}?",
        "Please bring {count} {items} to {city} by {day}, thanks, {name}",
        "Good morning, {name} here, we need {count} {items} in {city} this {day}.",
        "I'd like to order {count} {items}. I live in {city}, {day} would be fine. {name}",
    ),
}
APPOINTMENTS = {
    "note": (
        "{name} comes for a {service} on {day} at {time}.",
        "{day}, {time}: {service}, {name}.",
        "Booked a {service} for {name}, {day} at {time}.",
        "At {time} on {day} there is a {service} with {name}.",
    ),
    "message": (
        "Hello, {name} speaking, could I get a {service} on {day} at {time}?",
        "Is {time} on {day} free for a {service}? Yours, {name}",
        "My name is {name} and I need a {service}, best on {day} around {time}.",
        "Put me down for a {service} this {day} at {time}, please. {name}",
    ),
}


def rows(dice: Dice) -> Iterator[Row]:
    """Lines without end, half orders and half appointments."""
    while True:
        kind, style = dice.pick(("order", "appointment")), dice.pick(("note", "message"))
        prompt, fields = (_order if kind == "order" else _appointment)(dice, style)
        yield Row(
            prompt=capitalised(prompt),
            references=(json.dumps(fields),),
            fields={"kind": kind, "style": style},
        )


def _order(dice: Dice, style: str) -> tuple[str, dict[str, str | int]]:
    item, items = goods(dice)
    name, city, day = full_name(dice), dice.pick(CITIES), dice.pick(DAYS)
    quantity = dice.number(2, 9)
    prompt = dice.pick(ORDERS[style]).format(
        name=name,
        city=city,
        day=day,
        items=items,
        count=dice.pick((NUMBERS[quantity], str(quantity))),
    )
    fields: dict[str, str | int] = {
        "customer": name,
        "item": item,
        "quantity": quantity,
        "city": city,
        "day": day,
    }
    return prompt, fields


def _appointment(dice: Dice, style: str) -> tuple[str, dict[str, str | int]]:
    name, day, service = full_name(dice), dice.pick(DAYS), dice.pick(SERVICES)
    hour, minute = dice.number(8, 19), dice.pick(("00", "15", "30", "45"))
    half = f"{(hour - 1) % 12 + 1}:{minute} {'am' if hour < 12 else 'pm'}"  # noqa: PLR2004 - noon
    time = f"{hour:02}:{minute}"
    prompt = dice.pick(APPOINTMENTS[style]).format(
        name=name, day=day, service=service, time=dice.pick((time, half))
    )
    fields: dict[str, str | int] = {"name": name, "service": service, "day": day, "time": time}
    return prompt, fields


RECIPE = Recipe(name="order-lines", config=CONFIG, rows=rows, train=2000, form="messages")
