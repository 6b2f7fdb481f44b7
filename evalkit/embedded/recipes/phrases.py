"""Words that several suites draw on."""

from __future__ import annotations

from evalkit.embedded.dice import Dice
from evalkit.embedded.facts import column, table

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CITIES = (
    "Lyon",
    "Porto",
    "Leeds",
    "Turin",
    "Gdansk",
    "Malmo",
    "Basel",
    "Ghent",
    "Cork",
    "Bilbao",
    "Graz",
    "Bergen",
    "Dresden",
    "Utrecht",
    "Naples",
    "Toledo",
    "Bristol",
    "Odense",
    "Nantes",
    "Brno",
    "Tampere",
    "Split",
    "Verona",
    "Aachen",
    "Kyoto",
    "Boston",
    "Quebec",
    "Perth",
    "Osaka",
    "Dallas",
)


def full_name(dice: Dice) -> str:
    """A first and a last name, such as `Anna Roth`."""
    return f"{dice.pick(column('names', 'first'))} {dice.pick(column('names', 'last'))}"


def goods(dice: Dice) -> tuple[str, str]:
    """Something that can be bought, as (singular, plural)."""
    things = [fact for fact in table("spanish-nouns") if fact["kind"] == "thing"]
    thing = dice.pick(things)
    return thing["english"], thing["plural"]


def order_number(dice: Dice) -> str:
    """An order number, such as `K-4821`."""
    return f"{dice.pick('ABCDEFGHKLMNPRSTW')}-{dice.number(1000, 9999)}"


def capitalised(text: str) -> str:
    """The text with its first letter in upper case and the rest as it was."""
    return text[:1].upper() + text[1:]
