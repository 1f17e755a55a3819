"""``weather``: the weather of a place on a day, by Open-Meteo: recorded since 1940, forecast for the next two weeks.

Shapes as documented for its geocoding, archive and forecast APIs, which need no key as long as the use is not commercial; a
customer sets the addresses and the key's variable is ``OPEN_METEO_API_KEY``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import Field

from ..core.base import Frozen
from ..core.tooling import Permission, ToolContext, WebRequest
from .calendar import read_date
from .providers import Provider, Shape, ShapeT, ask
from .tool import Tool, ToolError

_OPEN_METEO = "Open-Meteo"
_KEY = "OPEN_METEO_API_KEY"
_FIRST = date(1940, 1, 1)
_RECORDED_AFTER = timedelta(days=7)
"""Younger days are in the forecast's API: the archive is some days behind."""
_FORECAST = timedelta(days=15)
_MEASURES = (
    "temperature_2m_max", "temperature_2m_min", "temperature_2m_mean", "precipitation_sum", "wind_speed_10m_max",
)  # fmt: skip
_CODES = {
    0: "clear sky", 1: "mainly clear", 2: "partly cloudy", 3: "overcast", 45: "fog", 48: "depositing rime fog",
    51: "light drizzle", 53: "moderate drizzle", 55: "dense drizzle", 56: "light freezing drizzle", 57: "dense freezing drizzle",
    61: "slight rain", 63: "moderate rain", 65: "heavy rain", 66: "light freezing rain", 67: "heavy freezing rain",
    71: "slight snow", 73: "moderate snow", 75: "heavy snow", 77: "snow grains", 80: "slight rain showers",
    81: "moderate rain showers", 82: "violent rain showers", 85: "slight snow showers", 86: "heavy snow showers",
    95: "thunderstorm", 96: "thunderstorm with slight hail", 99: "thunderstorm with heavy hail",
}  # fmt: skip
"""WMO code 4677, as Open-Meteo documents it."""


class Question(Frozen):
    """Arguments of ``weather``."""

    place: str = Field(
        min_length=1,
        max_length=100,
        description="A town or city; behind a comma its country or region, where there are several of the name.",
    )
    date: str = Field(max_length=60, description="The day, best as YYYY-MM-DD.")


class WeatherSettings(Frozen):
    """``[tools.weather]``."""

    language: str = Field(default="en", pattern=r"^[a-z]{2}$")
    """In which places are named."""
    geocoding_url: str = "https://geocoding-api.open-meteo.com/v1/search"
    archive_url: str = "https://archive-api.open-meteo.com/v1/archive"
    forecast_url: str = "https://api.open-meteo.com/v1/forecast"
    commercial: bool = False
    """Whether the key of a customer is sent."""


class _Place(Shape):
    name: str
    latitude: float
    longitude: float
    country: str = ""
    admin1: str = ""
    timezone: str = "UTC"

    @property
    def title(self) -> str:
        return ", ".join(filter(None, (self.name, self.admin1, self.country)))


class _Places(Shape):
    results: tuple[_Place, ...] = ()
    """Left out where nothing was found."""


class _Reply(Shape):
    daily: dict[str, list[Any]]
    daily_units: dict[str, str] = Field(default_factory=dict)


class _Service:
    """Open-Meteo under some settings."""

    def __init__(self, settings: WeatherSettings) -> None:
        self._settings = settings

    async def weather(self, question: Question, context: ToolContext) -> dict[str, Any]:
        """The weather of a place on a day."""
        day = read_date(question.date)
        today = datetime.now(UTC).date()
        if not _FIRST <= day <= today + _FORECAST:
            raise ToolError(f"the weather of {day} is not known: it is recorded since 1940 and forecast for two weeks")
        place = await self._place(question.place, context)
        recorded = day < today - _RECORDED_AFTER
        parameters = {
            "latitude": str(place.latitude), "longitude": str(place.longitude), "timezone": place.timezone,
            "start_date": day.isoformat(), "end_date": day.isoformat(), "daily": ",".join(("weather_code", *_MEASURES)),
        }  # fmt: skip
        address = self._settings.archive_url if recorded else self._settings.forecast_url
        reply = await self._ask(context, address, parameters, _Reply)
        return {"place": place.title, "date": day.isoformat(), "kind": "recorded" if recorded else "forecast"} | _measured(reply)

    async def _place(self, name: str, context: ToolContext) -> _Place:
        town, *region = [part.strip() for part in name.split(",")]
        parameters = {"name": town, "count": "10", "language": self._settings.language, "format": "json"}
        found = await self._ask(context, self._settings.geocoding_url, parameters, _Places)
        places = found.results
        wanted = [part.casefold() for part in region if part]
        for place in places:
            if all(part in {place.country.casefold(), place.admin1.casefold()} for part in wanted):
                return place
        known = "; ".join(place.title for place in places[:5])
        raise ToolError(f"there is no place {name!r}" + (f"; there are {known}" if known else ""))

    async def _ask(self, context: ToolContext, address: str, parameters: dict[str, str], shape: type[ShapeT]) -> ShapeT:
        secret = context.secret(_KEY) if self._settings.commercial else ""
        query = parameters | {"apikey": secret} if secret else parameters
        configured = address not in _ADDRESSES
        request = WebRequest(url=address, query=query, configured=configured)
        return await ask(context, request, Provider(_OPEN_METEO, _KEY if secret else "", secret), shape)


def _measured(reply: _Reply) -> dict[str, str]:
    """What was measured, each with its unit; what is not known is left out."""
    first = {name: values[0] for name, values in reply.daily.items() if values and values[0] is not None}
    found = {name: f"{first[name]} {reply.daily_units.get(name, '')}".rstrip() for name in _MEASURES if name in first}
    if not found:
        raise ToolError(f"{_OPEN_METEO} knows nothing of that day")
    sky = _CODES.get(first["weather_code"]) if isinstance(first.get("weather_code"), int | float) else None
    return ({"sky": sky} if sky else {}) | found


def make(settings: WeatherSettings) -> Tool[Question]:
    """The tool with these settings."""
    return Tool(
        name="weather",
        description="Knows the weather of a place on a day: what was recorded since 1940, and a forecast for the next two weeks.",
        arguments=Question,
        work=_Service(settings).weather,
        permissions=frozenset({Permission.NETWORK}),
        keys=(_KEY,) if settings.commercial else (),
        timeout=90.0,
        dollars=None if settings.commercial else 0.0,
        settings=settings,
        rebuild=make,
    )


_ADDRESSES = frozenset(WeatherSettings().model_dump().values())
TOOL = make(WeatherSettings())
